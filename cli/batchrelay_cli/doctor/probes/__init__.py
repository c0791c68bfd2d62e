"""One question a file: what is asked of AWS, and what the answers mean (a pure function)."""
