"""Which AWS calls the functions make, and whether their roles allow those and no more."""
