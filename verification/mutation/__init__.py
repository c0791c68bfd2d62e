"""Planted bugs, each of which some test must die of: `make mutants`."""
