"""From a state that was reached: cancel, answer everything that is pending, and it has ended."""

from __future__ import annotations

from datetime import datetime, timedelta

from batchrelay.codec import compact_json, encode_run, stored_run
from batchrelay.domain import run_size as budget
from batchrelay.domain.budget_events import CostMeasured, Measured
from batchrelay.domain.effects import (
    ContinueRun,
    DeleteConsumableResources,
    DeleteQueues,
    Effect,
    MeasureCost,
    Notify,
    Prepare,
    PublishRunEnd,
    SubmitJob,
    TerminateJob,
    WithdrawSubmission,
    WriteReport,
)
from batchrelay.domain.events import (
    CancelRequested,
    ConsumableResourcesDeleted,
    Event,
    GraceExpired,
    JobFailed,
    JobTerminated,
    NoticeRefused,
    QueuesDeleted,
    ReportRefused,
    RunContinued,
    RunEndRefused,
    SubmissionWithdrawn,
)
from batchrelay.domain.held_submissions import unmeasured_jobs
from batchrelay.domain.limits import STATE_BYTES_MAX
from batchrelay.domain.pending_effects import is_open, pending_effects
from batchrelay.domain.run import Run
from batchrelay.domain.run_cost import RunCost
from batchrelay.domain.transitions import advance
from batchrelay.domain.values import JobKey

LONGEST_REASON = 'é"\x01😀\ud800' * 60
"""What a reason may hold at worst: quotes, escapes, four bytes a character, half of a character."""

COST = RunCost(usd=12345678.123456789, sums=LONGEST_REASON, date="2026-11-28")

OVERHEAD_BYTES = 700
"""What an item may have beside the text of its state: attributes, and what deflating adds."""

ROUNDS_MAX = 5


def check_size(run: Run) -> None:
    """No state is larger than was counted, and none is counted to be larger than the limit."""
    text, bound = len(compact_json(encode_run(run)).encode()), budget.state_bytes(run)
    assert text <= bound, f"{text:,} bytes, {bound:,} were counted"
    assert bound <= STATE_BYTES_MAX, f"{bound:,} bytes, over {STATE_BYTES_MAX:,}"
    stored_run(run, STATE_BYTES_MAX + OVERHEAD_BYTES)


def cancelled(run: Run) -> Run:
    """The ended run. Raises: AssertionError if it does not end, or cannot be saved on the way."""
    at = run.started_at + timedelta(days=30)
    run = _folded(run, CancelRequested(at=at, reason=LONGEST_REASON, stops_finally=True))
    for minute in range(ROUNDS_MAX):
        if not is_open(run):
            return run
        now = at + timedelta(minutes=minute)
        run = _folded(run, GraceExpired(at=now))
        jobs = _jobs(run)
        for effect in pending_effects(run):
            for event in _answers(run, effect, jobs, now):
                run = _folded(run, event)
        for job_id in jobs:  # one that was asked to stop before has no effect that is pending
            for end in _end(job_id, jobs, now):
                run = _folded(run, end)
    raise AssertionError(f"{run.status}: {pending_effects(run)} is pending")


def _folded(run: Run, event: Event) -> Run:
    run = advance(run, event)
    check_size(run)
    return run


def _jobs(run: Run) -> dict[str, tuple[JobKey, int]]:
    """The jobs that are active: what each is, and how many children it has."""
    return {
        part.job_id: (
            JobKey(run_id=run.id, label=step.label, round=run.state(step.name).round, part=number),
            part.size,
        )
        for step in run.pipeline.steps
        for number, part in enumerate(run.state(step.name).parts)
        if part.job_id is not None and part.is_active
    }


def _answers(
    run: Run, effect: Effect, jobs: dict[str, tuple[JobKey, int]], now: datetime
) -> tuple[Event, ...]:
    """What the world says at last, with the longest texts and the largest counts."""
    match effect:
        case SubmitJob() | Prepare():
            raise AssertionError(f"{effect} is pending in a run that was cancelled")
        case WithdrawSubmission():
            return (SubmissionWithdrawn(at=now, key=effect.key),)
        case ContinueRun():
            return (RunContinued(at=now),)
        case DeleteQueues() | DeleteConsumableResources():
            return (_deleted(effect, now),)
        case Notify():
            return (NoticeRefused(at=now, rule=effect.rule),)
        case MeasureCost():
            measured = Measured(job_ids=_ended_jobs(run), cost=COST, unknown=LONGEST_REASON)
            return (CostMeasured(at=now, number=effect.number, measured=measured),)
        case WriteReport():
            return (ReportRefused(at=now, redrive=effect.redrive, reason=LONGEST_REASON),)
        case PublishRunEnd():
            return (RunEndRefused(at=now, redrive=effect.redrive),)
        case TerminateJob():
            terminated = JobTerminated(at=now, job_id=effect.job_id, failed=10**9)
            return (terminated, *_end(effect.job_id, jobs, now))


def _deleted(effect: DeleteQueues | DeleteConsumableResources, now: datetime) -> Event:
    if isinstance(effect, DeleteQueues):
        return QueuesDeleted(at=now)
    return ConsumableResourcesDeleted(at=now, redrive=effect.redrive)


def _ended_jobs(run: Run) -> frozenset[str]:
    return frozenset(job_id for _, job_id in unmeasured_jobs(run))


def _end(job_id: str, jobs: dict[str, tuple[JobKey, int]], now: datetime) -> tuple[JobFailed, ...]:
    if job_id not in jobs:
        return ()
    key, size = jobs[job_id]
    end = JobFailed(
        at=now, key=key, job_id=job_id, succeeded=size, failed=10**9, reason=LONGEST_REASON
    )
    return (end,)
