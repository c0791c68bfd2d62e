"""Dagster: an op for each process, dynamic outputs for the children; runs and events in SQLite."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from dagster import DynamicOut, DynamicOutput, In, in_process_executor, job, op

COUNT = int(os.environ["COUNT"])


def run(*arguments: str) -> None:
    """One process."""
    subprocess.run(["./job", *arguments], check=True)


@op(out=DynamicOut(int))
def numbers() -> Iterator[DynamicOutput[int]]:
    """The children to run."""
    for number in range(COUNT):
        yield DynamicOutput(number, mapping_key=str(number))


@op
def child(number: int) -> None:
    """One of a fan-out."""
    run("no-op", str(number))


@job(executor_def=in_process_executor)
def fan_out() -> None:
    """Children that depend on nothing."""
    numbers().map(child)


@op(ins={"previous": In(int)})
def link(previous: int) -> int:
    """One of a chain."""
    run("no-op", str(previous + 1))
    return previous + 1


@op
def first() -> int:
    """The first of a chain."""
    run("no-op", "0")
    return 0


@job(executor_def=in_process_executor)
def chain() -> None:
    """Each takes what the one before returns."""
    number = first()
    for place in range(1, COUNT if os.environ["WORK"] == "chain" else 1):
        number = link.alias(f"link_{place}")(number)


@op(out=DynamicOut(str))
def listed() -> Iterator[DynamicOutput[str]]:
    """The list of texts."""
    run("list")
    for name in Path("list.txt").read_text().split():
        yield DynamicOutput(name, mapping_key=name.partition(".")[0].replace("-", "_"))


@op
def count_words(name: str) -> str:
    """The words of one text."""
    run("count", name)
    return name


@op
def merge(names: list[str]) -> None:
    """The sum of all counts."""
    run("merge")


@job(executor_def=in_process_executor)
def word_count() -> None:
    """List, count each, merge."""
    merge(listed().map(count_words).collect())
