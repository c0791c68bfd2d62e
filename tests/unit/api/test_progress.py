"""What is shown of a run at work: asked of AWS Batch, kept for a while, never stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from batchrelay.adapters.memory import MemoryJobs
from batchrelay.api.progress import LOOK_S, LOOKS_MAX, Looks
from batchrelay.api.views import run_document
from batchrelay.domain.errors import Ambiguous, Refused, Throttled
from batchrelay.domain.job_detail import JobReport
from batchrelay.domain.pipeline import Step
from batchrelay.domain.run import Run, StartRequest
from batchrelay.domain.step_state import JobOutcome, StepStatus
from tests.builders import MemoryCloud, pipeline, step, steps_of


@dataclass
class Asked:
    """Counts the calls, and may refuse them."""

    jobs: MemoryJobs
    calls: list[int] = field(default_factory=list)
    error: Exception | None = None

    def describe(self, job_ids: Sequence[str]) -> tuple[JobReport, ...]:
        self.calls.append(len(job_ids))
        if self.error is not None:
            raise self.error
        return self.jobs.describe(job_ids)


def begun(*steps: Step) -> tuple[MemoryCloud, Asked, Looks]:
    """A run of these steps, with what looks at it."""
    cloud = MemoryCloud(pipeline(*steps))
    cloud.engine.start(StartRequest(run_id="run1", pipeline="test", version=1))
    asked = Asked(cloud.jobs)
    return cloud, asked, Looks(jobs=asked, clock=cloud.clock)  # type: ignore[arg-type]


def counts(run: Run, name: str) -> tuple[Any, ...]:
    """Succeeded, failed, running, and the second of asOf."""
    [shown] = [entry for entry in steps_of(run_document(run)) if entry["step"] == name]
    second = None if shown["asOf"] is None else int(str(shown["asOf"])[17:19])
    return (shown["succeeded"], shown["failed"], shown["running"], second)


def test_an_array_in_the_middle_shows_its_children_without_reconcile() -> None:
    cloud, asked, looks = begun(step("a", size=10))
    [job] = cloud.jobs.jobs.values()
    job.succeeded, job.failed = 5, 2
    cloud.clock.move(7)
    stored = cloud.runs.load("run1")
    shown = looks.observed(stored)
    assert counts(stored, "a") == (0, 0, 0, 0), "what is stored is as old as the submission"
    assert counts(shown, "a") == (5, 2, 3, 7)
    assert run_document(shown)["asOf"] == "2026-01-01T00:00:07.000Z"
    assert shown.state("a").status is StepStatus.ACTIVE
    assert cloud.runs.load("run1") is stored, "a look stores nothing"
    assert asked.calls == [1]


def test_a_dependent_of_n_to_n_and_every_part_is_shown_by_one_call() -> None:
    wide = step("a", size=25_000)
    cloud, asked, looks = begun(wide, step("b", "a", size=25_000, n_to_n_needs=frozenset({"a"})))
    for job in cloud.jobs.jobs.values():
        is_first = "-a-" in job.name
        job.succeeded, job.failed = (1_000, 1) if is_first else (900, 1)
    shown = looks.observed(cloud.runs.load("run1"))
    assert counts(shown, "a")[:3] == (3_000, 3, 21_997)
    assert counts(shown, "b")[:3] == (2_700, 3, 22_297)
    assert asked.calls == [6]


def test_an_answer_is_kept_for_a_while_and_asked_anew_for_a_new_job() -> None:
    cloud, asked, looks = begun(step("a", size=10), step("b", size=10), step("c", "a", size=2))
    for _ in range(50):
        looks.observed(cloud.runs.load("run1"))
    assert asked.calls == [2]
    cloud.clock.move(LOOK_S)
    looks.observed(cloud.runs.load("run1"))
    assert asked.calls == [2, 2]
    cloud.jobs.end(next(iter(cloud.jobs.jobs)), JobOutcome.SUCCEEDED)
    cloud.engine.reconcile("run1")
    shown = looks.observed(cloud.runs.load("run1"))
    assert asked.calls == [2, 2, 2], "c has a job, of which nothing is known"
    assert counts(shown, "c")[:3] == (0, 0, 2)


def test_an_ended_job_is_not_described() -> None:
    cloud, asked, looks = begun(step("a", size=10), step("b", "a"))
    cloud.jobs.end(next(iter(cloud.jobs.jobs)), JobOutcome.FAILED)
    cloud.clock.move(9)
    cloud.engine.reconcile("run1")
    cloud.prepare()
    ended = cloud.runs.load("run1")
    assert looks.observed(ended) is ended
    assert (asked.calls, counts(ended, "a")) == ([], (0, 10, 0, 9))
    assert run_document(ended)["asOf"] is None, "no step is at work"


def test_an_end_of_which_no_event_came_is_counted_and_changes_no_status() -> None:
    cloud, _, looks = begun(step("a", size=10), step("b", "a"))
    [job] = cloud.jobs.jobs.values()
    job.failed = 4
    cloud.jobs.end(job.job_id, JobOutcome.SUCCEEDED)
    shown = looks.observed(cloud.runs.load("run1"))
    assert counts(shown, "a")[:3] == (6, 4, 0)
    assert (shown.state("a").status, "b" in shown.steps) == (StepStatus.ACTIVE, False)


@pytest.mark.parametrize("error", [Throttled("429"), Refused("AccessDenied"), Ambiguous("lost")])
def test_without_an_answer_the_stored_counts_are_shown_with_their_time(error: Exception) -> None:
    cloud, asked, looks = begun(step("a", size=10))
    [job] = cloud.jobs.jobs.values()
    job.succeeded = 1
    cloud.clock.move(2)
    cloud.engine.reconcile("run1")
    job.succeeded = 3
    asked.error = error
    cloud.clock.move(10)
    for _ in range(3):
        assert counts(looks.observed(cloud.runs.load("run1")), "a") == (1, 0, 9, 2)
    assert asked.calls == [1], "a refusal is not repeated at once"
    asked.error = None
    cloud.clock.move(LOOK_S)
    assert counts(looks.observed(cloud.runs.load("run1")), "a") == (3, 0, 7, 17)
    asked.error = error
    cloud.clock.move(LOOK_S)
    assert counts(looks.observed(cloud.runs.load("run1")), "a") == (3, 0, 7, 17), "the last answer"


def test_an_older_answer_does_not_hide_newer_counts() -> None:
    cloud, _, looks = begun(step("a", size=10))
    [job] = cloud.jobs.jobs.values()
    looks.observed(cloud.runs.load("run1"))
    job.succeeded = 4
    cloud.clock.move(1)
    cloud.engine.reconcile("run1")
    assert counts(looks.observed(cloud.runs.load("run1")), "a") == (4, 0, 6, 1)


def test_a_job_that_aws_batch_does_not_know_leaves_the_time_as_it_was() -> None:
    cloud, _, looks = begun(step("a", size=10))
    cloud.jobs.jobs.clear()
    cloud.clock.move(3)
    assert counts(looks.observed(cloud.runs.load("run1")), "a") == (0, 0, 0, 0)


def test_the_answers_are_kept_of_the_runs_looked_at_last() -> None:
    cloud, asked, looks = begun(step("a", size=10))
    for number in range(LOOKS_MAX + 1):
        order = StartRequest(run_id=f"other{number}", pipeline="test", version=1)
        cloud.engine.start(order)
        looks.observed(cloud.runs.load(order.run_id))
    assert len(looks._kept) == LOOKS_MAX
    asked.calls.clear()
    looks.observed(cloud.runs.load(f"other{LOOKS_MAX}"))
    assert asked.calls == []
    looks.observed(cloud.runs.load("other0"))
    assert asked.calls == [1]


def test_who_keeps_no_answer_is_shown_a_new_one_at_each_look() -> None:
    cloud, asked, looks = begun(step("a", size=10))
    looks.look_s = 0
    for _ in range(3):
        looks.observed(cloud.runs.load("run1"))
    assert asked.calls == [1, 1, 1]
