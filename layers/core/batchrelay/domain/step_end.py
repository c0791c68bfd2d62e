"""How a step with jobs ends: the predicates and changes of STEP_TABLE."""

from __future__ import annotations

from batchrelay.domain.copies import replace
from batchrelay.domain.finally_steps import stop_of
from batchrelay.domain.held_submissions import awaits_measurement
from batchrelay.domain.retry_rounds import collects_failures, has_failures, may_go_on
from batchrelay.domain.step_state import JobOutcome, StepState, StepStatus
from batchrelay.domain.table import Situation

_Here = Situation[None]


def every_part_has_a_job(here: _Here) -> bool:
    """every part has a job, one of them has not ended"""
    parts = here.state.parts
    return not any(p.is_unsubmitted for p in parts) and any(p.is_active for p in parts)


def every_part_has_ended(here: _Here) -> bool:
    """every part has ended"""
    for part in here.state.parts:
        if part.outcome is None:
            return False
    # of a run with a budget, a job has ended once it is known what it cost
    return not awaits_measurement(here.run, here.state)


def a_part_was_cancelled(here: _Here) -> bool:
    """the run is being stopped, one was cancelled or might run again"""
    if stop_of(here.run, here.step) is None:
        return False
    might_run_again = has_failures(here.state) and may_go_on(here.run, here.step)
    return JobOutcome.CANCELLED in _outcomes(here) or might_run_again


def a_part_failed(here: _Here) -> bool:
    """items failed, it is known why or the run is being stopped"""
    if not has_failures(here.state):
        return False
    is_stopped = stop_of(here.run, here.step) is not None
    return is_stopped or not collects_failures(here.run, here.step)


def another_level_follows(here: _Here) -> bool:
    """an aggregate has more than one result"""
    return here.step.aggregate is not None and (here.state.children or 0) > 1


def no_part_failed(here: _Here) -> bool:
    """none failed"""
    return not has_failures(here.state)


def _outcomes(here: _Here) -> set[JobOutcome | None]:
    return {part.outcome for part in here.state.parts}


def run_step(here: _Here) -> StepState:
    """AWS Batch has every job of it."""
    return replace(here.state, status=StepStatus.ACTIVE, since=here.at)


def begin_next_level(here: _Here) -> StepState:
    """The results of this level are the items of the next."""
    return replace(
        here.state,
        status=StepStatus.PREPARING,
        since=here.at,
        round=here.state.round + 1,
        level=here.state.level + 1,
        earlier_rounds=(),
        failures="",
        parts=(),
        items=None,
        children=None,
        counted_at=None,
        reason="",
    )


def succeed(here: _Here) -> StepState:
    """Every item succeeded; what failed in an earlier round is no longer of interest."""
    return _ended_as(here, StepStatus.SUCCEEDED, reason="")


def fail(here: _Here) -> StepState:
    """A child failed."""
    return _ended_as(here, StepStatus.FAILED, here.state.reason)


def end_cancelled(here: _Here) -> StepState:
    """A part was stopped, or never began; or its failed items would have run again."""
    stop = stop_of(here.run, here.step)
    assert stop is not None, here.run.id
    return _ended_as(here, StepStatus.CANCELLED, here.state.reason or stop.reason)


def _ended_as(here: _Here, status: StepStatus, reason: str) -> StepState:
    """Its counts are exact from now on, and for good."""
    return replace(here.state, status=status, since=here.at, counted_at=None, reason=reason)
