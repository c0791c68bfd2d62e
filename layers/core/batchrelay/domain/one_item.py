"""One item alone: which child of a run had it, and the request of a job that does only this item.

The item is done as its child did it in the first round: by its own manifest and index, so that a
program which knows only AWS_BATCH_JOB_ARRAY_INDEX does the same item. What `retryFailed` changes in
later rounds is in the request if the step had one.

The request has no folder of result records and no queue, so nothing of the run is written by it. It
has no jobName either: as a job of that name it would be taken for one of the run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from batchrelay.domain.containers import Container, merged_requests, with_containers
from batchrelay.domain.errors import ItemNotFound
from batchrelay.domain.pipeline import Step
from batchrelay.domain.requests import complete_request, expanded_request
from batchrelay.domain.run import Run
from batchrelay.domain.step_state import Part, StepState
from batchrelay.domain.values import JobKey, Json, manifest_uri
from batchrelay.domain.variables import variables_of

ONLY_ITEM = "BATCHRELAY_ONLY_ITEM"
"""The number of the one item of a child's items that the worker does."""

_OF_A_RUN = ("BATCHRELAY_RESULTS", "BATCHRELAY_QUEUE")
"""What a job of a run writes to, or takes from others."""

_NOT_ALONE = ("jobName", "arrayProperties", "dependsOn")


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemPlace:
    """Where an item stands in the first round of its step."""

    number: int
    round: int
    part: int
    """Of a step with a work queue, any worker may have received it: 0."""
    index: int | None
    """Of its child within the part; None of a plain job, and of a step with a work queue."""
    row: int
    """Of the manifest: a child, or a message of the work queue."""
    entry: int
    """Of the items of that row."""


def place_of_item(run: Run, step: Step, number: int) -> ItemPlace:
    """Raises: ItemNotFound: it has no such item, or its items are not known."""
    state = run.state(step.name)
    parts = state.first_parts
    if not parts:
        why = f" ({state.reason})" if state.reason else ""
        raise ItemNotFound(f"step {step.name} is {state.status}{why}: it has no items")
    first_round = state.first_round
    child, entry = divmod(number, state.chunk)
    if state.queue is not None:
        _check(step, number, state.items or 0)
        return ItemPlace(
            number=number, round=first_round, part=0, index=None, row=child, entry=entry
        )
    _check(step, number, _numbers_end(state, parts))
    ends = accumulate(part.size for part in parts)
    part_number = next(n for n, end in enumerate(ends) if child < end)
    part = parts[part_number]
    first = sum(before.size for before in parts[:part_number])
    group_offset = sum(before.size for before in parts if before.group < part.group)
    return ItemPlace(
        number=number,
        round=first_round,
        part=part_number,
        index=child - first if part.size > 1 else None,
        row=child - group_offset,
        entry=entry,
    )


def _numbers_end(state: StepState, parts: Sequence[Part]) -> int:
    """Behind the last number that an item can have: the last child of a group may have fewer."""
    end = sum(part.size for part in parts) * state.chunk
    is_one_list = all(part.group == parts[0].group for part in parts)
    return min(end, state.items) if is_one_list and state.items and state.chunk > 1 else end


def _check(step: Step, number: int, end: int) -> None:
    if number >= end:
        raise ItemNotFound(f"step {step.name} has no item {number}: it has 0 to {end - 1}")


def manifest_of_item(state: StepState, place: ItemPlace) -> str | None:
    """The manifest that has it; None of a step without items."""
    if state.manifest is None:
        return None
    return manifest_uri(state.manifest, state.first_parts[place.part].group)


def item_request(run: Run, step: Step, place: ItemPlace) -> Mapping[str, Json]:
    """The SubmitJob request of a job that does only this item, without a jobName."""
    first = _in_first_round(run, step)
    key = JobKey(run_id=run.id, label=step.label, round=place.round, part=place.part)
    request = complete_request(first, key, expanded_request(first, key, variables_of(run)))
    changes = _changes(run.state(step.name), place)
    added = [{"name": name, "value": value} for name, value in changes.items()]

    def alone(container: Container) -> Mapping[str, Json]:
        names = (*_OF_A_RUN, *changes)
        kept = [entry for entry in container.variables if entry["name"] not in names]
        return {**container.values, container.variables_key: [*kept, *added]}

    own = {name: value for name, value in request.items() if name not in _NOT_ALONE}
    return with_containers(own, alone)


def _changes(state: StepState, place: ItemPlace) -> dict[str, str]:
    changes: dict[str, str] = {}
    if state.queue is not None:  # the row is given, instead of being received
        changes |= {"BATCHRELAY_INDEX": "0", "BATCHRELAY_OFFSET": str(place.row)}
    if state.chunk > 1:
        changes[ONLY_ITEM] = str(place.number)
    return changes


def _in_first_round(run: Run, step: Step) -> Run:
    """The run as if no item had run again; but what later rounds of the step change is in it.

    Of every step: `${items.file}` may be the list of one that it follows child by child.
    """
    steps = {
        name: replace(
            state,
            round=state.first_round,
            parts=state.first_parts,
            earlier_rounds=(),
        )
        for name, state in run.steps.items()
    }
    first = replace(run, steps=steps)
    if step.retry_failed is None or not run.state(step.name).is_retry:
        return first
    changes = step.retry_failed.overrides
    again = replace(
        step,
        request=merged_requests(step.request, changes),
        groups=tuple(
            replace(g, overrides=merged_requests(g.overrides, changes)) for g in step.groups
        ),
    )
    others = (again if other.name == step.name else other for other in run.pipeline.steps)
    return replace(first, pipeline=replace(run.pipeline, steps=tuple(others)))
