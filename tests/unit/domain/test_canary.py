"""A canary: which parts run first, when the rest begins, and that it never does if they fail."""

from __future__ import annotations

from dataclasses import replace

import pytest

from batchrelay.domain.array_split import parts_of_groups
from batchrelay.domain.events import CancelRequested, Prepared
from batchrelay.domain.failures import RetryFailed, Tolerate
from batchrelay.domain.notices import notice_of
from batchrelay.domain.pending_effects import pending_effects
from batchrelay.domain.pipeline import Group, ListFile, NoticeRule
from batchrelay.domain.redrive import RedriveOrder, event_of
from batchrelay.domain.requests import submit_request
from batchrelay.domain.run import Run, RunStatus
from batchrelay.domain.step_state import JobOutcome, StepStatus
from batchrelay.domain.stops import EarlyStop, EarlyStopCause
from tests.builders import CAUSES, Flow, at, fold, key, run_of, step, variables_of
from tests.unit.domain.facts import PUBLISHED, collected, failed, outcomes, submitted, succeeded

FILE = ListFile(file="s3://b/list.txt")


def submissions(run: Run) -> list[int]:
    """The parts whose jobs are to be submitted."""
    return [effect.key.part for effect in pending_effects(run) if hasattr(effect, "key")]


def of_ten(size: int = 25_000, tolerate: Tolerate | None = None, **flow: object) -> Run:
    made = replace(step("a", size=size, canary=10, tolerate=tolerate), **flow)  # type: ignore[arg-type]
    return run_of(made, step("z", "a"))


@pytest.mark.parametrize(
    ("children", "canary", "sizes"),
    [
        ((10_000,), 10, [10, 9_990]),
        ((25_000,), 1, [1, 8_333, 8_333, 8_333]),
        ((10,), 10, [10]),
        ((11,), 10, [10, 1]),
        ((5, 0, 30), 10, [5, 10, 20]),
        ((25_000,), 12_000, [6_000, 6_000, 6_500, 6_500]),
        ((3,), 0, [3]),
    ],
)
def test_the_canary_is_the_first_parts_of_each_group(
    children: tuple[int, ...], canary: int, sizes: list[int]
) -> None:
    assert [part.size for part in parts_of_groups(children, canary)] == sizes


def test_the_rest_waits_for_the_canary() -> None:
    run = of_ten()
    assert [part.size for part in run.state("a").parts] == [10, 8_330, 8_330, 8_330]
    assert submissions(run) == [0]
    run = fold(run, submitted("a"))
    assert submissions(run) == []
    run = fold(run, succeeded("a"))
    assert submissions(run) == [1, 2, 3]
    assert run.state("a").early_stop is None


def test_every_group_has_a_canary_and_the_rest_waits_for_all_of_them() -> None:
    groups = (Group(when="item.size > 9", overrides={}),)
    run = run_of(step("a", for_each=FILE, groups=groups, chunk=4, canary=5))
    prepared = Prepared(
        at=at(1), step="a", round=0, items=60, manifest="s3://b/m/", chunk=4, children=(5, 10)
    )
    run = fold(run, prepared)
    assert [(part.group, part.size) for part in run.state("a").parts] == [
        (0, 2), (0, 3), (1, 2), (1, 8),
    ]  # fmt: skip
    assert submissions(run) == [0, 2]
    run = fold(run, submitted("a"), submitted("a", part=2), succeeded("a"))
    assert submissions(run) == []
    assert submissions(fold(run, succeeded("a", part=2))) == [1, 3]


def test_a_canary_that_fails_is_the_end_of_its_step() -> None:
    run = fold(of_ten(), submitted("a"), failed("a", 3))
    state = run.state("a")
    assert (run.status, state.status) == (RunStatus.FAILED, StepStatus.FAILED)
    assert state.reason == f"the canary failed: 3 of 10 items; {CAUSES}"
    assert outcomes(run) == [JobOutcome.FAILED, *[JobOutcome.CANCELLED] * 3]
    assert (state.succeeded, state.failed, state.stopped) == (7, 3, 24_990)
    assert state.early_stop == EarlyStop(cause=EarlyStopCause.CANARY, at=at(2), since=at(2))
    assert all(part.job_id is None for part in state.parts[1:])
    assert pending_effects(fold(run, PUBLISHED)) == ()


def test_the_notice_counts_what_never_began() -> None:
    rule = NoticeRule(topic="t", on=frozenset({"FAILED"}))
    run = run_of(step("a", size=25_000, canary=10), notify=(rule,))
    text = notice_of(fold(run, submitted("a"), failed("a", 3)), 0).message
    assert "7 of 25,000 children succeeded, 24,990 stopped or never begun" in text


@pytest.mark.parametrize(
    ("tolerate", "count", "begins"),
    [
        (None, 1, False),
        (Tolerate(count=2), 2, True),
        (Tolerate(count=2), 3, False),
        (Tolerate(percent=20), 2, True),
        (Tolerate(percent=20), 3, False),
    ],
)
def test_a_canary_may_fail_as_its_step_may(
    tolerate: Tolerate | None, count: int, begins: bool
) -> None:
    run = fold(of_ten(tolerate=tolerate), submitted("a"), failed("a", count))
    assert (submissions(run) == [1, 2, 3]) is begins


def test_nothing_of_a_failed_canary_is_retried_or_tolerated() -> None:
    run = of_ten(retry_failed=RetryFailed(rounds=2), tolerate=Tolerate(count=2))
    run = fold(run, submitted("a"), failed("a", 3))
    assert run.state("a").status is StepStatus.PREPARING
    event = replace(collected("a", failed=3), stopped=24_990)
    run = fold(run, replace(event, reason="3 × ExitCode, 24,990 × Stopped"))
    state = run.state("a")
    assert (run.status, state.status, state.round) == (RunStatus.FAILED, StepStatus.FAILED, 0)
    assert (state.failed, state.stopped, state.failed_items) == (3, 24_990, 3)
    assert state.reason == "the canary failed: 3 of 10 items; 3 × ExitCode, 24,990 × Stopped"


def test_a_failed_chunk_counts_with_all_of_its_items() -> None:
    run = run_of(step("a", for_each=FILE, chunk=4, canary=9, tolerate=Tolerate(count=4)))
    prepared = Prepared(
        at=at(1), step="a", round=0, items=90, manifest="s3://b/m/", chunk=4, children=(23,)
    )
    run = fold(run, prepared, submitted("a"))
    assert [part.size for part in run.state("a").parts] == [3, 20]
    assert submissions(fold(run, failed("a", 1, of=3))) == [1]
    stopped = fold(run, failed("a", 2, of=3))
    assert stopped.state("a").job_reason.startswith("the canary failed: 8 of 12 items")


def test_a_list_that_is_no_longer_than_its_canary_has_no_rest() -> None:
    run = of_ten(size=7, retry_failed=RetryFailed(rounds=1))
    assert [part.size for part in run.state("a").parts] == [7]
    run = fold(run, failed("a", 3, of=7))  # which may outrun its submission
    run = fold(run, collected("a", 3))
    assert submissions(run) == [0]
    assert run.state("a").early_stop is None


def test_a_round_of_failed_items_has_no_canary() -> None:
    run = of_ten(size=100, retry_failed=RetryFailed(rounds=1))
    run = fold(run, submitted("a"), succeeded("a"), submitted("a", part=1))
    run = fold(run, failed("a", 30, part=1, of=90), collected("a", 30))
    assert [part.size for part in run.state("a").parts] == [30]


def test_a_redrive_begins_with_a_canary_again() -> None:
    run = fold(of_ten(), submitted("a"), failed("a", 3))
    run = fold(run, PUBLISHED, event_of(run, RedriveOrder(), at(9)))
    assert run.state("a").status is StepStatus.PREPARING
    assert run.state("a").early_stop is None
    run = fold(run, collected("a", 24_993))
    assert [part.size for part in run.state("a").parts] == [10, 8_328, 8_328, 8_327]
    assert submissions(run) == [0]
    run = fold(run, submitted("a", round_number=1), failed("a", 1, round_number=1))
    assert run.state("a").stopped == 24_983
    assert run.state("a").status is StepStatus.PREPARING
    run = fold(run, replace(collected("a", failed=1, round_number=2), stopped=24_983))
    assert (run.status, run.state("a").stopped) == (RunStatus.FAILED, 24_983)


def test_items_that_a_redrive_leaves_stopped_are_not_tolerated() -> None:
    run = of_ten(tolerate=Tolerate(percent=100), size=20)
    run = fold(run, submitted("a"), succeeded("a"), submitted("a", part=1))
    run = fold(run, CancelRequested(at=at(3), reason="x"), failed("a", 10, part=1))
    assert run.status is RunStatus.CANCELLED
    run = fold(run, PUBLISHED, event_of(run, RedriveOrder(classes=frozenset({"ExitCode"})), at(9)))
    run = fold(run, replace(collected("a", 3), stopped=7))
    run = fold(run, submitted("a", round_number=1), succeeded("a", round_number=1))
    assert run.state("a").status is StepStatus.PREPARING
    run = fold(run, replace(collected("a", round_number=2)))
    assert (run.status, run.state("a").stopped) == (RunStatus.FAILED, 7)


def test_a_step_that_follows_child_by_child_follows_the_canary() -> None:
    pair: Flow = {"n_to_n_needs": frozenset({"a"})}
    run = run_of(step("a", size=100, canary=10), step("b", "a", **pair))
    assert [part.size for part in run.state("b").parts] == [10, 90]
    run = fold(run, submitted("a"), submitted("b"), failed("a", 1), failed("b", 1))
    assert outcomes(run, "a") == [JobOutcome.FAILED, JobOutcome.CANCELLED]
    assert outcomes(run, "b") == [JobOutcome.FAILED, JobOutcome.FAILED]
    assert run.status is RunStatus.FAILED


def test_a_cancelled_run_ends_while_its_canary_runs() -> None:
    run = fold(of_ten(), submitted("a"))
    run = fold(run, CancelRequested(at=at(2), reason="enough"), failed("a", 10))
    assert outcomes(run) == [JobOutcome.CANCELLED] * 4
    assert (run.status, run.state("a").reason) == (RunStatus.CANCELLED, "enough")
    assert run.state("a").early_stop is None


def test_a_part_of_one_child_beside_others_knows_its_place() -> None:
    run = run_of(step("a", size=12, canary=1))
    variables = variables_of(submit_request(run, key("a")))
    assert (variables["BATCHRELAY_INDEX"], variables["BATCHRELAY_OFFSET"]) == ("0", "0")
    run = run_of(step("a", size=11, canary=10))
    variables = variables_of(submit_request(run, key("a", 1)))
    assert (variables["BATCHRELAY_INDEX"], variables["BATCHRELAY_OFFSET"]) == ("0", "10")
