"""The names by which people mean classes of failures."""

from __future__ import annotations

import re
from collections.abc import Sequence

from batchrelay.domain.failures import SIGKILL, FailureClass
from batchrelay.domain.suggestions import meant

EXIT_CODE_CLASS = r"ExitCode:([1-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])"
"""A class with one exit code of a process, 1 to 255."""


def name_problem(name: str, known: Sequence[FailureClass]) -> str | None:
    """Why a name is not that of one of these classes, with what to write; None if it is."""
    if name in known:
        return None
    lead, colon, code = name.partition(":")
    if colon and lead in list(FailureClass):
        return _code_problem(FailureClass(lead), code)
    close = meant(lead, known)
    hint = f"did you mean {close}? " if close else ""
    return f"there is no class of failures {name}: {hint}known are {listed(known)}"


def listed(known: Sequence[FailureClass]) -> str:
    """All that may be written."""
    return f"{', '.join(known)}, and ExitCode:NUMBER"


def _code_problem(lead: FailureClass, code: str) -> str | None:
    name = f"{lead}:{code}"
    if lead is not FailureClass.EXIT_CODE:
        return f"{name}: only ExitCode has an exit code behind it: write {lead}"
    if not re.fullmatch(EXIT_CODE_CLASS, name):
        return f"{name}: an exit code is a number, 1 to 255, such as ExitCode:75"
    if int(code) == SIGKILL:
        return f"{name} is a SIGKILL, which has a class of its own: write {FailureClass.KILLED}"
    return None
