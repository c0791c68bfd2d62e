"""Effects that an invocation has no time for: they wait for one that has it.

A request that surely was not made is handed back: it is pending no more, so no other invocation is
taken to be performing it. `RunContinued` makes it pending again, for the invocation that saves it.
"""

from __future__ import annotations

from batchrelay.domain.copies import replace
from batchrelay.domain.effects import Prepare, SubmitJob
from batchrelay.domain.events import EffectsPostponed, RunContinued
from batchrelay.domain.limits import SUBMISSIONS_MAX
from batchrelay.domain.run import Run
from batchrelay.domain.step_state import StepState, StepStatus


def effects_postponed(run: Run, event: EffectsPostponed) -> Run:
    """The run whose requests wait for another invocation; the same object if it has ended."""
    if run.status.is_terminal:
        return run
    changed = run
    for effect in event.effects:
        changed = _handed_back(changed, effect)
    if run.continue_since is None:
        changed = replace(changed, continue_since=event.at)
    return changed


def run_continued(run: Run, event: RunContinued) -> Run:
    """Preparations are pending again; which submissions are, follows from the state."""
    if run.continue_since is None:
        return run
    steps = {
        name: replace(state, since=event.at) if _waits(state) else state
        for name, state in run.steps.items()
    }
    return replace(run, continue_since=None, steps=steps)


def free_submissions(run: Run) -> int:
    """How many more parts may become pending now."""
    if run.continue_since is not None:
        return 0
    pending = sum(
        part.is_unsubmitted and part.since is not None
        for state in run.steps.values()
        if state.status is _SUBMITTING
        for part in state.parts
    )
    return SUBMISSIONS_MAX - pending


_SUBMITTING = StepStatus.SUBMITTING


def _waits(state: StepState) -> bool:
    return state.status is StepStatus.PREPARING and state.since is None


def _handed_back(run: Run, effect: SubmitJob | Prepare) -> Run:
    if isinstance(effect, Prepare):
        state = run.state(effect.step)
        is_same = state.status is StepStatus.PREPARING and state.round == effect.round
        if not is_same or state.since != effect.since:
            return run
        return run.with_step(effect.step, replace(state, since=None))
    step = run.pipeline.step_of_label(effect.key.label)
    assert step is not None, effect
    state = run.state(step.name)
    if state.round != effect.key.round or effect.key.part >= len(state.parts):
        return run
    part = state.parts[effect.key.part]
    if not part.is_unsubmitted or part.since != effect.since:
        return run
    parts = state.with_part(effect.key.part, replace(part, since=None))
    return run.with_step(step.name, replace(state, parts=parts))
