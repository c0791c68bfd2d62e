"""A run of `make bench-peers` that left the wrong things is not counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.peers.work import Kind, Unverified, Work, prepare, verify

FAN_OUT = Work(kind=Kind.FAN_OUT, size=3)
CHAIN = Work(kind=Kind.CHAIN, size=3)


def left(folder: Path, work: Work, ran: str, files: str) -> Path:
    """A folder in which processes wrote these lines and these files."""
    prepare(work, folder)
    (folder / "ran").write_text("".join(f"{name}\n" for name in ran.split()))
    for name in files.split():
        (folder / "done" / name).touch()
    return folder


@pytest.mark.parametrize(("work", "ran"), [(FAN_OUT, "2 0 1"), (CHAIN, "0 1 2")])
def test_each_once_is_right(tmp_path: Path, work: Work, ran: str) -> None:
    verify(work, left(tmp_path, work, ran, "0 1 2"))


@pytest.mark.parametrize(
    ("work", "ran", "files", "problem"),
    [
        (FAN_OUT, "0 1", "0 1 2", "1 of 3 did not run, such as 2"),
        (FAN_OUT, "0 1 1 2", "0 1 2", "1 of 3 ran more than once, such as 1"),
        (FAN_OUT, "0 1 2 3", "0 1 2", "1 of 3 are not of this work, such as 3"),
        (FAN_OUT, "0 1 2", "0 2", "1 of 3 did not run, such as 1"),
        (CHAIN, "1 0 2", "0 1 2", "the steps of the chain did not run in their order"),
    ],
)
def test_what_is_absent_double_foreign_or_out_of_order_is_seen(
    tmp_path: Path, work: Work, ran: str, files: str, problem: str
) -> None:
    with pytest.raises(Unverified, match=problem):
        verify(work, left(tmp_path, work, ran, files))


def test_the_sum_of_a_word_count_is_counted_again(tmp_path: Path) -> None:
    work = Work(kind=Kind.WORD_COUNT, size=1)
    prepare(work, tmp_path)
    (text,) = (tmp_path / "texts").iterdir()
    words = text.read_text().split()
    (tmp_path / "ran").write_text(f"{text.name}\n")
    lines = [f"{word} {words.count(word)}\n" for word in {*words}]
    (tmp_path / "total.txt").write_text("".join(lines))
    verify(work, tmp_path)
    (tmp_path / "total.txt").write_text("".join(lines[1:]))
    with pytest.raises(Unverified, match="the sum of the counts is wrong"):
        verify(work, tmp_path)
