"""`flow.canary` and `flow.failFast`: what may end a step before its time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from batchrelay.domain.array_split import known_item_count
from batchrelay.domain.n_to_n_chains import continues, heads
from batchrelay.domain.pipeline import InlineItems, Matrix, Step
from batchrelay_cli.pipeline_file.commands import WORKER
from batchrelay_cli.pipeline_file.document import Document, Place
from batchrelay_cli.pipeline_file.edges import is_array
from batchrelay_cli.pipeline_file.overrides import definition_of, requests_of

_OFFSET = "BATCHRELAY_OFFSET"
_Steps = Sequence[tuple[int, Step]]


def read_canary(document: Document, place: Place, value: Any) -> int | None:
    """`canary:`, a number of items."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        document.wrong(place, f"canary must be a number of items, 1 or more; got {value!r}")
        return None
    return value


def check_early_stops(
    document: Document, steps: _Steps, definitions: Sequence[Mapping[str, Any]]
) -> None:
    """What a canary and failFast need of their steps, and of those that follow them."""
    by_name = {step.name: step for _, step in steps}
    for number, step in steps:
        place: Place = ("steps", number, "flow")
        if step.canary is not None:
            for problem in _canary_problems(step, step.canary, by_name):
                document.wrong((*place, "canary"), problem)
        if step.fail_fast:
            for problem in _fail_fast_problems(step):
                document.wrong((*place, "failFast"), problem)
        if _is_split(step, by_name):
            _warn_of_index(document, ("steps", number), step, definitions)


def _canary_problems(step: Step, canary: int, by_name: Mapping[str, Step]) -> Iterator[str]:
    if step.n_to_n_needs:
        first = ", ".join(sorted(heads(by_name, step.name)))
        yield (
            "canary and N_TO_N do not go together: its children follow those of another step; "
            f"write canary in the first step of the chain, {first}"
        )
        return
    if not is_array(step):
        yield "canary needs several children: this step is one job; leave it out"
    size = _known_size(step)
    if size is not None and canary >= size > 0:
        yield (
            f"the canary is not smaller than the list: {canary:,} of {size:,} items, so nothing is "
            f"left to run after it; write a number below {size:,}, or leave it out"
        )
    for other in by_name.values():
        if step.name in other.n_to_n_needs and not continues(other):
            yield (
                f"{other.name} follows it child by child (N_TO_N) with items or a size of its own, "
                "so its parts are others: leave them out there, or canary here"
            )


def _fail_fast_problems(step: Step) -> Iterator[str]:
    if step.n_to_n_needs:
        yield (
            "failFast and N_TO_N do not go together: while an array is at work AWS Batch does not "
            "say which children failed upstream; write failFast in the step before"
        )
    elif not is_array(step):
        yield "failFast needs several children: this step is one job; leave it out"


def _known_size(step: Step) -> int | None:
    """Items that the file itself says; of a step without items, its children."""
    if isinstance(step.for_each, InlineItems | Matrix):
        return known_item_count(step.for_each)
    return step.array_size if isinstance(step.array_size, int) else None


def _is_split(step: Step, by_name: Mapping[str, Step]) -> bool:
    """Whether the children of a list that fits one array are several arrays."""
    lead = heads(by_name, step.name) if continues(step) else {step.name}
    return is_array(step) and any(by_name[name].canary is not None for name in lead)


def _warn_of_index(
    document: Document, place: Place, step: Step, definitions: Sequence[Mapping[str, Any]]
) -> None:
    requests = list(requests_of(step))
    texts = [json.dumps([request, definition_of(request, definitions)]) for request in requests]
    text = "\n".join((step.output or "", *texts))
    if _OFFSET not in text and WORKER not in text:
        where = (*place, "flow", "canary") if step.canary is not None else place
        document.warn(
            where,
            "what runs after a canary is another array, whose index begins at 0 again: add "
            f"{_OFFSET} to it, or use {WORKER}",
        )
