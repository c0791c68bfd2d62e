"""What `forEach` means: items, read as streams from where they are listed."""
