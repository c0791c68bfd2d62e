"""What a run still owes to the world: derived from its state, never stored beside it.

An effect is acknowledged only by an event, which changes the state so that it is owed no more.
"""

from __future__ import annotations

from collections.abc import Iterator

from batchrelay.domain.effects import (
    DeleteQueues,
    Effect,
    Notify,
    Prepare,
    SubmitJob,
    TerminateJob,
)
from batchrelay.domain.run import Run, StepStatus
from batchrelay.domain.values import JobKey


def owed(run: Run) -> tuple[Effect, ...]:
    """What the state still owes to the world, steps in topological order."""
    return tuple(_owed(run))


def is_open(run: Run) -> bool:
    """Whether reconcile has to look at it: it has not ended, or it still owes something."""
    return not run.status.is_terminal or bool(owed(run))


def _owed(run: Run) -> Iterator[Effect]:
    yield from _owed_by_steps(run)
    for twin in run.twins:
        yield TerminateJob(run_id=run.id, job_id=twin.job_id, since=twin.since)
    if run.queues_since is not None:
        yield DeleteQueues(run_id=run.id, since=run.queues_since)
    if run.notices_since is not None:
        for number, rule in enumerate(run.pipeline.notify):
            if run.status in rule.on and number not in run.notices:
                yield Notify(run_id=run.id, rule=number, since=run.notices_since)


def _owed_by_steps(run: Run) -> Iterator[Prepare | SubmitJob]:
    for step in run.pipeline.order:
        state = run.state(step.name)
        if state.status is StepStatus.PREPARING and state.since is not None:
            yield Prepare(run_id=run.id, step=step.name, round=state.round, since=state.since)
        elif state.status is StepStatus.SUBMITTING:
            for number, part in enumerate(state.parts):
                if part.is_unsubmitted and part.since is not None:
                    key = JobKey(run_id=run.id, label=step.label, round=state.round, part=number)
                    yield SubmitJob(key=key, since=part.since)
