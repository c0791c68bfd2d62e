"""Metaflow: list, count each by foreach, merge as the join."""

from __future__ import annotations

import subprocess
from pathlib import Path

from metaflow import FlowSpec, step


class WordCount(FlowSpec):
    """List, count each, merge."""

    @step
    def start(self) -> None:
        """The list of texts."""
        subprocess.run(["./job", "list"], check=True)
        self.names = Path("list.txt").read_text().split()
        self.next(self.count_words, foreach="names")

    @step
    def count_words(self) -> None:
        """The words of one text."""
        subprocess.run(["./job", "count", self.input], check=True)
        self.next(self.merge)

    @step
    def merge(self, inputs: object) -> None:
        """The sum of all counts."""
        subprocess.run(["./job", "merge"], check=True)
        self.next(self.end)

    @step
    def end(self) -> None:
        """Every flow has one."""


if __name__ == "__main__":
    WordCount()
