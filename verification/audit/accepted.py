"""The findings that are meant, each with its reason: accepted.toml beside this file."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

ACCEPTED = Path(__file__).with_name("accepted.toml")


@dataclass(frozen=True, kw_only=True, order=True)
class Finding:
    """What a tool says of one thing."""

    rule: str
    of: str
    """A resource of the template, or a package."""
    message: str


@dataclass(frozen=True, kw_only=True)
class Acceptance:
    """One rule that is not followed by some things, and why."""

    tool: str
    rule: str
    of: frozenset[str]
    reason: str


def acceptances(text: str) -> tuple[Acceptance, ...]:
    """As the file has them. Raises: ValueError if one gives no reason."""
    tables: Mapping[str, Mapping[str, Mapping[str, object]]] = tomllib.loads(text)
    found = []
    for tool, rules in tables.items():
        for rule, entry in rules.items():
            reason, of = str(entry.get("reason", "")), entry.get("of", ())
            if not reason.strip():
                raise ValueError(f"{tool}.{rule} has no reason")
            assert isinstance(of, list)
            found.append(Acceptance(tool=tool, rule=rule, of=frozenset(of), reason=reason))
    return tuple(found)


def problems(tool: str, findings: Iterable[Finding], accepted: Iterable[Acceptance]) -> list[str]:
    """What a tool found without a reason, and the reasons that nothing needs any more."""
    places = {(finding.rule, finding.of): finding for finding in findings}
    reasons = {(entry.rule, of) for entry in accepted if entry.tool == tool for of in entry.of}
    new = [f"{f.rule} {f.of}: {f.message}" for place, f in places.items() if place not in reasons]
    stale = [f"{rule} {of}: accepted, and not found" for rule, of in reasons - places.keys()]
    return sorted(new) + sorted(stale)
