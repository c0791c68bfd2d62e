"""The work that each runner does, and how it is verified: each process ran exactly once.

A runner starts `./job` in the folder of its run: `./job no-op NUMBER`, `./job list`,
`./job count NAME`, `./job merge`. A process leaves a file, and a line in the file `ran`.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from shlex import quote

WORDS = Path(__file__).parent / "words.py"
WORDS_A_TEXT, VOCABULARY = 2_000, 997
SHOWN = 3


class Kind(StrEnum):
    """What is done, as `--work` names it."""

    FAN_OUT = "fan-out"
    CHAIN = "chain"
    WORD_COUNT = "word-count"


@dataclass(frozen=True, kw_only=True)
class Work:
    """A kind of work at a size: children, steps or texts."""

    kind: Kind
    size: int

    def __str__(self) -> str:
        return f"{self.kind} {self.size:,}"


class Unverified(Exception):
    """What the work left is not what it had to leave."""


def python() -> str:
    """The interpreter that counts words: of no environment, the same for every runner."""
    return str(Path(sys.executable).resolve())


def prepare(work: Work, folder: Path) -> None:
    """Put the program and, for a word count, the texts into the folder of a run."""
    for name in ("done", "counts", "texts"):
        (folder / name).mkdir()
    (folder / "ran").touch()
    job = folder / "job"
    job.write_text(
        f"#!/bin/sh\ncd {quote(str(folder))} || exit\n"
        'case $1 in\nno-op) echo "$2" >> ran; : > "done/$2" ;;\n'
        f'*) exec {quote(python())} -I -S {quote(str(WORDS))} "$@" ;;\nesac\n'
    )
    job.chmod(0o755)
    if work.kind is Kind.WORD_COUNT:
        for number in range(work.size):
            (folder / "texts" / _text_name(number)).write_text(" ".join(_text(number)) + "\n")


def _text_name(number: int) -> str:
    return f"text-{number:05}.txt"


def _text(number: int) -> list[str]:
    """Words that differ from text to text, without chance."""
    return [f"w{(place * place + 7 * number) % VOCABULARY}" for place in range(WORDS_A_TEXT)]


def verify(work: Work, folder: Path) -> None:
    """Check what the run left.

    Raises:
        Unverified: a process did not run, ran twice or at the wrong time, or a sum is wrong.
    """
    ran = (folder / "ran").read_text().split()
    if work.kind is Kind.WORD_COUNT:
        check_once(ran, [_text_name(number) for number in range(work.size)])
        _check_total(work, folder)
        return
    numbers = [str(number) for number in range(work.size)]
    check_once(ran, numbers)
    check_once((path.name for path in (folder / "done").iterdir()), numbers)
    if work.kind is Kind.CHAIN and ran != numbers:
        raise Unverified("the steps of the chain did not run in their order")


def check_once(names: Iterable[str], expected: Iterable[str]) -> None:
    """Each expected name is there exactly once, and no other."""
    counts, wanted = Counter(names), set(expected)
    problems = [
        (wanted - counts.keys(), "did not run"),
        ({name for name, times in counts.items() if times > 1}, "ran more than once"),
        (counts.keys() - wanted, "are not of this work"),
    ]
    for wrong, what in problems:
        if wrong:
            some = ", ".join(sorted(wrong)[:SHOWN])
            raise Unverified(f"{len(wrong):,} of {len(wanted):,} {what}, such as {some}")


def _check_total(work: Work, folder: Path) -> None:
    total: Counter[str] = Counter()
    for number in range(work.size):
        total.update(_text(number))
    lines = (folder / "total.txt").read_text().splitlines() if work.size else []
    sums = {word: int(times) for word, times in (line.split() for line in lines)}
    if sums != total:
        raise Unverified("the sum of the counts is wrong")
