"""The effects that are still to be performed: derived from a run's state, never stored beside it.

An effect is acknowledged only by an event, which changes the state so that it is no longer pending.
"""

from __future__ import annotations

from collections.abc import Iterator

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
from batchrelay.domain.finally_steps import stop_of
from batchrelay.domain.pipeline import Step
from batchrelay.domain.run import Run, RunStatus
from batchrelay.domain.step_state import StepState, StepStatus
from batchrelay.domain.stops import FAIL_FAST_JOB_REASON
from batchrelay.domain.values import JobKey

_HAVE_EFFECTS = (StepStatus.PREPARING, StepStatus.SUBMITTING)

DUPLICATE_REASON = "batchrelay: a second job of the same part"
MISSING_REASON = "batchrelay: DescribeJobs has left this job out for an hour"


def pending_effects(run: Run) -> tuple[Effect, ...]:
    """The effects that the state still requires, steps in topological order."""
    return tuple(_pending_effects(run))


def is_open(run: Run) -> bool:
    """Whether reconcile has to look at it: it has not ended, or it has pending effects."""
    return not run.status.is_terminal or bool(pending_effects(run))


def _pending_effects(run: Run) -> Iterator[Effect]:
    yield from _pending_effects_of_steps(run)
    for duplicate in run.duplicate_jobs:
        yield TerminateJob(
            run_id=run.id, job_id=duplicate.job_id, reason=DUPLICATE_REASON, since=duplicate.since
        )
    for name, state in run.steps.items():
        if any(part.is_active for part in state.parts):
            yield from _pending_terminations(run, run.pipeline.step(name), state)
    if run.continue_since is not None:
        yield ContinueRun(run_id=run.id, since=run.continue_since)
    yield from _pending_effects_of_budget(run)
    yield from _pending_effects_of_end(run)


def _pending_effects_of_budget(run: Run) -> Iterator[MeasureCost | Notify]:
    spending, pause = run.spending, run.spending.pause
    if spending.since is not None:
        yield MeasureCost(run_id=run.id, number=spending.measurements, since=spending.since)
    if run.status is not RunStatus.PAUSED or pause is None:
        return
    for place, rule in enumerate(run.pipeline.notify):
        if run.status in rule.on and place not in pause.answered:
            number, since = pause.number, pause.notices_since
            yield Notify(run_id=run.id, rule=place, pause=number, since=since)


def _pending_effects_of_end(run: Run) -> Iterator[Effect]:
    if run.queues_since is not None:
        yield DeleteQueues(run_id=run.id, since=run.queues_since)
    number = run.redrive_number
    if run.consumable_resources_since is not None:
        yield DeleteConsumableResources(
            run_id=run.id, redrive=number, since=run.consumable_resources_since
        )
    if run.report is not None and run.report.since is not None:  # the others link to it
        yield WriteReport(run_id=run.id, redrive=number, since=run.report.since)
        return
    if run.notices_since is not None:
        for place, rule in enumerate(run.pipeline.notify):
            if run.status in rule.on and place not in run.notices:
                yield Notify(run_id=run.id, rule=place, since=run.notices_since)
    if run.end_event_since is not None:
        yield PublishRunEnd(run_id=run.id, redrive=number, since=run.end_event_since)


def _pending_terminations(run: Run, step: Step, state: StepState) -> Iterator[TerminateJob]:
    """All jobs of a step that is stopped; of one that goes on, jobs that are missing."""
    stop, early = stop_of(run, step), state.early_stop
    if stop is not None:
        reason, since = stop.job_reason, stop.since
    elif early is not None:
        reason, since = FAIL_FAST_JOB_REASON, early.since
    else:
        yield from _pending_effects_of_missing_jobs(run, state)
        return
    for job_id in _jobs_to_terminate(state):
        yield TerminateJob(run_id=run.id, job_id=job_id, reason=reason, since=since)


def _pending_effects_of_missing_jobs(run: Run, state: StepState) -> Iterator[TerminateJob]:
    for part in state.parts:
        if part.is_to_be_stopped and part.job_id is not None and part.missing_since is not None:
            yield TerminateJob(
                run_id=run.id, job_id=part.job_id, reason=MISSING_REASON, since=part.missing_since
            )


def _jobs_to_terminate(state: StepState) -> Iterator[str]:
    for part in state.parts:
        if part.is_active and part.job_id is not None and not part.is_terminate_accepted:
            yield part.job_id


def _pending_effects_of_steps(run: Run) -> Iterator[Prepare | SubmitJob | WithdrawSubmission]:
    at_work = {name: state for name, state in run.steps.items() if state.status in _HAVE_EFFECTS}
    if not at_work:
        return
    for step in run.pipeline.order:
        state = at_work.get(step.name)
        if state is None:
            continue
        if state.status is StepStatus.PREPARING and state.since is not None:
            yield Prepare(
                run_id=run.id,
                step=step.name,
                round=state.round,
                resume=state.resume,
                since=state.since,
            )
        elif state.status is StepStatus.SUBMITTING:
            for number, part in enumerate(state.parts):
                if part.is_unsubmitted and part.since is not None:
                    key = JobKey(run_id=run.id, label=step.label, round=state.round, part=number)
                    is_stopped = stop_of(run, step) is not None or state.early_stop is not None
                    effect = WithdrawSubmission if is_stopped else SubmitJob
                    yield effect(key=key, since=part.since)
