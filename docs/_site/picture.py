"""Draw what a command prints on a terminal: docs/images/run.svg is `make run`, its long table cut.

.venv/bin/python docs/_site/picture.py docs/images/run.svg make run
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

from rich.console import Console
from rich.text import Text

COLUMNS, LINES = 104, 60
TABLE_ROWS = 5
"""Rows of the printed word table that the picture keeps."""

WORD_ROW = re.compile(r"[a-z]+ +\d+ *")
PIECE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\n|[^\x1b\r\n]+")
FONT = "ui-monospace, Menlo, Consolas, monospace"


def printed(command: list[str]) -> str:
    """What a command prints on a terminal of that size, with its control sequences."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    pieces = []
    while True:
        try:
            piece = os.read(ours, 65_536)
        except OSError:  # the terminal of a process that has ended
            break
        if not piece:
            break
        pieces.append(piece)
    process.wait()
    return b"".join(pieces).decode()


def rows_of(text: str) -> list[str]:
    """The rows of the screen at the end: a table that redraws itself is there once."""
    rows, at = [""], 0
    for piece in PIECE.findall(text):
        if piece == "\n":
            at += 1
            rows += [""] if at == len(rows) else []
        elif up := re.fullmatch(r"\x1b\[(\d*)A", piece):
            at = max(0, at - int(up[1] or 1))
        elif re.fullmatch(r"\x1b\[2?K", piece):
            rows[at] = ""
        elif not piece.startswith("\x1b") or piece.endswith("m"):
            rows[at] += piece
    return rows


def cut(rows: list[str]) -> list[str]:
    """The rows without most of the word table; an ellipsis stands for them."""
    words = [number for number, row in enumerate(rows) if WORD_ROW.fullmatch(row)]
    if len(words) <= TABLE_ROWS:
        return rows
    return [*rows[: words[TABLE_ROWS]], "…", *rows[words[-1] + 1 :]]


def picture(title: str, rows: list[str]) -> str:
    """The rows as SVG, without a font that a browser would have to fetch."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), color_system="truecolor")
    console.print(Text(f"$ {title}", style="bold"))
    for row in rows:
        console.print(Text.from_ansi(row), no_wrap=True, crop=True)
    svg = console.export_svg(title=title)
    svg = re.sub(r"@font-face \{.*?\}\n", "", svg, flags=re.DOTALL)
    svg = svg.replace("Fira Code, monospace", FONT)
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


if __name__ == "__main__":
    target, command = sys.argv[1], sys.argv[2:]
    Path(target).write_text(picture(" ".join(command), cut(rows_of(printed(command).rstrip()))))
