"""Why a child failed, by what AWS Batch says of it; and what a step tolerates."""

from __future__ import annotations

from dataclasses import replace

import pytest

from batchrelay.domain.failures import (
    Cause,
    ChildFailure,
    FailureClass,
    Tolerate,
    causes_text,
    failure_class,
    normalised,
    own_line,
)
from batchrelay.domain.values import short


@pytest.mark.parametrize(
    ("exit_code", "reason", "expected"),
    [
        (137, "OutOfMemoryError: Container killed due to memory usage", "OutOfMemory"),
        (137, "Job attempt duration exceeded timeout", "Timeout"),
        (137, "Host EC2 (instance i-0123456789abcdef0) terminated.", "SpotInterruption"),
        (None, "Host EC2 (instance i-0123456789abcdef0) terminated.", "SpotInterruption"),
        (None, "CannotPullContainerError: pull access denied for x", "ImagePull"),
        (None, "Task failed to start: failed to pull the image", "ImagePull"),
        (None, "Dependent Job failed", "Upstream"),
        (None, "AWS Batch no longer knows the job", "Lost"),
        (137, "Essential container in task exited", "Killed"),
        (1, "Essential container in task exited", "ExitCode"),
        (0, "Essential container in task exited", "Other"),
        (None, "", "Other"),
    ],
)
def test_the_reason_decides_before_the_exit_code(
    exit_code: int | None, reason: str, expected: str
) -> None:
    failure = ChildFailure(index=0, job_id="id", exit_code=exit_code, reason=reason)
    assert failure_class(failure) == FailureClass(expected)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("AWS Batch refused the job", FailureClass.NOT_SUBMITTED),
        ("Dependent job failed", FailureClass.UPSTREAM),
    ],
)
def test_a_child_that_never_had_a_job_was_not_submitted(
    reason: str, expected: FailureClass
) -> None:
    assert failure_class(ChildFailure(index=0, job_id="", reason=reason)) is expected


@pytest.mark.parametrize(
    ("tolerate", "failed", "items", "expected"),
    [
        (Tolerate(count=0), 0, 10, True),
        (Tolerate(count=3), 3, 10, True),
        (Tolerate(count=3), 4, 10, False),
        (Tolerate(percent=5), 50, 1_000, True),
        (Tolerate(percent=5), 51, 1_000, False),
        (Tolerate(percent=5), 0, 0, True),
        (Tolerate(percent=100), 10, 10, True),
    ],
)
def test_how_many_failures_are_tolerated(
    tolerate: Tolerate, failed: int, items: int, expected: bool
) -> None:
    assert tolerate.covers(failed, items) is expected


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("item 17 of 1.5 GB", "item N of N GB"),
        ("instance i-0123456789abcdef0", "instance ID"),
        ("job 0b3c1f7e-8c5e-4c50-9f27-3f0a5d6e7b81", "job ID"),
        ("at 0xdeadbeef", "at ID"),
    ],
)
def test_what_differs_from_child_to_child_does_not_make_another_cause(
    reason: str, expected: str
) -> None:
    assert normalised(reason) == expected


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (("a", "b", ""), "b"),
        (("a", "[batchrelay] item 3 (1 of 1) failed: exit code 1"), "a"),
        (
            (
                "[batchrelay] item 2 (3 of 5) done in 0.1 s",
                "[batchrelay] item 3 (4 of 5) failed: exit code 1",
                "of item 4",
            ),
            "",
        ),
        (
            ("of 1", "[batchrelay] item 1 (2 of 5) failed: exit code 1", "of item 2"),
            "of 1",
        ),
        (("of 1", "[batchrelay] item 1 (2 of 5) done in 0.1 s", "cut off"), "cut off"),
        (("a", "no end[batchrelay] item 3 (1 of 1) failed: exit code 1"), "no end"),
        (
            (
                "of 2[batchrelay] item 2 (1 of 2) done in 0.1 s",
                "of 3[batchrelay] item 3 (2 of 2) failed: exit code 1",
                "of 4[batchrelay] item 4 (3 of 3) failed: exit code 1",
            ),
            "of 3",
        ),
        (("a", "10%\r99%\rat 99% \r", "  "), "at 99%"),
    ],
)
def test_the_last_line_of_an_item_is_before_the_worker_says_that_it_failed(
    log: tuple[str, ...], expected: str
) -> None:
    assert own_line(log, 3) == expected


def test_causes_are_one_line_with_the_most_frequent_first() -> None:
    rare = Cause(named=FailureClass.TIMEOUT, exit_code=None, reason="", count=1)
    often = Cause(
        named=FailureClass.EXIT_CODE, exit_code=7, reason="", count=1_200, log=("disk full ", " ")
    )
    assert causes_text((rare, often)) == "1,200 × ExitCode (exit code 7): disk full, 1 × Timeout"


def test_a_long_line_hides_no_cause() -> None:
    long = [
        Cause(
            named=FailureClass.EXIT_CODE, exit_code=n, reason="", count=9 - n, log=("x" * 10_000,)
        )
        for n in range(1, 4)
    ]
    line = "x" * 29 + "…"
    assert causes_text(long[:2]) == (
        f"8 × ExitCode (exit code 1): {line}, 7 × ExitCode (exit code 2): {line}"
    )
    text = causes_text(long)
    assert text.endswith(f"(exit code 2): {line}, and 1 more cause")
    before = "the canary failed: 4 of 10 items; "
    text = causes_text(long, before)
    assert text == f"8 × ExitCode (exit code 1): {line}, and 2 more causes"
    assert short(before + text) == before + text
    wide = replace(long[0], log=("\U0001f600" * 100,))
    assert causes_text([wide, *long[1:]], before).endswith("and 2 more causes")


def test_what_was_stopped_is_the_last_and_has_no_line() -> None:
    stopped = Cause(
        named=FailureClass.STOPPED, exit_code=None, reason="", count=190, log=("start c",)
    )
    bad = Cause(named=FailureClass.EXIT_CODE, exit_code=1, reason="", count=4)
    assert causes_text((stopped, bad)) == "4 × ExitCode (exit code 1), 190 × Stopped"
