"""The bugs in how lists of items are read."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

MUTANTS = (
    Mutant(
        bug="a number at the edge of a chunk is cut",
        file="preparation/items/json_list.py",
        old="if self._may_go_on(value, end) and self._fetch(1):",
        new="if False:",
    ),
    Mutant(
        bug="what stands behind a JSON list is not read",
        file="preparation/items/json_list.py",
        old="        for members in reversed(open_objects):",
        new="        return\n        for members in reversed(open_objects):",
    ),
    Mutant(
        bug="a key that is there twice means its last value",
        file="preparation/items/strict_json.py",
        old="if len(members) != len(pairs):",
        new="if False:",
    ),
    Mutant(
        bug="a number that is too large is Infinity to a child",
        file="preparation/items/strict_json.py",
        old="is_ordinary = value and value - value == 0",
        new="is_ordinary = True",
    ),
    Mutant(
        bug="a TSV list is read as plain lines",
        file="preparation/items/sources.py",
        old='".tsv": ListFormat.TSV,',
        new='".tsv": ListFormat.LINES,',
    ),
    Mutant(
        bug="a table of another separator is one column",
        file="preparation/items/tables.py",
        old="    if is_guess:\n        _check_separator(header, rows)",
        new="    if False:\n        _check_separator(header, rows)",
    ),
    Mutant(
        bug="a quote that is not closed takes in the whole file",
        file="preparation/items/tables.py",
        old="if self._chars - 1 > ITEM_BYTES_MAX:",
        new="if False:",
    ),
    Mutant(
        bug="one star of a glob passes a slash",
        file="preparation/items/glob.py",
        old='(_Piece("/".__ne__, repeats=True, skips=(1,)),)',
        new="(_Piece(_any, repeats=True, skips=(1,)),)",
    ),
    Mutant(
        bug="a text that is skipped may have any length",
        file="preparation/items/json_list.py",
        old="            case _:\n                self._value(ITEM_BYTES_MAX)",
        new="            case _:\n                self._value(1 << 40)",
        tests=("tests/functional/fuzz/test_hostile.py",),
    ),
    Mutant(
        bug="a table may have any number of columns",
        file="preparation/items/tables.py",
        old="if len(header) > COLUMNS_MAX:",
        new="if False:",
        tests=("tests/functional/fuzz/test_hostile.py",),
    ),
    Mutant(
        bug="no look at the time while a list is read",
        file="preparation/items/timed.py",
        old="            if self.time_left() < RESERVE_S:",
        new="            if False:",
    ),
    Mutant(
        bug="an error names a column of a list that its reader may not read",
        file="preparation/items/tables.py",
        old='{places[name]} and {place} have the same name")',
        new='{places[name]} and {place} are both {name}")',
        tests=("tests/functional/handlers/test_contents_stay_inside.py",),
    ),
)
