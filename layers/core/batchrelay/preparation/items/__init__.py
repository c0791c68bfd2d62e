"""What `forEach` means: items, read as streams from where they are listed.

An error says where in the object something is wrong (line, column, byte, place of an item) and what
kind of thing is there, and never quotes it: the object may be one that the reader of the error may
not read.
"""
