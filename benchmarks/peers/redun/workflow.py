"""redun: a script task for each process, local executor; call graph and results in SQLite.

The scripts run in the pool of processes: in redun's threads, about one of a thousand fails with
"Text file busy", because another thread forks while the script's file is open.
"""

from typing import Any

from redun import task
from redun.functools import seq

redun_namespace = "peers"


@task(script=True, executor="process")
def no_op(number: int) -> str:
    """One process of a fan-out or a chain."""
    return f"./job no-op {number}"


@task(script=True, executor="process")
def listed() -> str:
    """The list of texts, printed."""
    return "./job list && cat list.txt"


@task(script=True, executor="process")
def count_words(name: str) -> str:
    """The words of one text."""
    return f"./job count {name}"


@task(script=True, executor="process")
def merge(counts: list[Any]) -> str:
    """The sum of all counts."""
    return "./job merge"


@task()
def fan_out(count: int) -> list[Any]:
    """Children that depend on nothing."""
    return [no_op(number) for number in range(count)]


@task()
def chain(count: int) -> Any:
    """One after the other. 200 calls, each with the result of the one before, nest too deep."""
    return seq([no_op(number) for number in range(count)])


@task()
def counts_of(names: bytes) -> list[Any]:
    """A script for each text of the list."""
    return [count_words(name) for name in names.decode().split()]


@task()
def word_count(count: int) -> Any:
    """List, count each, merge."""
    return merge(counts_of(listed()))
