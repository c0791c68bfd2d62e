"""Metaflow: a chain is a step that goes on to itself."""

from __future__ import annotations

import os
import subprocess

from metaflow import FlowSpec, step


class Chain(FlowSpec):
    """One process after the other."""

    @step
    def start(self) -> None:
        """Begin with the first."""
        self.number = 0
        self.next(self.link)

    @step
    def link(self) -> None:
        """One process."""
        subprocess.run(["./job", "no-op", str(self.number)], check=True)
        self.number += 1
        self.goes_on = "yes" if self.number < int(os.environ["COUNT"]) else "no"
        self.next({"yes": self.link, "no": self.end}, condition="goes_on")

    @step
    def end(self) -> None:
        """Every flow has one."""


if __name__ == "__main__":
    Chain()
