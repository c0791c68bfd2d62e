"""redun: a script task for each process, local executor; call graph and results in SQLite."""

from typing import Any

from redun import File, script, task

redun_namespace = "peers"


@task()
def child(number: int, previous: Any = None) -> Any:
    """One process; it is there when its file is."""
    return script(f"./job no-op {number}", outputs=File(f"done/{number}"))


@task()
def fan_out(count: int) -> list[Any]:
    """Children that depend on nothing."""
    return [child(number) for number in range(count)]


@task()
def chain(count: int) -> Any:
    """Each takes the file of the one before."""
    previous = None
    for number in range(count):
        previous = child(number, previous)
    return previous


@task()
def counts_of(listed: File) -> list[Any]:
    """A script for each text of the list."""
    names = listed.read().split()
    return [script(f"./job count {name}", outputs=File(f"counts/{name}")) for name in names]


@task()
def merge(counts: list[File]) -> Any:
    """The sum of all counts."""
    return script("./job merge", outputs=File("total.txt"))


@task()
def word_count(count: int) -> Any:
    """List, count each, merge."""
    listed = script("./job list", outputs=File("list.txt"))
    return merge(counts_of(listed))
