"""A step's preparation: its attempts are counted, so that one that always dies ends its step.

An attempt that is killed (by Lambda, out of memory or of time) saves nothing. So what is counted is
how many began: every one saves so before its work, but for the first, which costs no write. What
brings the preparation further begins the count anew.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from batchrelay.domain.events import AttemptFailed, PreparationBegun, PreparationContinued
from batchrelay.domain.limits import PREPARE_ATTEMPTS_MAX, PREPARE_REQUESTS_MAX
from batchrelay.domain.run import NO_ATTEMPTS, StepState, StepStatus
from batchrelay.domain.values import short

KILLED = "killed, out of memory or of time"
"""The reason of an attempt that could not say one: what Lambda kills a function for."""


def not_prepared(state: StepState, status: StepStatus, at: datetime, reason: str) -> StepState:
    """A step whose preparation is over, without items."""
    return replace(
        state, status=status, since=at, reason=short(reason), attempts=NO_ATTEMPTS, resume=""
    )


def awaits(state: StepState, round_number: int, resume: str) -> bool:
    """Whether a step waits for the attempt that goes on from there; not if another has."""
    is_preparing = state.status is StepStatus.PREPARING and state.round == round_number
    return is_preparing and state.resume == resume


def continued(state: StepState, event: PreparationContinued) -> StepState:
    """It made progress; the same object if another attempt went on from the same place."""
    if event.after != state.resume:
        return state
    return replace(state, since=event.at, resume=event.resume, attempts=NO_ATTEMPTS, reason="")


def begun(state: StepState, event: PreparationBegun) -> StepState:
    """An attempt more; the same object for a duplicate: another is at work, or went further.

    Its grace begins now: its message may have waited for hours.
    """
    attempts = state.attempts
    if attempts.is_underway or event.resume != state.resume:
        return state
    counted = replace(attempts, begun=attempts.begun + 1, is_underway=True)
    return replace(state, since=event.at, attempts=counted, reason="")


def attempt_failed(state: StepState, event: AttemptFailed) -> StepState:
    """It said why; the step has FAILED if it was the last."""
    count = state.attempts.begun + (not state.attempts.is_underway)
    if count >= PREPARE_ATTEMPTS_MAX:
        return _failed(state, count, event.at, event.reason)
    attempts = replace(state.attempts, begun=count, is_underway=False)
    return replace(state, attempts=attempts, reason=short(event.reason))


def requested_again(state: StepState, at: datetime) -> StepState:
    """Its attempt is taken for dead, and another one asked for; FAILED if it was the last."""
    attempts = state.attempts
    if attempts.begun >= PREPARE_ATTEMPTS_MAX:
        return _failed(state, attempts.begun, at, state.reason or KILLED)
    if attempts.requests >= PREPARE_REQUESTS_MAX:
        reason = f"not prepared: asked for {attempts.requests} times, and no attempt has ended"
        return not_prepared(state, StepStatus.FAILED, at, reason)
    again = replace(attempts, requests=attempts.requests + 1, is_underway=False)
    return replace(state, since=at, attempts=again)


def _failed(state: StepState, count: int, at: datetime, reason: str) -> StepState:
    problem = f"not prepared in {count} attempts, the last: {reason}"
    return not_prepared(state, StepStatus.FAILED, at, problem)
