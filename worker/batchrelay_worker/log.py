"""Our own lines in the job's log: what comes from outside cannot act on a terminal, nor be a line
of ours."""

from __future__ import annotations

import sys


def log_line(line: str) -> None:
    """A line for the log, apart from the program's own."""
    print(f"[batchrelay] {printable(line)}", file=sys.stderr, flush=True)  # noqa: T201  # the log


def printable(text: str) -> str:
    """A text with the escape of every character that is not shown as itself."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
