"""Reports of runs that never were: for the tests, the example of the docs and its pictures."""
