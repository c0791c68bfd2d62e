"""Prefect: a task for each process, two threads; the temporary server with SQLite."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from prefect import flow, task
from prefect.task_runners import ThreadPoolTaskRunner

TWO = ThreadPoolTaskRunner(max_workers=2)


@task
def job(*arguments: str) -> None:
    """One process."""
    subprocess.run(["./job", *arguments], check=True)


@task
def child(number: int) -> None:
    """One process of a fan-out or a chain."""
    subprocess.run(["./job", "no-op", str(number)], check=True)


@task
def count_words(name: str) -> None:
    """The words of one text."""
    subprocess.run(["./job", "count", name], check=True)


@flow(task_runner=TWO)
def fan_out(count: int) -> None:
    """Children that depend on nothing."""
    child.map(range(count)).result()


@flow
def chain(count: int) -> None:
    """One after the other."""
    for number in range(count):
        child(number)


@flow(task_runner=TWO)
def word_count(count: int) -> None:
    """List, count each, merge."""
    job("list")
    count_words.map(Path("list.txt").read_text().split()).result()
    job("merge")


if __name__ == "__main__":
    {"fan-out": fan_out, "chain": chain, "word-count": word_count}[os.environ["WORK"]](
        int(os.environ["COUNT"])
    )
