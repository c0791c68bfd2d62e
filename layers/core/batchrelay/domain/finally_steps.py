"""Finally steps: they run once the ordinary steps have ended, whatever became of those.

A stop reaches the ordinary steps; the finally steps still run, and may clean up. Only a request
that says so stops them too. So a run has two stops, and `stop_of` says which one is a step's.
"""

from __future__ import annotations

from batchrelay.domain.pipeline import Step
from batchrelay.domain.run import Run, RunStatus
from batchrelay.domain.step_state import StepStatus
from batchrelay.domain.stops import Stop, StopCause


def stop_of(run: Run, step: Step) -> Stop | None:
    """What stops a step before its time; None if nothing does."""
    return run.finally_stop if step.is_finally else run.stop


def ordinary_steps_have_ended(run: Run) -> bool:
    """Whether the finally steps may begin."""
    return all(run.state(step.name).status.is_terminal for step in run.pipeline.ordinary_steps)


def was_cancelled_by_request(run: Run, step: Step) -> bool:
    """Whether a cancellation, and not a timeout, ended a step before its time."""
    stop = stop_of(run, step)
    is_cancelled = run.state(step.name).status is StepStatus.CANCELLED
    return is_cancelled and stop is not None and stop.cause is StopCause.CANCEL


def ordinary_status(run: Run) -> RunStatus:
    """What the ordinary steps came to: `${run.status}` of the finally steps."""
    ordinary = run.pipeline.ordinary_steps
    if any(was_cancelled_by_request(run, step) for step in ordinary):
        return RunStatus.CANCELLED
    statuses = {run.state(step.name).status for step in ordinary}
    if not statuses.isdisjoint((StepStatus.CANCELLED, StepStatus.FAILED)):
        return RunStatus.FAILED
    return RunStatus.PARTIAL if StepStatus.PARTIAL in statuses else RunStatus.SUCCEEDED
