"""Luigi: a task for each process, with a local target; the local scheduler."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import luigi


class Child(luigi.Task):
    """One of a fan-out."""

    number = luigi.IntParameter()

    def output(self) -> luigi.LocalTarget:
        """The file that the process makes."""
        return luigi.LocalTarget(f"done/{self.number}")

    def run(self) -> None:
        """Run the process."""
        subprocess.run(["./job", "no-op", str(self.number)], check=True)


class FanOut(luigi.WrapperTask):
    """Children that depend on nothing."""

    count = luigi.IntParameter()

    def requires(self) -> Iterator[luigi.Task]:
        """All of them."""
        return (Child(number=number) for number in range(self.count))


class Link(Child):
    """One of a chain."""

    def requires(self) -> list[luigi.Task]:
        """The one before."""
        return [Link(number=self.number - 1)] if self.number else []


class Chain(luigi.WrapperTask):
    """Links, each after the one before."""

    count = luigi.IntParameter()

    def requires(self) -> luigi.Task:
        """The last."""
        return Link(number=self.count - 1)


class List(luigi.Task):
    """The list of texts."""

    def output(self) -> luigi.LocalTarget:
        """A name a line."""
        return luigi.LocalTarget("list.txt")

    def run(self) -> None:
        """Run the process."""
        subprocess.run(["./job", "list"], check=True)


class Count(luigi.Task):
    """The words of one text."""

    name = luigi.Parameter()

    def output(self) -> luigi.LocalTarget:
        """A count of each word."""
        return luigi.LocalTarget(f"counts/{self.name}")

    def run(self) -> None:
        """Run the process."""
        subprocess.run(["./job", "count", self.name], check=True)


class WordCount(luigi.Task):
    """The sum of all counts."""

    count = luigi.IntParameter()

    def requires(self) -> luigi.Task:
        """The list."""
        return List()

    def output(self) -> luigi.LocalTarget:
        """A count of each word."""
        return luigi.LocalTarget("total.txt")

    def run(self) -> Iterator[list[luigi.Task]]:
        """Ask for a count of each text of the list, then merge."""
        yield [Count(name=name) for name in Path("list.txt").read_text().split()]
        subprocess.run(["./job", "merge"], check=True)
