"""Speed as ratios to a baseline in the same run: these are shared machines."""
