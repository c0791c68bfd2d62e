"""Metaflow: a task for each process, by foreach; metadata and artifacts in files."""

from __future__ import annotations

import os
import subprocess

from metaflow import FlowSpec, step


class FanOut(FlowSpec):
    """Children that depend on nothing."""

    @step
    def start(self) -> None:
        """The children to run."""
        self.numbers = [*range(int(os.environ["COUNT"]))]
        self.next(self.child, foreach="numbers")

    @step
    def child(self) -> None:
        """One process."""
        subprocess.run(["./job", "no-op", str(self.input)], check=True)
        self.next(self.join)

    @step
    def join(self, inputs: object) -> None:
        """Wait for all."""
        self.next(self.end)

    @step
    def end(self) -> None:
        """Every flow has one."""


if __name__ == "__main__":
    FanOut()
