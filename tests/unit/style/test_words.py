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

MAY_NAME_THEM = {
    "layers/core/batchrelay/codec/upgrades.py",  # the keys that older versions stored
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


@pytest.mark.parametrize("package", ["layers", "functions", "cli", "local", "worker"])
def test_no_name_and_no_text_of_a_package_uses_a_banned_word(package: str) -> None:
    found = []
    names = list(files(f"{package}/*.py"))
    assert names
    for name in names:
        for number, line in enumerate((ROOT / name).read_text().splitlines(), start=1):
            found += [f"{name}:{number}: {word}" for word in WORD.findall(spelled_out(line))]
    assert found == []


def test_the_template_and_the_messages_of_triggers_use_no_banned_word() -> None:
    for name in ("template.yaml", "samconfig.toml", "Makefile", *files("events/*/*.expected.json")):
        text = (ROOT / name).read_text().replace("ThrottlingBurstLimit", "")  # AWS's name
        text = spelled_out(text)
        assert WORD.findall(text) == [], name


@pytest.mark.parametrize("text", ["is_told", "rangesTold", "a twin of it", "SweepDone", "lanes"])
def test_a_banned_word_is_seen_inside_a_name(text: str) -> None:
    assert WORD.search(spelled_out(text))


@pytest.mark.parametrize("text", ["string", "twine", "planes", "hearts", "settlement", "PREPARING"])
def test_a_word_that_contains_one_is_none(text: str) -> None:
    assert WORD.search(spelled_out(text)) is None
