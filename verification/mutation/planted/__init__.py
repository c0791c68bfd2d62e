"""The planted bugs, one file for each subject: its `MUTANTS`."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from verification.mutation.planted.mutant import Mutant

__all__ = ["ALL", "Mutant"]

_SUBJECTS = sorted(module.name for module in iter_modules(__path__) if module.name != "mutant")

ALL: tuple[Mutant, ...] = tuple(
    mutant for subject in _SUBJECTS for mutant in import_module(f"{__name__}.{subject}").MUTANTS
)
