"""The report of a session, and the judgements of the survivors."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from verification.mutation.inside import ALIVE, DEAD, STUCK, UNCOVERED

Key = tuple[str, str, str]


def judgements(file: Path) -> dict[Key, str]:
    """The reason of each judged survivor, by its key."""
    entries = tomllib.loads(file.read_text()).get("mutant", [])
    return {(each["module"], each["function"], each["text"]): each["reason"] for each in entries}


def unjudged(verdicts: Mapping[Key, str], judged: Mapping[Key, str]) -> list[Key]:
    """Survivors without a reason, in the order of the session."""
    return [key for key, verdict in verdicts.items() if verdict == ALIVE and key not in judged]


def report(verdicts: Mapping[Key, str], judged: Mapping[Key, str], generated: int) -> str:
    """The page: a table of the modules, then every survivor."""
    survivors = [key for key, verdict in verdicts.items() if verdict == ALIVE]
    lines = [
        "# Mutation report",
        "",
        f"{len(verdicts):,} of {generated:,} mutants were run: "
        + ", ".join(f"{count:,} {verdict}" for verdict, count in _count(verdicts.values()))
        + f". Of the survivors, {sum(key in judged for key in survivors):,} are judged.",
        "",
        "| module | killed | survived | judged | timed out | not covered |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for module in sorted({key[0] for key in verdicts}):
        own = {key: verdict for key, verdict in verdicts.items() if key[0] == module}
        count = Counter(own.values())
        known = sum(verdict == ALIVE and key in judged for key, verdict in own.items())
        lines.append(
            f"| `{module}` | {count[DEAD]} | {count[ALIVE]} | {known} | {count[STUCK]} "
            f"| {count[UNCOVERED]} |"
        )
    lines += ["", "## Survivors"]
    for key in survivors:
        lines += _survivor(key, judged.get(key))
    return "\n".join(lines) + "\n"


def _survivor(key: Key, reason: str | None) -> list[str]:
    module, function, text = key
    old, _, new = text.partition(" -> ")
    diff = ["```diff", f"- {old}", f"+ {new}", "```"]
    return ["", f"`{module}` `{function}`", "", *diff, "", f"Judged: {reason or 'not yet'}"]


def _count(verdicts: Iterable[str]) -> list[tuple[str, int]]:
    return Counter(verdicts).most_common()
