"""What can be decided about a field of AWS Batch's requests, and how it is written down."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Kind(StrEnum):
    """What happens to a field."""

    HONOURED = "honoured"
    IGNORED = "accepted and ignored"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to a field, and why not more."""

    kind: Kind
    why: str = ""
    in_engine: bool = False
    """Whether it has its effect where an engine runs the containers."""


def _all(kind: Kind, prefix: str, why: str, names: str) -> dict[str, Decision]:
    head = f"{prefix}." if prefix else ""
    return {head + name: Decision(kind, why) for name in names.split()}


def honoured(prefix: str, names: str, why: str = "") -> dict[str, Decision]:
    """Fields that have their effect."""
    return _all(Kind.HONOURED, prefix, why, names)


def by_engine(prefix: str, why: str, names: str) -> dict[str, Decision]:
    """Fields that have their effect in an engine only."""
    decisions = ignored(prefix, why, names)
    return {path: replace(decided, in_engine=True) for path, decided in decisions.items()}


def ignored(prefix: str, why: str, names: str) -> dict[str, Decision]:
    """Fields that have none, and why."""
    return _all(Kind.IGNORED, prefix, why, names)


def refused(prefix: str, why: str, names: str) -> dict[str, Decision]:
    """Fields that a request must not have, and what to write instead."""
    return _all(Kind.REFUSED, prefix, why, names)
