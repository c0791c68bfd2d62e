"""Which steps come before others, in a file that may still be wrong: with circles, say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from batchrelay.domain.pipeline import Step


def steps_before(steps: Sequence[Step]) -> dict[str, set[str]]:
    """Every step that a step waits for, directly or not; a cycle ends where it began."""
    needs = {step.name: set(step.needs) for step in steps}
    closure = {name: set(direct) for name, direct in needs.items()}
    changed = True
    while changed:
        changed = False
        for above in closure.values():
            more = set().union(*(closure.get(name, set()) for name in above)) - above
            if more:
                above |= more
                changed = True
    return closure


def ended_before(steps: Sequence[Step], before: Mapping[str, Set[str]]) -> dict[str, set[str]]:
    """Every step that has ended when a step begins: one with N_TO_N begins beside those it needs.

    Args:
        before: of `steps_before`.
    """
    ended: dict[str, set[str]] = {}
    for step in steps:
        others = set(step.needs) - step.n_to_n_needs
        ended[step.name] = others.union(*(before.get(name, set()) for name in others))
    return _spread(steps, ended)


def collecting_steps(steps: Sequence[Step]) -> set[str]:
    """Those that may go on with failed items, and so have lists of them: `is_written_to_go_on`."""
    own = {step.name: {step.name} if _collects(step) else set() for step in steps}
    return {name for name, sources in _spread(steps, own).items() if sources}


def _collects(step: Step) -> bool:
    return step.retry_failed is not None or step.tolerate is not None


def _spread(steps: Sequence[Step], values: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """What a step has, with what the steps have that it follows child by child."""
    result = {name: set(own) for name, own in values.items()}
    changed = True
    while changed:
        changed = False
        for step in steps:
            own = result[step.name]
            more = set().union(*(result.get(need, set()) for need in step.n_to_n_needs)) - own
            if more:
                own |= more
                changed = True
    return result
