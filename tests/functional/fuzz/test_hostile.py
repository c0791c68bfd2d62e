"""Lists that are made to kill their reader: a right answer or a clear error, in time and memory.

The long form, of every list: FUZZ=20000 .venv/bin/pytest tests/functional/fuzz
"""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.stack import ROOT
from verification.fuzz.hostile import CASES, MEMORY_BYTES, SECONDS_MAX
from verification.fuzz.mutation import CASES as WANTED

QUICK = (
    "one-line-json", "columns-csv", "item-objects-jsonl", "deep-lists-json", "skipped-text-json",
)  # fmt: skip
NAMES = tuple(CASES) if WANTED > 1_000 else QUICK
RIGHT = {"empty-lines", "blank", "members", "tiny-members", "item", "skipped", "widest", "big"}
"""How the lists begin that are unusual and right; every other one is refused."""


def came_of(name: str) -> dict[str, Any]:
    """What came of a list, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "verification.fuzz.hostile", name],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, (name, done.stderr[-2_000:])
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.fixture(scope="module")
def answers() -> dict[str, dict[str, Any]]:
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(NAMES, pool.map(came_of, NAMES), strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_list_is_prepared_or_refused_within_the_functions_limits(
    answers: dict[str, dict[str, Any]], name: str
) -> None:
    answer = answers[name]
    assert answer["bytes"] < MEMORY_BYTES * 0.9, answer
    assert answer["seconds"] < SECONDS_MAX / 3, answer
    if answer["event"] != "Prepared":
        assert answer["event"] == "PreparationFailed"
        assert answer["reason"].startswith(("s3://b/", "item ")), answer
        assert len(answer["reason"]) < 1_000, answer
    else:
        assert any(name.startswith(begin) for begin in RIGHT), answer


@pytest.mark.parametrize("file", ["one-line-txt", "one-line-json"])
def test_a_small_file_may_hold_a_long_line(file: str) -> None:
    assert sum(map(len, CASES[file][1]())) < 700_000
