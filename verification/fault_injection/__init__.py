"""The examples under fault injection, by the real handlers: `make verify-faults SEEDS=200`."""
