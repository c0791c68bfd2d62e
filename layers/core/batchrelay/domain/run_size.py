"""How large a run's stored state may become, and whether a step may still grow.

A run is one item of DynamoDB, and an item has a limit. So the worst that a state can come to is
counted before it grows, in bytes that are not deflated yet:

1. `state_bytes(run)` is an upper bound of the stored text, now and after every event that only
   lets the run go on or end: reasons, counts, job ids, notices, a stop, duplicate jobs.
2. Only what makes that bound larger is held to STATE_BYTES_MAX: the parts and the manifest of a
   step, and why a job is blocked. A step that does not fit is FAILED, with the numbers.
3. So no save of a run is too large, and a run can always be stopped (docs/decisions/0018).

The numbers are those of the codec; a test compares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import is_

from batchrelay.domain.copies import replace
from batchrelay.domain.kept import RUN_CHARS_KEPT_MAX, RUNS_KEPT, STATES_KEPT, Kept
from batchrelay.domain.limits import (
    DUPLICATE_JOBS_MAX,
    REASON_BYTES_MAX,
    STATE_BYTES_MAX,
)
from batchrelay.domain.pipeline import Step
from batchrelay.domain.run import Run
from batchrelay.domain.step_state import NO_ATTEMPTS, WAITING_STEP, StepState, StepStatus
from batchrelay.domain.values import short, stored_text

EARLY_STOP_BYTES = 56
"""Of a step that its canary or failFast may stop: the rule, and two times."""

PART_BYTES = 52
"""Of a part, whatever becomes of it: a record of 39 bytes in base64."""

ROUND_BYTES = 3
"""Of an earlier round beside its parts: quotes and a comma."""

STEP_BYTES = 176
"""Of a step beside its name, parts, texts and counts of items: 164 today, the rest for a few more
short fields."""

RUN_BYTES = 600
"""Of a run beside its texts and steps: 430 today."""

NOTICE_BYTES = 24
"""Of what became of one notice, such as `"12":"REFUSED",`."""

COST_BYTES = 320
"""Of what a run cost: what is summed, the date of its prices, and a number; or of why its report is
not there."""

BUDGET_BYTES = 3 * REASON_BYTES_MAX + 240
"""Of a run with a budget: why a job has no price, why it waits for a person, why its report is not
there, four times, and a few numbers."""

DUPLICATE_BYTES = 66
"""Of one duplicate job that is still to be stopped: its id and a time."""

_BEFORE_PARTS = (StepStatus.WAITING, StepStatus.PREPARING)


def state_bytes(run: Run) -> int:
    """Bytes that the run's state takes at worst, unless a step grows."""
    return (
        RUN_BYTES
        + REASON_BYTES_MAX * (1 + run.pipeline.has_finally_steps)  # of a stop
        + COST_BYTES * (run.pipeline.report or run.pipeline.budget is not None)
        + (0 if run.pipeline.budget is None else BUDGET_BYTES + 4 * len(run.pipeline.notify))
        + DUPLICATE_BYTES * DUPLICATE_JOBS_MAX
        + NOTICE_BYTES * len(run.pipeline.notify)
        + _texts_bytes(run)
        + _steps_bytes(run)
    )


PARTS_KEPT_MAX = 4
"""Of a state, as most have. One with hundreds is another at each of its events: those of one run
would take all of a function's memory."""

_KEPT: Kept[tuple[int, int], tuple[Step, StepState, int]] = Kept(STATES_KEPT)
"""By identity, which a step and a state that are kept here have for themselves: their hashes would
cost as much."""


_TEXTS: Kept[str, tuple[tuple[Mapping[str, str], ...], int]] = Kept(RUNS_KEPT)
"""By the run's id, with what was counted: the same objects at its next event."""


def _texts_bytes(run: Run) -> int:
    """Of what does not change from its start."""
    mappings = (run.params, run.environment, run.trigger)
    kept = _TEXTS.get(run.id)
    if kept is not None and all(map(is_, kept[0], mappings)):
        return kept[1]
    size = sum(map(stored_text, (run.id, run.pipeline.name, run.cause)))
    size += sum(map(_mapping_bytes, mappings))
    if size <= RUN_CHARS_KEPT_MAX:
        _TEXTS.keep(run.id, (mappings, size))
    return size


def _steps_bytes(run: Run) -> int:
    size, states = 0, run.steps
    for step in run.pipeline.steps:
        state = states.get(step.name, WAITING_STEP)
        kept = _KEPT.get((id(step), id(state)))
        size += _kept_step_bytes(step, state) if kept is None else kept[2]
    return size


def _kept_step_bytes(step: Step, state: StepState) -> int:
    """`step_bytes`, counted once for a state that an event does not change."""
    kept = _KEPT.get((id(step), id(state)))
    if kept is not None:
        return kept[2]
    size = step_bytes(step, state)
    if len(state.parts) <= PARTS_KEPT_MAX:
        _KEPT.keep((id(step), id(state)), (step, state, size))
    return size


def step_bytes(step: Step, state: StepState) -> int:
    """Bytes that a step takes at worst until it has ended, unless it grows; then, what it takes."""
    texts = (state.manifest, state.queue, state.resume, state.failures, state.job_reason)
    counts = (
        state.items, state.existing, state.failed_items, state.upstream_items, state.stopped_items,
    )  # fmt: skip
    size = STEP_BYTES + PART_BYTES * len(state.parts) + _reason_bytes(step, state)
    size += EARLY_STOP_BYTES if step.canary is not None or step.fail_fast else 0
    size += stored_text(step.name) + len(str(state.chunk))
    size += 2 * len(texts) + len(counts)  # the quotes of what is empty, and its zeros
    for text in filter(None, texts):
        size += stored_text(text) - 2
    for count in filter(None, counts):
        size += len(str(count)) - 1
    for parts in state.earlier_rounds:
        size += PART_BYTES * len(parts) + ROUND_BYTES
    for part in state.parts:
        size += stored_text(part.blocked) + 8 if part.blocked else 0
    return size


def _reason_bytes(step: Step, state: StepState) -> int:
    """Of the reason that it ends with; and while it is prepared, of why an attempt failed."""
    if state.status.is_terminal:
        return stored_text(state.reason)
    may_prepare = state.status in _BEFORE_PARTS or step.aggregate is not None
    retries = step.retry_failed or step.tolerate or step.n_to_n_needs
    return REASON_BYTES_MAX * (2 if retries or (step.has_items and may_prepare) else 1)


def _mapping_bytes(texts: Mapping[str, str]) -> int:
    return sum(stored_text(name) + stored_text(value) + 2 for name, value in texts.items())


@dataclass(slots=True)
class SizeBudget:
    """What a run may still grow by: counted when it is first asked for, then kept."""

    run: Run
    _bytes: int | None = None

    def admits(self, step: Step, old: StepState, new: StepState) -> bool:
        """Whether a step may change so; what does not grow always may."""
        return self._grown(step, old, new) is None

    def fitted(self, step: Step, old: StepState, new: StepState, at: datetime) -> StepState:
        """The new state, or the old one as FAILED if the run has no room for it."""
        size = self._grown(step, old, new)
        if size is None:
            return new
        before = old.reason if old.parts else old.job_reason
        problem = no_size_left(size, len(new.parts))
        return replace(
            old,
            status=StepStatus.FAILED,
            since=at,
            reason=short(f"{before}; {problem}" if before else problem),
            attempts=NO_ATTEMPTS,
            resume="",
            job_reason="",
        )

    def _grown(self, step: Step, old: StepState, new: StepState) -> int | None:
        """The bytes of the run if they would be too many."""
        growth = _kept_step_bytes(step, new) - _kept_step_bytes(step, old)
        if growth <= 0:
            return None
        if self._bytes is None:
            self._bytes = state_bytes(self.run)
        size = self._bytes + growth
        if size > STATE_BYTES_MAX:
            return size
        self._bytes = size
        return None


def no_size_left(size: int, parts: int) -> str:
    """Why a step cannot begin; at most REASON_CHARS_MAX characters."""
    jobs = "1 job" if parts == 1 else f"{parts:,} jobs"
    return (
        f"with {jobs} of this step the run's state may take {size:,} bytes, over "
        f"{STATE_BYTES_MAX:,}: write a larger chunk, or use several runs"
    )
