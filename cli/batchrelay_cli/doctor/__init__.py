"""Proves in an account what AWS's documentation leaves open: `batchrelay doctor`.

A probe (`probes/`) asks AWS through one port (`port.py`), of which there are two: the live one
(`live.py`), which writes every call and event into a transcript, and the one that reads a
transcript (`replay.py`). A probe reads no clock: the time is that at which its last call was
answered. So a probe that reads a transcript sees what it saw then, and its answers are the same.
"""
