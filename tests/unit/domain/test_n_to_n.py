"""N_TO_N part by part, SEQUENTIAL, `when`, sizes by parameter: what follows from state alone."""

from __future__ import annotations

from datetime import datetime

import pytest

from batchrelay.domain.effects import SubmitJob
from batchrelay.domain.events import (
    Event,
    JobFailed,
    JobProgressed,
    JobSubmitted,
    JobSucceeded,
    Prepared,
    SubmissionRefused,
)
from batchrelay.domain.n_to_n import upstream_failures
from batchrelay.domain.pending_effects import pending_effects
from batchrelay.domain.requests import submit_request
from batchrelay.domain.run import Run
from batchrelay.domain.step_state import StepStatus
from tests.builders import Flow, at, fold, key, run_of, step, variables_of


def submitted(label: str, part: int = 0) -> JobSubmitted:
    return JobSubmitted(at=at(1), key=key(label, part), job_id=f"job-{label}-{part}")


def succeeded(label: str, part: int = 0) -> JobSucceeded:
    return JobSucceeded(at=at(2), key=key(label, part), job_id=f"job-{label}-{part}")


def failed(label: str, part: int = 0, *, bad: int = 1) -> JobFailed:
    return JobFailed(
        at=at(2),
        key=key(label, part),
        job_id=f"job-{label}-{part}",
        succeeded=0,
        failed=bad,
        reason="Array Child Job failed",
    )


def at_work(label: str, *, bad: int) -> JobProgressed:
    return JobProgressed(
        at=at(2), key=key(label), job_id=f"job-{label}-0", succeeded=0, failed=bad, running=1
    )


def after(run: Run, *events: Event) -> Run:
    for event in events:
        run = fold(run, event)
    return run


def wanted(run: Run) -> list[str]:
    return [effect.key.name for effect in pending_effects(run) if isinstance(effect, SubmitJob)]


def name(label: str, part: int = 0) -> str:
    return key(label, part).name


N_TO_N: Flow = {"n_to_n_needs": frozenset({"a"})}


def test_an_n_to_n_part_is_submitted_as_soon_as_its_upstream_has_a_job_id() -> None:
    run = run_of(step("a", size=25_000), step("b", "a", **N_TO_N))
    assert [part.size for part in run.state("b").parts] == [8_334, 8_333, 8_333]
    assert name("b") not in wanted(run)
    run = after(run, submitted("a", 1))
    assert name("b", 1) in wanted(run)
    assert name("b", 0) not in wanted(run)
    assert submit_request(run, key("b", 1))["dependsOn"] == [{"jobId": "job-a-1", "type": "N_TO_N"}]


def test_an_n_to_n_part_that_has_ended_well_is_no_dependency_any_more() -> None:
    run = run_of(step("a", size=2), step("c"), step("b", "a", "c", **N_TO_N))
    run = after(run, submitted("a"), succeeded("a"))
    assert run.state("b").status is StepStatus.WAITING
    run = after(run, submitted("c"), succeeded("c"))
    assert "dependsOn" not in submit_request(run, key("b"))


def test_a_plain_job_in_a_n_to_n_part_has_a_plain_dependency() -> None:
    run = run_of(step("a", file="s3://b/f"), step("b", "a", **N_TO_N))
    one = Prepared(at=at(1), step="a", round=0, items=1, children=(1,), manifest="s3://m/")
    run = after(run, one, submitted("a"))
    request = submit_request(run, key("b"))
    assert request["dependsOn"] == [{"jobId": "job-a-0"}]
    environment = variables_of(request)
    assert environment["BATCHRELAY_MANIFEST"] == "s3://m/items.jsonl"
    assert environment["BATCHRELAY_RESULTS"].endswith("/b/r0/results/")


def test_n_to_n_parts_of_nothing_are_nothing() -> None:
    run = run_of(step("a", file="s3://b/f"), step("b", "a", **N_TO_N), step("z", "b"))
    none = Prepared(at=at(1), step="a", round=0, items=0, children=(0,), manifest=None)
    run = after(run, none)
    assert (run.state("b").status, run.state("b").reason) == (StepStatus.SKIPPED, "0 items")
    assert run.state("z").status is StepStatus.SUBMITTING


def test_unequal_n_to_n_parts_fail_with_the_numbers() -> None:
    run = run_of(step("a", size=3), step("b", "a", file="s3://b/f", **N_TO_N))
    five = Prepared(at=at(1), step="b", round=0, items=5, children=(5,), manifest="s3://m/")
    run = after(run, five)
    assert (run.state("b").status, run.state("b").reason) == (
        StepStatus.FAILED,
        "N_TO_N needs equal sizes: 5 children here, 3 of a",
    )


def test_no_items_beside_n_to_n_parts_that_have_some_are_unequal() -> None:
    """Or it would depend on who is faster whether its dependents run."""
    run = run_of(step("a", size=3), step("b", "a", file="s3://b/f", **N_TO_N), step("z", "b"))
    none = Prepared(at=at(1), step="b", round=0, items=0, children=(0,), manifest=None)
    run = after(run, none)
    assert run.state("b").status is StepStatus.FAILED
    assert run.state("b").reason == "N_TO_N needs equal sizes: 0 children here, 3 of a"


@pytest.mark.parametrize("why", [SubmissionRefused(at=at(1), key=key("a"), reason="no"), None])
def test_an_n_to_n_part_whose_upstream_failed_before_it_began_is_unsatisfiable(
    why: Event | None,
) -> None:
    run = run_of(step("a", size=2), step("b", "a", **N_TO_N), step("z", "b"))
    event = why or failed("a")  # the end outran the news of the submission
    run = after(run, event)
    assert run.state("b").status is StepStatus.FAILED
    assert run.state("b").reason.startswith("upstream: ")
    assert run.state("z").status is StepStatus.SKIPPED
    assert run.status.is_terminal


def test_failed_n_to_n_parts_are_distinguished_from_errors_of_their_own() -> None:
    run = run_of(step("a", size=10), step("b", "a", **N_TO_N))
    run = after(run, submitted("a"), submitted("b"), at_work("a", bad=3), at_work("b", bad=5))
    b = run.pipeline.step("b")
    assert upstream_failures(run, b) == 3
    assert upstream_failures(run, run.pipeline.step("a")) == 0


def test_a_sequence_goes_part_by_part() -> None:
    run = run_of(step("a", size=25_000, sequential=True))
    assert wanted(run) == [name("a", 0)]
    assert submit_request(run, key("a"))["dependsOn"] == [{"type": "SEQUENTIAL"}]
    run = after(run, submitted("a"))
    assert wanted(run) == []
    run = after(run, succeeded("a"))
    assert wanted(run) == [name("a", 1)]
    assert run.state("a").parts[1].since == at(2), "its grace begins now"
    run = after(run, submitted("a", 1), failed("a", 1))
    assert run.state("a").status is StepStatus.FAILED
    assert [part.failed for part in run.state("a").parts] == [0, 1, 8_333]


@pytest.mark.parametrize(
    ("when", "status"),
    [
        ("params.mode == 'full'", StepStatus.SUBMITTING),
        ("params.mode == 'quick'", StepStatus.SKIPPED),
        ("steps.a.status == 'SUCCEEDED' and steps.a.children == 1", StepStatus.SUBMITTING),
        ("steps.a.failed > 0", StepStatus.SKIPPED),
    ],
)
def test_when_decides_once_its_needs_have_ended(when: str, status: StepStatus) -> None:
    run = run_of(step("a"), step("b", "a", when=when), step("z", "b"), params={"mode": "full"})
    assert run.state("b").status is StepStatus.WAITING
    run = after(run, submitted("a"), succeeded("a"))
    assert run.state("b").status is status
    if status is StepStatus.SKIPPED:
        assert run.state("b").reason == f"when: {when} does not hold"
        assert run.state("z").status is StepStatus.SKIPPED


@pytest.mark.parametrize(
    ("width", "status", "sizes"),
    [
        ("0", StepStatus.SKIPPED, []),
        ("1", StepStatus.SUBMITTING, [1]),
        ("10001", StepStatus.SUBMITTING, [5_001, 5_000]),
        ("-1", StepStatus.FAILED, []),
        ("many", StepStatus.FAILED, []),
        ("1000001", StepStatus.FAILED, []),
    ],
)
def test_a_size_may_be_a_parameter(width: str, status: StepStatus, sizes: list[int]) -> None:
    request = {"arrayProperties": {"size": "${params.width}"}}
    run = run_of(step("a", request=request), params={"width": width})
    assert run.state("a").status is status
    assert [part.size for part in run.state("a").parts] == sizes


def test_a_diamond_joins_and_more_than_20_needs_are_no_dependency() -> None:
    middle = [step(f"m{number}", "top") for number in range(30)]
    run = run_of(step("top"), *middle, step("join", *(m.name for m in middle)))
    run = after(run, submitted("top"), succeeded("top"))
    for m in middle:
        assert run.state("join").status is StepStatus.WAITING
        run = after(run, submitted(m.name), succeeded(m.name))
    assert "dependsOn" not in submit_request(run, key("join"))


def test_unsafe_shell_is_a_variable_of_the_job() -> None:
    run = run_of(step("a"), step("b", unsafe_shell=True))
    names = {label: set(variables_of(submit_request(run, key(label)))) for label in ("a", "b")}
    assert names["b"] - names["a"] == {"BATCHRELAY_UNSAFE_SHELL"}


def test_progress_is_kept_and_stale_progress_is_not() -> None:
    run = after(run_of(step("a", size=9)), submitted("a"))

    def progress(time: datetime, done: int, job_id: str = "job-a-0") -> JobProgressed:
        return JobProgressed(
            at=time, key=key("a"), job_id=job_id, succeeded=done, failed=1, running=2
        )

    run = after(run, progress(at(3), 4))
    part = run.state("a").parts[0]
    assert (part.succeeded, part.failed, part.running) == (4, 1, 2)
    assert after(run, progress(at(4), 4)) is run, "nothing new is not written"
    assert after(run, progress(at(4), 5, job_id="duplicate")) is run
    ended = after(run, succeeded("a"))
    assert after(ended, progress(at(5), 5)) is ended
