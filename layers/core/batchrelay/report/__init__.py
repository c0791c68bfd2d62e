"""A run's report: a document for programs, one HTML file for people, a trace for Perfetto.

Pure: what AWS says of a run comes in as `Evidence`; only files of this package are read.
"""
