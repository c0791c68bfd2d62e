"""What is looked at before a pipeline is registered: one file for each subject.

Each is functions of what AWS describes. `checks` asks AWS, and puts a problem at its place in the
file; what AWS does not let the caller see is no problem, and is named.
"""
