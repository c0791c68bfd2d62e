"""A canary and failFast from the first job to the list of failures, and the redrive behind them."""

from __future__ import annotations

import json
from typing import Any

from batchrelay.domain.failures import RetryFailed, Tolerate
from batchrelay.domain.redrive import RedriveOrder
from batchrelay.domain.requests import submit_request
from batchrelay.domain.run import Run, RunStatus
from batchrelay.domain.step_state import JobOutcome, StepStatus
from tests.builders import key, step, variables_of
from tests.unit.preparation.collected import LIST, Collected, child


class Cloud(Collected):
    """A run of `a` over ten items; what follows an end is prepared at once."""

    def __init__(self, **flow: Any) -> None:
        super().__init__(step("a", file=LIST, **flow), step("z", "a"))

    def finish(self, *failed: int, round_number: int = 0, part: int = 0) -> None:
        children = (child(index) for index in failed)
        self.end("a", *children, round_number=round_number, part=part)
        self.prepare()

    def reconcile(self) -> Run:
        self.cloud.clock.move(10)
        self.cloud.engine.reconcile("run1")
        self.prepare()
        return self.run

    def redrive(self, order: RedriveOrder) -> Run:
        self.cloud.clock.move(10)
        self.cloud.engine.redrive("run1", order)
        self.prepare()
        return self.run

    def numbers(self, round_number: int, part: int) -> list[int]:
        """The items of a part of a later round."""
        variables = variables_of(submit_request(self.run, key("a", part, round=round_number)))
        lines = self.cloud.objects.objects[variables["BATCHRELAY_ITEM_NUMBERS"]].splitlines()
        first = int(variables["BATCHRELAY_OFFSET"])
        size = self.run.state("a").parts[part].size
        return [int(line) for line in lines[first : first + size]]


def test_a_failed_canary_is_collected_with_all_that_never_began() -> None:
    cloud = Cloud(canary=3, retry_failed=RetryFailed(rounds=2))
    cloud.finish(0, 2)
    state = cloud.run.state("a")
    assert (cloud.run.status, state.status) == (RunStatus.FAILED, StepStatus.FAILED)
    assert (state.succeeded, state.failed, state.stopped) == (1, 2, 7)
    assert state.reason == (
        "the canary failed: 2 of 3 items; 2 × ExitCode (exit code 1), 7 × Stopped"
    )
    assert len(cloud.cloud.jobs.jobs) == 1
    lines = cloud.lines("failures.jsonl")
    assert [(line["number"], line["class"]) for line in lines] == [
        (0, "ExitCode"), (2, "ExitCode"), *((number, "Stopped") for number in range(3, 10)),
    ]  # fmt: skip


def test_a_redrive_of_a_failed_canary_runs_its_failures_first() -> None:
    cloud = Cloud(canary=3, retry_failed=RetryFailed(rounds=2))
    cloud.finish(0, 2)
    cloud.redrive(RedriveOrder())
    assert [part.size for part in cloud.run.state("a").parts] == [3, 6]
    assert cloud.numbers(1, 0) == [0, 2, 3]
    assert cloud.numbers(1, 1) == [4, 5, 6, 7, 8, 9]
    cloud.finish(round_number=1)
    cloud.finish(round_number=1, part=1)
    cloud.end("z", round_number=1)
    assert cloud.run.status is RunStatus.SUCCEEDED


def test_a_redrive_of_a_step_that_collects_nothing_runs_the_same() -> None:
    cloud = Cloud(canary=3)
    cloud.finish(0)
    assert cloud.run.status is RunStatus.FAILED
    cloud.redrive(RedriveOrder())
    assert cloud.numbers(1, 0) == [0, 3, 4]


def test_a_redrive_may_run_only_what_never_began() -> None:
    cloud = Cloud(canary=3)
    cloud.finish(0)
    cloud.redrive(RedriveOrder(classes=frozenset({"Stopped"})))
    assert cloud.numbers(1, 0) == [3, 4, 5]
    cloud.finish(round_number=1)
    cloud.finish(round_number=1, part=1)
    state = cloud.run.state("a")
    assert (state.status, state.failed, state.stopped) == (StepStatus.FAILED, 1, 0)


def test_a_redrive_without_what_never_began_ends_failed() -> None:
    cloud = Cloud(canary=3, tolerate=Tolerate(percent=90))
    cloud.finish(0, 1, 2)
    cloud.redrive(RedriveOrder(classes=frozenset({"ExitCode"})))
    cloud.finish(round_number=1)
    state = cloud.run.state("a")
    assert (state.status, state.failed, state.stopped) == (StepStatus.FAILED, 0, 7)
    cloud.redrive(RedriveOrder())
    assert cloud.numbers(3, 0) == [3, 4, 5]


def test_reconcile_notices_that_a_step_fails_fast() -> None:
    cloud = Cloud(fail_fast=True, tolerate=Tolerate(count=1))
    [job] = cloud.cloud.jobs.jobs.values()
    job.failed = 1
    assert cloud.reconcile().state("a").early_stop is None
    job.failed = 2
    run = cloud.reconcile()
    assert (job.outcome, job.reason) == (
        JobOutcome.FAILED, "batchrelay: failFast: more items failed than are tolerated",
    )  # fmt: skip
    run = cloud.reconcile()
    state = run.state("a")
    assert (run.status, state.status) == (RunStatus.FAILED, StepStatus.FAILED)
    assert [part.outcome for part in state.parts] == [JobOutcome.CANCELLED]
    causes = json.loads(cloud.file("causes.json"))["causes"]
    assert {cause["class"] for cause in causes} == {"Stopped"}
    assert state.failed_items == 0
