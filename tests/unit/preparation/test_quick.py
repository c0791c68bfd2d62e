"""Patterns and texts that would keep a matcher that goes back at work for hours."""

from __future__ import annotations

import random
import re
import time
import tracemalloc
from array import array
from collections.abc import Callable

import pytest

from batchrelay.domain.conditions import parse_condition
from batchrelay.domain.errors import InvalidItems
from batchrelay.domain.limits import GLOB_CHARS_MAX, ITEM_BYTES_MAX, NUMBER_CHARS_MAX
from batchrelay.domain.pipeline import ParamType
from batchrelay.domain.request_rules import submit_violations
from batchrelay.domain.values import Json
from batchrelay.domain.variables import looks_right
from batchrelay.preparation.items.existing import ordered
from batchrelay.preparation.items.glob import glob
from batchrelay.preparation.items.strict_json import NotJson, decode

SECONDS_MAX = 3.0
"""For what takes milliseconds, or a part of a second: on a machine that does other things too."""


def takes(action: Callable[[], object]) -> float:
    """Processor seconds."""
    began = time.process_time()
    action()
    return time.process_time() - began


KEYS = ("a" * 1_024, "a/" * 512, "aA1/" * 256, "".join(map(chr, range(0x4E00, 0x4E00 + 341))))
GLOBS = (
    "*a*a*a*a*a*a*a*a*b",
    "**/**/**/**/x",
    "**a" * 341 + "b",
    "*a" * 511 + "b",
    "[!b]*" * 204 + "b",
    "?*" * 511 + "b",
    "**/*" * 255 + "x",
    "*" * 1_023 + "x",
    "*[a-zA-Z]*/**/" * 73,
)


@pytest.mark.parametrize("pattern", GLOBS)
def test_no_glob_is_slow_on_any_key(pattern: str) -> None:
    matches = glob(pattern)
    assert takes(lambda: [matches(key) for key in KEYS * 5]) < SECONDS_MAX


def test_a_glob_of_a_million_keys_is_quick() -> None:
    matches = glob("**/sample-*.ba?")
    keys = [f"data/{number % 97}/sample-{number:05}.bam" for number in range(20_000)]
    assert takes(lambda: [matches(key) for key in keys]) < SECONDS_MAX / 10
    assert all(map(matches, keys))


def test_a_glob_is_as_long_as_a_key_at_most() -> None:
    assert glob("?" * GLOB_CHARS_MAX)("k" * GLOB_CHARS_MAX)
    with pytest.raises(InvalidItems, match="a glob of 1,025 characters: write at most 1,024"):
        glob("?" * (GLOB_CHARS_MAX + 1))


def test_a_glob_means_what_its_regular_expression_means() -> None:
    rng = random.Random(7)
    pieces = ("a", "b", "/", "*", "**", "**/", "?", "[ab]", "[!a]", "[!/]", ".", "\\", "é")
    matched = 0
    for _ in range(4_000):
        pattern = "".join(rng.choices(pieces, k=rng.randint(0, 6)))
        matches, wanted = glob(pattern), _regular(pattern)
        for _ in range(6):
            text = "".join(rng.choices("aab//.\\é\n", k=rng.randint(0, 7)))
            assert matches(text) is (wanted.fullmatch(text) is not None), (pattern, text)
            matched += matches(text)
    assert matched > 1_000


def _regular(pattern: str) -> re.Pattern[str]:
    """What a glob means, by another way: short ones only, for this one backtracks."""
    tokens = re.findall(r"\*\*/?|\*|\?|\[[^\]]+\]|.", pattern, re.DOTALL)
    meanings = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    classes = {"[ab]": "[ab]", "[!a]": "[^a]", "[!/]": "[^/]"}
    known = meanings | classes
    return re.compile("".join(known.get(t) or re.escape(t) for t in tokens), re.DOTALL)


DIGITS = "1" * ITEM_BYTES_MAX


@pytest.mark.parametrize(
    "value", [DIGITS + "x", DIGITS + ".", DIGITS, f"{DIGITS}.{DIGITS}x", "." + DIGITS, "9e9999"]
)
def test_a_condition_over_many_digits_is_quick(value: str) -> None:
    condition = parse_condition("item > 10 and item != 1e999 and item in [1, 2]")
    assert takes(lambda: condition.holds(lambda _: value)) < SECONDS_MAX


@pytest.mark.parametrize(
    "value", ["1" * 30_000 + "x", "0." + "1" * 30_000 + "x", "0." + "0" * 30_000]
)
def test_a_number_of_many_digits_is_judged_quickly(value: str) -> None:
    assert takes(lambda: looks_right(ParamType.NUMBER, value)) < SECONDS_MAX / 10
    entry = {"type": "VCPU", "value": value}
    request: dict[str, Json] = {"containerOverrides": {"resourceRequirements": [entry]}}
    assert takes(lambda: list(submit_violations(request))) < SECONDS_MAX / 10
    assert any("not an amount" in str(found) for found in submit_violations(request))


def test_a_text_of_more_digits_than_a_number_has_is_a_text() -> None:
    equal = parse_condition("item == 1")
    assert equal.holds(lambda _: "1" + "." + "0" * (NUMBER_CHARS_MAX - 2))
    assert not equal.holds(lambda _: "1" + "." + "0" * (NUMBER_CHARS_MAX - 1))


def test_the_key_that_is_there_twice_is_found_quickly() -> None:
    members = ",".join(f'"{number}":0' for number in range(300_000))
    text = f'{{{members},"299999":1}}'

    def refused() -> None:
        with pytest.raises(NotJson, match="members 300000 and 300001"):
            decode(text)

    assert takes(refused) < SECONDS_MAX


def test_digests_are_ordered_in_little_memory() -> None:
    rng = random.Random(7)
    digests = array("Q", (rng.getrandbits(64) for _ in range(100_000)))
    tracemalloc.start()
    result = ordered(digests)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert list(result) == sorted(digests)
    assert peak < 3 * len(digests) * digests.itemsize
