"""One planted bug."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """In which file which text becomes which."""

    bug: str
    file: str
    """Below the core's package, or from functions/, local/, cli/ or worker/ on."""
    old: str
    new: str
    tests: tuple[str, ...] = ()
    """Those that judge it; empty: those of the core."""
