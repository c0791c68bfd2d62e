"""An AWS on this machine: MiniStack, and an AWS Batch of our own that runs real processes."""
