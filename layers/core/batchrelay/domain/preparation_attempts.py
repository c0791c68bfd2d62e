"""A step's preparation: its attempts are counted, so that one that always dies ends its step.

An attempt that Lambda kills, out of memory or of time, saves nothing. So the attempts that begin
are counted: each is saved before its work, except the first, which costs no write. Progress begins
the count anew.
"""

from __future__ import annotations

from datetime import datetime

from batchrelay.domain.copies import replace
from batchrelay.domain.events import (
    AttemptFailed,
    GraceExpired,
    PreparationBegun,
    PreparationContinued,
    PreparationEvent,
    PreparationFailed,
)
from batchrelay.domain.limits import PREPARE_ATTEMPTS_MAX, PREPARE_REQUESTS_MAX
from batchrelay.domain.retry_rounds import without_new_round
from batchrelay.domain.step_state import NO_ATTEMPTS, StepState, StepStatus
from batchrelay.domain.table import Situation
from batchrelay.domain.values import counted, fits, short

KILLED = "killed, out of memory or of time"
"""The reason of an attempt that could not say one: what Lambda kills a function for."""


def not_prepared(state: StepState, status: StepStatus, at: datetime, reason: str) -> StepState:
    """A step whose preparation is over, without items. If its failures were to be collected, the
    reason of its jobs comes first, where both fit: AWS Batch still knows that one."""
    both = f"{state.job_reason}; {reason}"
    if state.job_reason and status is StepStatus.FAILED and fits(both):
        reason = both
    return replace(
        without_new_round(state),
        status=status,
        since=at,
        reason=short(reason),
        attempts=NO_ATTEMPTS,
        resume="",
    )


def awaits(state: StepState, round_number: int, resume: str) -> bool:
    """Whether a step waits for the attempt that goes on from there; not if another has."""
    is_preparing = state.status is StepStatus.PREPARING and state.round == round_number
    return is_preparing and state.resume == resume


def is_next_stage(here: Situation[PreparationContinued]) -> bool:
    """no other attempt went on from the same place"""
    return _is_of_round(here) and here.event.after == here.state.resume


def record_stage(here: Situation[PreparationContinued]) -> StepState:
    """It made progress: its attempts are counted anew."""
    event = here.event
    return replace(here.state, since=here.at, resume=event.resume, attempts=NO_ATTEMPTS, reason="")


def is_new_attempt(here: Situation[PreparationBegun]) -> bool:
    """no other attempt is at work, or went further"""
    is_underway = here.state.attempts.is_underway
    return _is_of_round(here) and not is_underway and here.event.resume == here.state.resume


def count_attempt(here: Situation[PreparationBegun]) -> StepState:
    """An attempt more. Its grace begins now: its message may have waited for hours."""
    attempts = here.state.attempts
    counted = replace(attempts, begun=attempts.begun + 1, is_underway=True)
    return replace(here.state, since=here.at, attempts=counted, reason="")


def was_last_attempt(here: Situation[AttemptFailed]) -> bool:
    """it was the last one"""
    return _is_of_round(here) and _count(here) >= PREPARE_ATTEMPTS_MAX


def may_be_tried_again(here: Situation[AttemptFailed]) -> bool:
    """it was not the last one"""
    return _is_of_round(here)


def fail_after_attempts(here: Situation[AttemptFailed]) -> StepState:
    """FAILED, with the reason of the last one."""
    return _failed(here.state, _count(here), here.at, here.event.reason)


def record_failed_attempt(here: Situation[AttemptFailed]) -> StepState:
    """Why it failed; another one follows."""
    attempts = replace(here.state.attempts, begun=_count(here), is_underway=False)
    return replace(here.state, attempts=attempts, reason=short(here.event.reason))


def _count(here: Situation[AttemptFailed]) -> int:
    attempts = here.state.attempts
    return attempts.begun + (not attempts.is_underway)


def last_attempt_was_killed(here: Situation[GraceExpired]) -> bool:
    """the last attempt is overdue"""
    return here.state.attempts.begun >= PREPARE_ATTEMPTS_MAX


def was_requested_too_often(here: Situation[GraceExpired]) -> bool:
    """it was requested too often, and no attempt has ended"""
    return here.state.attempts.requests >= PREPARE_REQUESTS_MAX


def fail_killed(here: Situation[GraceExpired]) -> StepState:
    """FAILED, with the last reason that an attempt gave."""
    state = here.state
    return _failed(state, state.attempts.begun, here.at, state.reason or KILLED)


def fail_requests(here: Situation[GraceExpired]) -> StepState:
    """FAILED: no invocation answers."""
    requests = here.state.attempts.requests
    reason = f"{_what(here.state)}: requested {requests} times, and no attempt has ended"
    return not_prepared(here.state, StepStatus.FAILED, here.at, reason)


def request_again(here: Situation[GraceExpired]) -> StepState:
    """Its attempt is taken for dead, and another one requested."""
    attempts = here.state.attempts
    again = replace(attempts, requests=attempts.requests + 1, is_underway=False)
    return replace(here.state, since=here.at, attempts=again)


def failed_at_once(here: Situation[PreparationFailed]) -> bool:
    """its items are wrong"""
    return _is_of_round(here)


def fail_preparation(here: Situation[PreparationFailed]) -> StepState:
    """FAILED, with the reason."""
    return not_prepared(here.state, StepStatus.FAILED, here.at, here.event.reason)


def _is_of_round(here: Situation[PreparationEvent]) -> bool:
    return here.event.round == here.state.round


def _failed(state: StepState, count: int, at: datetime, reason: str) -> StepState:
    problem = f"{_what(state)} in {counted(count, 'attempts')}, the last: {reason}"
    return not_prepared(state, StepStatus.FAILED, at, problem)


def _what(state: StepState) -> str:
    return "its failures were not collected" if state.is_retry else "not prepared"
