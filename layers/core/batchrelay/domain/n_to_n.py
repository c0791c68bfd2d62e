"""Parts that wait for other jobs: N_TO_N part by part, SEQUENTIAL one after the other.

A part is submitted once the job that it depends on exists. It is unsatisfiable when that job will
never exist, or has failed. It is not documented what AWS Batch makes of a dependency on a job that
has ended (Q3 of docs/reference/aws-batch.md), so none is ever sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from batchrelay.domain.pipeline import Step
from batchrelay.domain.run import Run
from batchrelay.domain.step_state import JobOutcome, Part
from batchrelay.domain.values import counted, short

UPSTREAM_FAILED = "upstream: the same part of a step before it failed"
EARLIER_PART_FAILED = "an earlier part of a SEQUENTIAL step failed"


def upstream_parts(run: Run, step: Step, number: int) -> Iterator[Part]:
    """The parts of N_TO_N needs that a part follows; none in a round that runs failed items again,
    which begins when those steps have ended."""
    if not step.n_to_n_needs or run.state(step.name).is_retry:
        return
    for name in sorted(step.n_to_n_needs):
        parts = run.state(name).first_parts
        if parts:
            yield parts[number]


def may_submit(run: Run, step: Step, number: int) -> bool:
    """Whether every job that a part waits for is there."""
    for part in upstream_parts(run, step, number):
        if part.job_id is None and not _succeeded(part):
            return False
    return not step.sequential or all(map(_succeeded, run.state(step.name).parts[:number]))


def unsatisfiable_reason(run: Run, step: Step, number: int) -> str:
    """Why a part without a job will never have one; empty if it may."""
    for part in upstream_parts(run, step, number):
        if has_ended_badly(part):
            return UPSTREAM_FAILED
    if step.sequential:
        earlier = run.state(step.name).parts[:number]
        if any(part.outcome is JobOutcome.FAILED for part in earlier):
            return EARLIER_PART_FAILED
    return ""


def unequal_parts(run: Run, step: Step, parts: Sequence[Part]) -> str:
    """Why a step's parts cannot follow those of an N_TO_N need one by one; empty if they can."""
    sizes = [part.size for part in parts]
    for name in sorted(step.n_to_n_needs):
        others = [part.size for part in run.state(name).first_parts]
        if others and others != sizes:
            return _unequal(sizes, others, name)
    return ""


def _unequal(sizes: list[int], others: list[int], name: str) -> str:
    here, there = f"{counted(sum(sizes), 'children')} here", f"{sum(others):,} of {name}"
    if sum(sizes) != sum(others):
        return short(f"N_TO_N needs equal sizes: {here}, {there}")
    return short(
        f"N_TO_N needs equal parts: {here} in {sizes}, {there} in {others} (groups are parts)"
    )


def upstream_failures(run: Run, step: Step) -> int:
    """Children that failed only because their upstream child failed.

    By counting: a failed upstream child fails its child here ("Dependent Job failed"). Any other
    failure here has an error of its own. Advisory, as all counts of children are.
    """
    state = run.state(step.name)
    if state.is_retry or state.failures:
        return state.upstream_items
    return sum(
        min(part.failed, max((up.failed for up in upstream_parts(run, step, number)), default=0))
        for number, part in enumerate(state.parts)
    )


def has_ended_badly(part: Part) -> bool:
    """Whether its job failed, or was stopped before its run was redriven."""
    return part.outcome in (JobOutcome.FAILED, JobOutcome.CANCELLED)


def _succeeded(part: Part) -> bool:
    return part.outcome is JobOutcome.SUCCEEDED
