"""Runs a program for each item of a child of an AWS Batch array job.

Standard library only, Python 3.8 or newer, and quick to start: a child of a second should not
spend half of it on imports. What it shares with batchrelay is a format
(docs/reference/manifest.md), no code.
"""

__version__ = "0.1.0"
