"""Reads a pipeline file: YAML or JSON in, a Pipeline out, or every problem with its place.

`document` keeps line and column, `shapes` knows AWS's requests, `fields` and `steps` know ours,
`read` puts them together, `problems` is what they find.
"""
