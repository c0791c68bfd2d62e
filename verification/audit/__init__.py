"""What is installed and deployed, looked at by others' tools; each finding has a reason."""
