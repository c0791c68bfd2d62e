"""How a run ends: the predicates and changes of RUN_END_TABLE.

A stop that stopped nothing does not count: only a step that is CANCELLED does.
"""

from __future__ import annotations

from datetime import datetime

from batchrelay.domain.copies import replace
from batchrelay.domain.end_report import EndReport
from batchrelay.domain.finally_steps import was_cancelled_by_request
from batchrelay.domain.run import Run, RunStatus
from batchrelay.domain.step_state import StepStatus


def stopped_by_a_cancellation(run: Run, _at: datetime) -> bool:
    """one was cancelled by request"""
    return any(was_cancelled_by_request(run, step) for step in run.pipeline.steps)


def stopped_otherwise(run: Run, _at: datetime) -> bool:
    """one was stopped, such as by a timeout"""
    return StepStatus.CANCELLED in _statuses(run)


def a_step_failed(run: Run, _at: datetime) -> bool:
    """one failed"""
    return StepStatus.FAILED in _statuses(run)


def a_step_is_partial(run: Run, _at: datetime) -> bool:
    """none failed, one is PARTIAL"""
    return StepStatus.PARTIAL in _statuses(run)


def no_step_failed(run: Run, _at: datetime) -> bool:
    """none failed"""
    return StepStatus.FAILED not in _statuses(run)


def every_step_has_ended(run: Run, _at: datetime) -> bool:
    """every step has ended"""
    return len(run.steps) == len(run.pipeline.steps) and all(
        state.status.is_terminal for state in run.steps.values()
    )


def _statuses(run: Run) -> set[StepStatus]:
    return {state.status for state in run.steps.values()}


def _end(run: Run, at: datetime, status: RunStatus) -> Run:
    queues = any(step.workers is not None for step in run.pipeline.steps)
    resources = any(step.max_running is not None for step in run.pipeline.steps)
    return replace(
        run,
        status=status,
        ended_at=at,
        continue_since=None,
        report=EndReport(since=at) if run.pipeline.report else None,
        notices_since=at,
        end_event_since=at,
        queues_since=at if queues else None,
        consumable_resources_since=at if resources else None,
    )


def end_cancelled_run(run: Run, at: datetime) -> Run:
    """Stopped by request."""
    return _end(run, at, RunStatus.CANCELLED)


def end_failed(run: Run, at: datetime) -> Run:
    """A step failed, or the run took too long."""
    return _end(run, at, RunStatus.FAILED)


def end_partial_run(run: Run, at: datetime) -> Run:
    """Some items failed, and that was tolerated."""
    return _end(run, at, RunStatus.PARTIAL)


def end_succeeded(run: Run, at: datetime) -> Run:
    """Every step succeeded or was skipped."""
    return _end(run, at, RunStatus.SUCCEEDED)
