"""`flow.maxRunning`: how many children of a step may run at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from batchrelay.domain.consumable_resources import LIST, OVERRIDE
from batchrelay.domain.limits import CONSUMABLE_RESOURCES_MAX, MAX_RUNNING_MAX
from batchrelay.domain.pipeline import Step
from batchrelay_cli.pipeline_file.document import Document, Place
from batchrelay_cli.pipeline_file.edges import is_array
from batchrelay_cli.pipeline_file.overrides import definition_of, requests_of

_PROPERTIES = "consumableResourceProperties"
"""What OVERRIDE is called in a job definition."""


def read_max_running(document: Document, place: Place, value: Any) -> int | None:
    """`maxRunning:`, a number of children."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        document.wrong(place, f"maxRunning must be a number of children, 1 or more; got {value!r}")
        return None
    if not 1 <= value <= MAX_RUNNING_MAX:
        document.wrong(
            place,
            f"maxRunning must be 1 to {MAX_RUNNING_MAX:,}, not {value:,}: leave it out to let as "
            "many run as there is room for",
        )
        return None
    return value


def check_max_running(
    document: Document,
    steps: Sequence[tuple[int, Step]],
    definitions: Sequence[Mapping[str, Any]],
) -> None:
    """That a bound fits its step."""
    for number, step in steps:
        if step.max_running is not None:
            for problem in _problems(step, definitions):
                document.wrong(("steps", number, "flow", "maxRunning"), problem)


def _problems(step: Step, definitions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if step.workers is not None:
        yield (
            "maxRunning and queue do not go together: as many run as there are workers; write "
            f"workers: {min(step.workers, step.max_running or step.workers)}, and leave it out"
        )
    elif step.sequential:
        yield "maxRunning and SEQUENTIAL do not go together: one child runs at a time; leave it out"
    elif not is_array(step):
        yield (
            "maxRunning needs several children: this step is one job; leave it out, or write a "
            "forEach or arrayProperties"
        )
    most = max(_needs(request, definitions) for request in requests_of(step))
    if most >= CONSUMABLE_RESOURCES_MAX:
        yield (
            f"a job of this step needs {most} consumable resources of its own, and that of "
            f"maxRunning would be one more than the {CONSUMABLE_RESOURCES_MAX} that AWS Batch takes"
        )


def _needs(request: Mapping[str, Any], definitions: Sequence[Mapping[str, Any]]) -> int:
    """Consumable resources that a request names, or its job definition in this file."""
    definition = definition_of(request, definitions)
    documents = (request.get(OVERRIDE), definition.get(_PROPERTIES))
    lists = [doc.get(LIST) for doc in documents if isinstance(doc, Mapping)]
    entries = [entry for entries in lists if isinstance(entries, list) for entry in entries]
    return len({str(e.get("consumableResource")) for e in entries if isinstance(e, Mapping)})
