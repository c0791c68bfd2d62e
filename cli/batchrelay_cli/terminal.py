"""The only way to the terminal: what comes from outside cannot act on it, nor break a table."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console

from batchrelay.domain.values import printable

LINE_CHARS_MAX = 10_000
"""Characters of a line of a log that `run` prints: a progress bar may have written 5 MB of it."""

TEXT_CHARS_MAX = 300
"""Characters of a text from outside that stands within a sentence."""


def say(text: str, *, err: bool = False, keep: str = "") -> None:
    """Print a line; what would act on the terminal is printed as its escape, but for `keep`."""
    click.echo(printable(text, keep), err=err)


def console(**options: Any) -> Console:
    """A terminal that takes no text for markup: `[bold]` in an object's key is no command."""
    return _Screen(highlight=False, markup=False, emoji=False, **options)


class _Screen(Console):
    """Filters every text that is printed by itself; tables are made of texts that were filtered.

    A text is one line: a line break from outside would forge the next one.
    """

    def print(self, *objects: Any, **options: Any) -> None:
        texts = (printable(one, keep="\t") if isinstance(one, str) else one for one in objects)
        super().print(*texts, **options)


def excerpt(text: str, chars_max: int = TEXT_CHARS_MAX) -> str:
    """As much of a text as fits into a sentence."""
    line = printable(text.strip()[: chars_max + 1])
    return line if len(line) <= chars_max else line[: chars_max - 1] + "…"


def cut_line(line: str) -> str:
    """A line of a log as far as it is printed, and how much is left out."""
    line = line.removesuffix("\r")
    excess = len(line) - LINE_CHARS_MAX
    start = printable(line[:LINE_CHARS_MAX], keep="\t")
    return start if excess <= 0 else f"{start}… ({excess:,} more characters)"
