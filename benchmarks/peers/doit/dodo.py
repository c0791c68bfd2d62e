"""doit: a task for each process, with its target; results in doit's database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from doit import create_after


def size(work: str) -> int:
    """How many tasks of this work: only one work is asked for at a time."""
    return int(os.environ["COUNT"]) if os.environ["WORK"] == work else 0


def task_fan_out() -> Iterator[dict[str, Any]]:
    """Children that depend on nothing."""
    for number in range(size("fan-out")):
        target = f"done/{number}"
        command = ["./job", "no-op", str(number)]
        yield {"name": str(number), "actions": [command], "targets": [target], "uptodate": [True]}


def task_chain() -> Iterator[dict[str, Any]]:
    """Each needs the file of the one before."""
    for number in range(size("chain")):
        yield {
            "name": str(number),
            "actions": [["./job", "no-op", str(number)]],
            "targets": [f"done/{number}"],
            "file_dep": [f"done/{number - 1}"] if number else [],
            "uptodate": [True],
        }


def task_texts() -> dict[str, Any]:
    """The list of texts."""
    return {"actions": [["./job", "list"]], "targets": ["list.txt"], "uptodate": [True]}


@create_after(executed="texts")
def task_count() -> Iterator[dict[str, Any]]:
    """A task for each text of the list."""
    for name in Path("list.txt").read_text().split():
        yield {
            "name": name,
            "actions": [["./job", "count", name]],
            "file_dep": [f"texts/{name}"],
            "targets": [f"counts/{name}"],
        }


@create_after(executed="count")
def task_word_count() -> dict[str, Any]:
    """The sum of all counts."""
    names = Path("list.txt").read_text().split()
    return {
        "actions": [["./job", "merge"]],
        "file_dep": [f"counts/{name}" for name in names],
        "targets": ["total.txt"],
    }
