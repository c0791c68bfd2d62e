"""What a release consists of: the stack as `sam build` makes it, and the distributions."""
