"""What a run looks like: the same numbers in `run` and in `status`, by one function."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from rich.table import Table

from batchrelay.api.views import run_document
from batchrelay.domain.run import Run
from batchrelay.domain.step_state import JobOutcome, Part, StepState, StepStatus
from batchrelay_cli.terminal import console
from batchrelay_cli.views.run_table import COLOURS, run_table
from tests.builders import T0, run_of, step

LATER = datetime(2026, 1, 1, 0, 5, tzinfo=UTC)
ACTIVE = StepState(status=StepStatus.ACTIVE, since=T0)
PART = Part(size=10, since=T0, job_id="j")
FAILED = replace(PART, outcome=JobOutcome.FAILED, succeeded=7, failed=3)

ENDED_QUEUE = replace(ACTIVE, children=10, items=95, queue="q", parts=(FAILED,))
"""Of ten workers three failed."""


def shown(run: Run) -> tuple[str, ...]:
    """The children that the table shows."""
    table = run_table(run_document(run), LATER).renderables[-1]
    assert isinstance(table, Table)
    return tuple(str(cell) for cell in table.columns[2].cells)


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (StepState(), ""),
        (replace(ACTIVE, children=10, parts=(PART,)), "0/10"),
        (
            replace(ACTIVE, children=10, parts=(replace(PART, succeeded=5, failed=2, running=3),)),
            "7/10 (3 running, 2 failed)",
        ),
        (
            replace(ACTIVE, children=10, items=95, chunk=10, parts=(replace(PART, succeeded=4),)),
            "4/10 (40 of 95 items)",
        ),
        (
            replace(ACTIVE, children=10, items=95, queue="q", parts=(replace(PART, running=10),)),
            "0/10 (10 running)",
        ),
        (
            replace(ENDED_QUEUE, status=StepStatus.PARTIAL, is_collected=True, failed_items=5),
            "10/10 (5 items failed, 90 of 95 items)",
        ),
        (
            replace(ENDED_QUEUE, status=StepStatus.FAILED, is_collected=True, failed_items=1),
            "10/10 (1 item failed, 94 of 95 items)",
        ),
        (replace(ENDED_QUEUE, status=StepStatus.FAILED), "10/10 (3 failed)"),
        (
            replace(ACTIVE, children=20_000, parts=(replace(PART, size=10_000, running=1),) * 2),
            "0/20,000 (2 running)",
        ),
        (
            replace(ACTIVE, children=10, parts=(replace(PART, outcome=JobOutcome.CANCELLED),)),
            "10/10 (10 stopped)",
        ),
        (
            replace(ACTIVE, children=10, status=StepStatus.PARTIAL, parts=(FAILED,)),
            "10/10 (3 failed)",
        ),
    ],
)
def test_run_and_status_show_the_same_numbers(state: StepState, text: str) -> None:
    run = run_of(step("a", size=10)).with_step("a", state)
    assert shown(run) == (text,)


def test_failures_upstream_are_counted_apart() -> None:
    run = run_of(step("a", size=10), step("b", "a", size=10, n_to_n_needs=frozenset({"a"})))
    ended = replace(ACTIVE, status=StepStatus.FAILED, children=10, parts=(FAILED,))
    for name, parts in (("a", (FAILED,)), ("b", (replace(FAILED, succeeded=6, failed=4),))):
        run = run.with_step(name, replace(ended, parts=parts))
    texts = ("10/10 (3 failed)", "10/10 (4 failed, 3 of them upstream)")
    assert shown(run) == texts


def test_what_a_canary_saved_is_neither_done_nor_failed() -> None:
    state = replace(
        ACTIVE, status=StepStatus.FAILED, children=40, chunk=5, items=200, is_collected=True,
        parts=(replace(PART, size=2, outcome=JobOutcome.FAILED, failed=2),
               replace(PART, size=38, job_id=None, outcome=JobOutcome.CANCELLED)),
        failures="s3://b/f/", failed_items=4, stopped_items=190,
    )  # fmt: skip
    assert shown(run_of(step("a", size=10)).with_step("a", state)) == (
        "40/40 (4 items failed, 190 items stopped, 6 of 200 items)",
    )


def test_counts_that_are_old_are_shown_with_their_time() -> None:
    run = run_of(step("a", size=10)).with_step("a", replace(ACTIVE, children=10, parts=(PART,)))
    for counted_at, is_shown in ((T0, True), (LATER, False)):
        state = replace(run.state("a"), counted_at=counted_at)
        screen = console(width=200, record=True, file=io.StringIO())
        screen.print(run_table(run_document(run.with_step("a", state)), LATER))
        note = "counts as of 2026-01-01T00:00:00.000Z: AWS Batch gave no newer ones"
        assert (note in screen.export_text()) is is_shown


def test_every_status_has_a_colour() -> None:
    assert set(COLOURS) == set(StepStatus)


def test_a_partial_step_shows_its_round_and_counts_items_once_they_were_collected() -> None:
    rounds = ((replace(FAILED, succeeded=6, failed=4),), (replace(PART, size=4, succeeded=4),))
    state = replace(
        ACTIVE, status=StepStatus.PARTIAL, children=10, chunk=5, items=50, round=1,
        earlier_rounds=rounds[:1], parts=rounds[1], failures="s3://b/f/", failed_items=3,
    )  # fmt: skip
    assert shown(run_of(step("a", size=10)).with_step("a", state)) == (
        "10/10 (3 items failed, 47 of 50 items) round 1",
    )
