"""Rounds that run failed items again: the predicates and changes of the tables.

When a round of a step has ended with failures, its next round is prepared: the failed children are
collected with their causes (preparation/failures/), and those that may run again become a smaller
array. They may if the step retries or tolerates some, or if a step before it does that it follows
child by child (N_TO_N): then the items behind a repaired one are still to be done. Of any other
step the causes are wanted alone: it has FAILED, whatever becomes of their collection.
"""

from __future__ import annotations

from collections.abc import Iterator

from batchrelay.domain.array_split import parts_of_groups
from batchrelay.domain.canary import canary_children, canary_parts, canary_text
from batchrelay.domain.copies import replace
from batchrelay.domain.events import FailuresCollected
from batchrelay.domain.failures import FailureClass, is_redriven
from batchrelay.domain.finally_steps import stop_of
from batchrelay.domain.pipeline import Pipeline, Step
from batchrelay.domain.run import Run
from batchrelay.domain.step_state import NO_ATTEMPTS, JobOutcome, StepState, StepStatus
from batchrelay.domain.stops import FAIL_FAST_REASON, EarlyStopCause
from batchrelay.domain.table import Situation
from batchrelay.domain.values import short


def may_go_on(run: Run, step: Step) -> bool:
    """Whether a step with failed items may go on, or end PARTIAL: by its pipeline, or because a
    redrive asked for it."""
    chain = chain_of(run.pipeline, step)
    is_redriven = any(run.state(s.name).redrive_round is not None for s in chain)
    return is_redriven or is_written_to_go_on(run.pipeline, step)


def is_written_to_go_on(pipeline: Pipeline, step: Step) -> bool:
    """Whether it, or a step that it follows child by child, retries or tolerates failed items."""
    chain = chain_of(pipeline, step)
    return any(s.retry_failed is not None or s.tolerate is not None for s in chain)


def chain_of(pipeline: Pipeline, step: Step) -> Iterator[Step]:
    """A step, and those that it follows child by child (N_TO_N), directly or not."""
    yield step
    for need in step.n_to_n_needs:
        yield from chain_of(pipeline, pipeline.step(need))


_BAD = (JobOutcome.FAILED, JobOutcome.CANCELLED)


def has_failures(state: StepState) -> bool:
    """Whether an item failed for good, or a part of this round did, or was stopped."""
    for part in state.parts:
        if part.outcome in _BAD:
            return True
    return state.failed_items + state.upstream_items + state.stopped_items > 0


def collects_failures(run: Run, step: Step) -> bool:
    """Whether a step with failures finds out which of its items failed, and why.

    It knows already if none of its jobs was accepted. Which items the workers of a queue left is
    known only to workers that record them, so it is asked where it matters.
    """
    if may_go_on(run, step):
        return True
    bad = (part for part in run.state(step.name).parts if part.outcome in _BAD)
    return step.workers is None and any(part.job_id is not None for part in bad)


def failures_are_to_be_collected(here: Situation[None]) -> bool:
    """items failed, it is not known which or why"""
    return (
        stop_of(here.run, here.step) is None
        and has_failures(here.state)
        and collects_failures(here.run, here.step)
        and all(here.run.state(need).status.is_terminal for need in here.step.n_to_n_needs)
    )


def collect_failures(here: Situation[None]) -> StepState:
    """Its next round is prepared. What was given up before a redrive is looked at again."""
    state = replace(here.state, round=here.state.round + 1, reason="", job_reason=here.state.reason)
    if takes_all_failures(state):
        state = replace(state, failed_items=0, upstream_items=0, stopped_items=0)
    return replace(
        state,
        status=StepStatus.PREPARING,
        since=here.at,
        earlier_rounds=(*here.state.earlier_rounds, here.state.parts),
        parts=(),
        counted_at=None,
    )


def failed_without_causes(here: Situation[None]) -> bool:
    """the run is being stopped, and only its causes were to be collected"""
    is_stopped = stop_of(here.run, here.step) is not None
    return is_stopped and here.state.is_retry and not may_go_on(here.run, here.step)


def end_without_causes(here: Situation[None]) -> StepState:
    """FAILED, with the reason of its jobs."""
    state = without_new_round(here.state)
    return replace(state, status=StepStatus.FAILED, since=here.at, attempts=NO_ATTEMPTS, resume="")


# --- FailuresCollected


def items_run_again(here: Situation[FailuresCollected]) -> bool:
    """failed items run again"""
    return _is_of_round(here) and bool(here.event.children)


def nothing_is_left(here: Situation[FailuresCollected]) -> bool:
    """every item is done, whatever became of the workers of its queue"""
    event, state = here.event, here.state
    if state.queue is None:
        return False
    left = event.failed + event.upstream + event.stopped
    before = state.failed_items + state.upstream_items + state.stopped_items
    return _is_of_round(here) and left + before == 0


def failures_are_tolerated(here: Situation[FailuresCollected]) -> bool:
    """nothing runs again, the failures are tolerated"""
    if not _is_of_round(here) or not may_go_on(here.run, here.step):
        return False
    failed = here.state.failed_items + here.event.failed
    return here.event.stopped == 0 and is_tolerated(here.run, here.step, failed)


def failures_are_not_tolerated(here: Situation[FailuresCollected]) -> bool:
    """nothing runs again, the failures are not tolerated"""
    return _is_of_round(here)


def is_tolerated(run: Run, step: Step, failed: int) -> bool:
    """Whether a step with so many failures of its own may end PARTIAL.

    Those of a step before it are its own business, unless that step has FAILED. What was stopped,
    or never begun, is never tolerated: it is not known what would have become of it.
    """
    state = run.state(step.name)
    if state.early_stop is not None or state.stopped_items > 0:
        return False
    if any(not run.state(need).lets_dependents_run for need in step.n_to_n_needs):
        return False
    return (
        failed == 0 if step.tolerate is None else step.tolerate.covers(failed, items_of(run, step))
    )


def items_of(run: Run, step: Step) -> int:
    """All items of a step; of one without items, its children."""
    state = run.state(step.name)
    return state.children or 0 if state.items is None else state.items


def submit_again(here: Situation[FailuresCollected]) -> StepState:
    """The parts of the next round are known; its causes are shown while it runs."""
    canary = canary_children(here.step, here.state, here.state.chunk)
    parts = parts_of_groups(here.event.children, canary)
    state = replace(_counted(here), is_collected=False)
    return replace(
        state, status=StepStatus.SUBMITTING, since=here.at, parts=parts, queue=here.event.queue
    )


def end_done(here: Situation[FailuresCollected]) -> StepState:
    """SUCCEEDED: a worker failed behind its last item."""
    return replace(_ended(here, StepStatus.SUCCEEDED), reason="")


def end_partial(here: Situation[FailuresCollected]) -> StepState:
    """PARTIAL, with the causes."""
    return _ended(here, StepStatus.PARTIAL)


def end_not_tolerated(here: Situation[FailuresCollected]) -> StepState:
    """FAILED, with the causes; with the reason of its jobs if AWS Batch lists none."""
    ended = _ended(here, StepStatus.FAILED)
    return ended if ended.reason else replace(ended, reason=here.state.job_reason)


def _ended(here: Situation[FailuresCollected], status: StepStatus) -> StepState:
    state = replace(_without_jobs(_counted(here)), is_collected=True)
    if state.early_stop is not None:
        reason = early_stop_text(here.step, here.state) + state.reason
        state = replace(state, reason=short(reason))
    return replace(state, status=status, since=here.at)


def early_stop_text(step: Step, state: StepState) -> str:
    """What stands before the causes of a step that a rule of its own ended, while they are
    collected; empty of any other."""
    if state.early_stop is None:
        return ""
    if state.early_stop.cause is EarlyStopCause.CANARY:
        latest = without_new_round(state)
        return f"{canary_text(latest, canary_parts(step, latest))}; "
    return f"{FAIL_FAST_REASON}; "


def _counted(here: Situation[FailuresCollected]) -> StepState:
    return replace(
        here.state,
        failures=here.event.failures,
        failed_items=here.state.failed_items + here.event.failed,
        upstream_items=here.state.upstream_items + here.event.upstream,
        stopped_items=here.state.stopped_items + here.event.stopped,
        attempts=NO_ATTEMPTS,
        resume="",
        reason=short(here.event.reason),
        job_reason="",
    )


def without_new_round(state: StepState) -> StepState:
    """A step that was to have another round, and has none: its latest jobs are its parts again,
    and their reason is its own."""
    return replace(_without_jobs(state), reason=state.job_reason, job_reason="")


def _without_jobs(state: StepState) -> StepState:
    if state.parts or not state.earlier_rounds:
        return state
    *earlier, latest = state.earlier_rounds
    return replace(state, round=state.round - 1, earlier_rounds=tuple(earlier), parts=latest)


def _is_of_round(here: Situation[FailuresCollected]) -> bool:
    return here.state.is_retry and here.event.round == here.state.round


# --- which failures run again: asked while they are collected


def takes_all_failures(state: StepState) -> bool:
    """Whether what was given up in earlier rounds is looked at again: a redrive does."""
    return state.is_collected or (is_first_of_redrive(state) and bool(state.failures))


def is_first_of_redrive(state: StepState) -> bool:
    """Whether this round was asked for by a redrive."""
    return state.round == state.redrive_round


def runs_again(run: Run, step: Step, named: FailureClass, exit_code: int | None) -> bool:
    """Whether an item that failed so in the round before runs again in this one.

    An item whose item in a step before failed runs once that one has succeeded: the caller looks
    at which those are.
    """
    state = run.state(step.name)
    if is_first_of_redrive(state) and run.redrive is not None:
        return is_redriven(run.redrive.classes, named, exit_code)
    round_number = _rounds_before(state)
    if named is FailureClass.UPSTREAM:
        return bool(step.n_to_n_needs) and round_number == 1
    retry = step.retry_failed
    if retry is None or round_number > retry.rounds + bool(step.n_to_n_needs):
        return False
    return retry.takes(named, exit_code)


def _rounds_before(state: StepState) -> int:
    """Rounds before this one, since the step or its redrive began."""
    return state.round - max(state.redrive_round or 0, state.first_round)


def is_last_round(step: Step, state: StepState) -> bool:
    """Whether `retryFailed` lets no item of this round run again, for whatever it fails."""
    return step.retry_failed is None or _rounds_before(state) >= step.retry_failed.rounds
