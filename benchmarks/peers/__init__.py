"""batchrelay beside other workflow programs: the same work on one machine, `make bench-peers`."""
