"""Job definitions: what is refused of them, and their revisions."""
