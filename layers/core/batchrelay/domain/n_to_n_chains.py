"""Chains: a step with items, and the steps that continue them child by child (N_TO_N).

One list is shared by a chain, so an item that `skipExisting` leaves out of it is left out of every
step of it. That is right only if every step of the chain has made its output of that item; this
module knows which outputs those are, and which chains cannot say (docs/decisions/0016).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from batchrelay.domain.item import literal_prefix
from batchrelay.domain.pipeline import Step

ITEM, NUMBER = "${item", "${item.number}"


def continues(step: Step) -> bool:
    """Whether its children are those of the steps before it, items and all."""
    return bool(step.n_to_n_needs) and not step.has_items and step.array_size is None


def heads(steps: Mapping[str, Step], name: str) -> frozenset[str]:
    """The steps whose own lists or sizes a step's children come from; itself if it has one."""
    return frozenset(_heads(steps, name, set()))


def _heads(steps: Mapping[str, Step], name: str, seen: set[str]) -> Iterator[str]:
    step = steps.get(name)
    if step is None or name in seen:
        return  # an unknown step or a cycle, which is refused elsewhere
    seen.add(name)
    if not continues(step):
        yield name
        return
    for need in sorted(step.n_to_n_needs):
        yield from _heads(steps, need, seen)


def continuations(steps: Mapping[str, Step], head: Step) -> tuple[Step, ...]:
    """The steps that continue a step's items, and no other's, directly or not."""
    own = frozenset({head.name})
    return tuple(s for s in steps.values() if continues(s) and heads(steps, s.name) == own)


def item_outputs(steps: Mapping[str, Step], head: Step) -> Iterator[tuple[str, str]]:
    """The pattern of each output that an item of a chain has by itself, and where it is written."""
    for step in (head, *continuations(steps, head)):
        if head.for_each is not None and step.output is not None and _is_by_item(step.output):
            where = "flow.output" if step is head else f"flow.output of {step.name}"
            yield step.output, where


def outputs_to_skip(steps: Mapping[str, Step], head: Step) -> Iterator[str]:
    """The patterns of what must all be there before an item may be left out."""
    if head.skip_existing is not None:
        yield head.skip_existing
        for step in continuations(steps, head):
            if step.output is not None and _is_by_item(step.output):
                yield step.output


def _is_by_item(pattern: str) -> bool:
    return ITEM in pattern and NUMBER not in pattern


def skip_problems(steps: Mapping[str, Step], head: Step) -> Iterator[tuple[str, str]]:
    """Why `skipExisting` of a step could lose results: the step to change, and what to write."""
    if head.skip_existing is None:
        return
    if head.n_to_n_needs:
        yield head.name, _by_place(head)
    members = (head, *continuations(steps, head))
    chain = {step.name for step in members}
    yield from _shared_outputs(members)
    for step in steps.values():
        if step.name in chain and step.output is not None and NUMBER in step.output:
            yield step.name, _by_number(head)
        elif chain & step.n_to_n_needs and step is not head:
            problem = _problem(steps, head, step, chain)
            if problem is not None:
                yield step.name, problem


def _shared_outputs(members: tuple[Step, ...]) -> Iterator[tuple[str, str]]:
    first: dict[str, str] = {}
    for step in members:
        name = first.setdefault(step.output or step.name, step.name)
        if name != step.name:
            problem = f"its output is that of {name} too, so skipExisting of {members[0].name} "
            yield step.name, f"{problem}cannot know who made it: write another flow.output"


def _by_number(head: Step) -> str:
    return (
        f"{NUMBER} is another one in every run, because skipExisting of {head.name} leaves items "
        "out: write the item's own values into flow.output, such as ${item.name}"
    )


def _by_place(head: Step) -> str:
    return (
        f"N_TO_N pairs children by their place in two lists, and skipExisting of {head.name} "
        "leaves items out of one: let the step behind continue that list (no forEach, size or "
        "skipExisting of its own), or leave the type out and write forEach: {steps: …} with a "
        "skipExisting"
    )


def _problem(steps: Mapping[str, Step], head: Step, step: Step, chain: set[str]) -> str | None:
    why = f"skipExisting of {head.name} leaves an item out once {step.name} has made its output too"
    instead = "; or leave type: N_TO_N out and write forEach: {steps: …} with a skipExisting"
    if not continues(step) or len(heads(steps, step.name)) > 1:
        return _by_place(head)
    if step.when is not None:
        return f"{why}, and with a when it may never make it: leave when out{instead}"
    is_last = not any(step.name in steps[name].n_to_n_needs for name in chain)
    if is_last and (step.output is None or ITEM not in step.output):
        return f"{why}: write its flow.output, with ${{item.…}} in it{instead}"
    if step.output is not None and ITEM in step.output and not literal_prefix(step.output):
        return f"{why}: begin its flow.output with the folder of the outputs, which is listed"
    return None


def counts_problem(steps: Mapping[str, Step], name: str, names: frozenset[str]) -> str | None:
    """Why a condition may not ask what became of a step: it counts what is new, and after a run
    that failed behind that step nothing is."""
    chain = [steps[head] for head in heads(steps, name)]
    asks = {what for what in _COUNTS if f"steps.{name}.{what}" in names}
    if not asks or all(step.skip_existing is None for step in chain):
        return None
    if f"steps.{name}.existing" in names:
        return None
    return (
        f"steps.{name}.{min(asks)} is of the new items only, and after a run that failed behind "
        f"{name} no item is new: ask for steps.{name}.existing too, such as steps.{name}.items > 0 "
        f"or steps.{name}.existing > 0"
    )


_COUNTS = ("status", "items", "children")
