"""Standard words only: names, messages, comments and documents a stranger can search for."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.stack import ROOT

BANNED = [
    "told",
    "tell",
    "tells",
    "telling",
    "retold",
    "heard",
    "hear",
    "hears",
    "hearing",
    "owed",
    "owe",
    "owes",
    "owing",
    "settle",
    "settles",
    "settled",
    "doom",
    "dooms",
    "doomed",
    "twin",
    "twins",
    "burst",
    "bursts",
    "ring",
    "rings",
    "rang",
    "rung",
    "lane",
    "lanes",
    "sweep",
    "sweeps",
    "swept",
    "sweeping",
    "mend",
    "mends",
    "mended",
    "whoever",
    "nobody",
    "somebody",
    "said",
    "pays",
]
"""The dialect of the first versions (docs/glossary.md has the words that are used instead)."""

WORD = re.compile(rf"(?<![A-Za-z])(?:{'|'.join(BANNED)})(?![A-Za-z])", re.IGNORECASE)

RUN_ORDER = ["turn", "turns"]
"""For the run queue, the dequeue of a run, or an order; batch-local/ takes turns with a lock."""

ORDER_WORD = re.compile(rf"(?<![A-Za-z])(?:{'|'.join(RUN_ORDER)})(?![A-Za-z])", re.IGNORECASE)

IS_NONE = re.compile(r"(?<!there )\bis none\b")
"""For "is not", "is no …" or "is absent"; "there is none" is English."""

MAY_NAME_THEM = {
    "layers/core/batchrelay/codec/upgrades.py",  # the keys that older versions stored
    "tests/unit/codec/test_upgrades.py",  # likewise
    "examples/sweep/sweep.py",  # a parameter sweep
    "tests/docs/test_pages.py",  # a list of them
    "tests/unit/style/test_words.py",  # likewise
    "tests/unit/worker/test_code_words.py",  # perl's options -lane
}


def spelled_out(text: str) -> str:
    """With spaces between the words of a name: `is_told`, `rangesTold`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text).replace("_", " ")


def files(*patterns: str) -> Iterator[str]:
    """Tracked files that match."""
    listed = subprocess.run(
        ["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
    )
    yield from (name for name in listed.stdout.splitlines() if name not in MAY_NAME_THEM)


def banned_in(folder: str, banned: re.Pattern[str]) -> list[str]:
    """Each banned word in a name or in the text of a folder's modules, with its place."""
    names = list(files(f"{folder}/*.py"))
    assert names
    places = [f"{name}: {word}" for name in names for word in banned.findall(spelled_out(name))]
    for name in names:
        for number, line in enumerate((ROOT / name).read_text().splitlines(), start=1):
            text = spelled_out(line.replace('"sweep"', ""))  # the example's name
            places += [f"{name}:{number}: {word}" for word in banned.findall(text)]
    return places


PACKAGES = ["layers", "functions", "cli", "local", "worker", "batch-local"]
TESTS = ["tests", "verification", "benchmarks", "examples"]


@pytest.mark.parametrize("folder", [*PACKAGES, *TESTS])
def test_no_name_and_no_text_uses_a_banned_word(folder: str) -> None:
    assert banned_in(folder, WORD) == []


@pytest.mark.parametrize("folder", ["layers", "functions", "cli", "worker", *TESTS])
def test_a_run_waits_in_a_run_queue_and_not_for_its_turn(folder: str) -> None:
    assert banned_in(folder, ORDER_WORD) == []


@pytest.mark.parametrize("folder", [*PACKAGES, *TESTS])
def test_the_phrase_is_none_is_not_used(folder: str) -> None:
    assert banned_in(folder, IS_NONE) == []


def test_the_template_and_the_messages_of_triggers_use_no_banned_word() -> None:
    ours = ("template.yaml", "quickstart/template.yaml", "samconfig.toml", "Makefile")
    for name in (*ours, *files("events/*/*.expected.json")):
        text = (ROOT / name).read_text().replace("ThrottlingBurstLimit", "")  # AWS's name
        text = spelled_out(text)
        assert WORD.findall(text) == [], name


@pytest.mark.parametrize("text", ["is_told", "rangesTold", "a twin of it", "SweepDone", "lanes"])
def test_a_banned_word_is_seen_inside_a_name(text: str) -> None:
    assert WORD.search(spelled_out(text))


@pytest.mark.parametrize("text", ["string", "twine", "planes", "hearts", "settlement", "PREPARING"])
def test_a_word_that_contains_a_banned_one_is_allowed(text: str) -> None:
    assert WORD.search(spelled_out(text)) is None
