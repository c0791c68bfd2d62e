"""The bugs in variables and conditions."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

MUTANTS = (
    Mutant(
        bug="a parameter of many digits is matched in every way there is",
        file="domain/variables.py",
        old=r"(\d+(\.\d*)?|\.\d+)",
        new=r"(\d+\.?\d*|\.\d+)",
    ),
    Mutant(
        bug="defaults double each other without end",
        file="domain/variables.py",
        old="            _check_size(trigger, values)",
        new="            _check_size(trigger, given)",
    ),
    Mutant(
        bug="an exponent in a condition has any number of digits",
        file="domain/conditions.py",
        old='([eE][+-]?\\d{1,3})?")\n"""With',
        new='([eE][+-]?\\d+)?")\n"""With',
    ),
)
