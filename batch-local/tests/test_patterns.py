"""Filter patterns, as CloudWatch Logs documents them for text."""

from __future__ import annotations

import pytest

from batch_local.logs.patterns import compiled
from batch_local.logs.queries import LogsError

MESSAGES = ("ERROR 400 BAD REQUEST", "ERROR 401 UNAUTHORIZED", "WARN [x] slow", "all good")


@pytest.mark.parametrize(
    ("pattern", "numbers"),
    [
        ("", [0, 1, 2, 3]),
        ("  ", [0, 1, 2, 3]),
        ("ERROR", [0, 1]),
        ("ERROR REQUEST", [0]),
        ('"BAD REQUEST"', [0]),
        ("?WARN ?good", [2, 3]),
        ("ERROR -400", [1]),
        ("-ERROR", [2, 3]),
        ("?WARN ERROR", [0, 1]),
        ('"[x]"', [2]),
        ("error", []),
    ],
)
def test_a_pattern_selects_messages(pattern: str, numbers: list[int]) -> None:
    matches = compiled(pattern)
    assert [number for number, text in enumerate(MESSAGES) if matches(text)] == numbers


@pytest.mark.parametrize("pattern", ["{ $.level = 1 }", "[a, b]", "%x%", '"open'])
def test_a_pattern_that_is_not_read_is_refused_with_what_to_write(pattern: str) -> None:
    with pytest.raises(LogsError, match=r"Invalid filter pattern: .*; write words"):
        compiled(pattern)
