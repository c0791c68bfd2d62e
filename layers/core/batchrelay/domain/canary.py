"""A canary: the first items of a step run before the rest, which never begins if they fail.

Nothing of it is stored. Its parts are the first ones of each group, and which those are follows
from the pipeline and from the sizes of the parts. A step has a canary in the round of all its items
and in the first round of a redrive; a round of `retryFailed` has none.
"""

from __future__ import annotations

from collections.abc import Iterator

from batchrelay.domain.copies import replace
from batchrelay.domain.finally_steps import stop_of
from batchrelay.domain.pipeline import Step
from batchrelay.domain.step_state import JobOutcome, Part, StepState
from batchrelay.domain.stops import EarlyStop, EarlyStopCause
from batchrelay.domain.table import Situation
from batchrelay.domain.values import counted, short

_Here = Situation[None]


def canary_children(step: Step, state: StepState, chunk: int) -> int:
    """Children of each group that run before the rest in this round; 0 without a canary."""
    if step.canary is None or (state.is_retry and state.round != state.redrive_round):
        return 0
    return -(-step.canary // chunk)


def canary_parts(step: Step, state: StepState) -> tuple[Part, ...]:
    """The parts of this round that run before the rest."""
    return tuple(part for part, is_first in _marked(step, state) if is_first)


def waits_for_canary(step: Step, state: StepState, number: int) -> bool:
    """Whether a part is of the rest, and the canary has not ended."""
    if step.canary is None:
        return False
    marked = tuple(_marked(step, state))
    if not any(is_first for _, is_first in marked) or marked[number][1]:
        return False
    return any(is_first and part.outcome is None for part, is_first in marked)


def canary_failed(here: _Here) -> bool:
    """its canary has failed, the rest has not begun"""
    if here.step.canary is None or here.state.early_stop is not None:
        return False
    if stop_of(here.run, here.step) is not None:
        return False
    first = canary_parts(here.step, here.state)
    if not first or any(part.outcome is None for part in first):
        return False
    has_rest = any(part.is_unsubmitted for part in here.state.parts)
    return has_rest and not _is_good_enough(here.step, here.state, first)


def stop_by_canary(here: _Here) -> StepState:
    """The rest of it never begins."""
    stop = EarlyStop(cause=EarlyStopCause.CANARY, at=here.at, since=here.at)
    text = canary_text(here.state, canary_parts(here.step, here.state))
    reason = f"{text} ({here.state.reason})" if here.state.reason else text
    return replace(here.state, early_stop=stop, reason=short(reason))


def canary_text(state: StepState, first: tuple[Part, ...]) -> str:
    """`the canary failed: 3 of 10 items`."""
    failed, items = _counts(state, first)
    return f"the canary failed: {failed:,} of {counted(items, 'items')}"


def _is_good_enough(step: Step, state: StepState, first: tuple[Part, ...]) -> bool:
    failed, items = _counts(state, first)
    return failed == 0 if step.tolerate is None else step.tolerate.covers(failed, items)


def _counts(state: StepState, first: tuple[Part, ...]) -> tuple[int, int]:
    """Items of the canary that failed, and all of it: a failed child counts with all of its."""
    items = sum(part.size for part in first) * state.chunk
    items = items if state.items is None else min(items, state.items)
    failed = sum(map(_failed_children, first)) * state.chunk
    return min(failed, items), items


def _failed_children(part: Part) -> int:
    """Of a part that has ended; one that FAILED has a failed child, whatever was counted."""
    if part.outcome is JobOutcome.SUCCEEDED:
        return 0
    return max(part.failed, 1) if part.outcome is JobOutcome.FAILED else part.size


def _marked(step: Step, state: StepState) -> Iterator[tuple[Part, bool]]:
    """Each part, and whether it runs before the rest."""
    lead = canary_children(step, state, state.chunk)
    group, offset = -1, 0
    for part in state.parts:
        if part.group != group:
            group, offset = part.group, 0
        yield part, offset < lead
        offset += part.size
