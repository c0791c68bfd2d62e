"""The least that can be done: `./job` by posix_spawn, two at a time, and wait."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

SLOTS = 2


def run(jobs: Iterable[tuple[str, ...]], slots: int = SLOTS) -> None:
    """Start each as soon as there is a slot; a failure ends the loop."""
    running = 0
    for arguments in jobs:
        if running == slots:
            wait()
            running -= 1
        os.posix_spawn("./job", ["./job", *arguments], os.environ)
        running += 1
    for _ in range(running):
        wait()


def wait() -> None:
    """Wait for any of them."""
    if os.wait()[1] != 0:
        sys.exit(1)


def main(kind: str, size: int) -> None:
    """Do the work."""
    if kind == "word-count":
        run([("list",)])
        with open("list.txt") as listed:
            run(("count", name) for name in listed.read().split())
        run([("merge",)])
    else:
        slots = 1 if kind == "chain" else SLOTS
        run((("no-op", str(number)) for number in range(size)), slots)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
