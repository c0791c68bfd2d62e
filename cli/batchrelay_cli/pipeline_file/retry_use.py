"""What `flow.retryFailed` needs of its step and of the step's job definition."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from batchrelay.domain.failures import ITEM_NUMBERS
from batchrelay.domain.pipeline import Step
from batchrelay_cli.pipeline_file.commands import WORKER
from batchrelay_cli.pipeline_file.definitions import amounts_of
from batchrelay_cli.pipeline_file.document import Document, Place
from batchrelay_cli.pipeline_file.edges import has_file, is_array
from batchrelay_cli.pipeline_file.overrides import requests_of

_INDEX = "AWS_BATCH_JOB_ARRAY_INDEX"
_Steps = Sequence[tuple[int, Step]]
_Definitions = Sequence[Mapping[str, Any]]


def with_memory(
    document: Document, steps: _Steps, definitions: _Definitions
) -> tuple[tuple[int, Step], ...]:
    """The steps; where memory grows, with what it grows from."""
    return tuple(
        (number, _with_memory(document, ("steps", number), step, definitions))
        for number, step in steps
    )


def _with_memory(document: Document, place: Place, step: Step, definitions: _Definitions) -> Step:
    retry = step.retry_failed
    if retry is None or retry.memory_factor is None:
        return step
    inner = (*place, "flow", "retryFailed", "memory")
    if _override(retry.overrides) is not None:
        problem = "memory and a MEMORY in containerOverrides both say the memory of these rounds"
        document.wrong(inner, f"{problem}: leave one of them out")
    first = replace(step, retry_failed=None)
    found = [_memory(request, definitions) for request in requests_of(first)]
    base = found[0]
    if any(memory is None for memory in found):
        what = "the step" if base is None else "one of its groups"
        document.wrong(
            inner,
            f"memory grows from what {what} has, and neither its request nor a job definition of "
            "this file says it: write MEMORY in containerOverrides.resourceRequirements of "
            f'{what}, such as {{type: MEMORY, value: "1024"}}',
        )
    is_amount = base is not None and base.isascii() and base.isdigit()
    mib = int(base) if base is not None and is_amount else None
    return replace(step, retry_failed=replace(retry, memory_mib=mib))


def _memory(request: Mapping[str, Any], definitions: _Definitions) -> str | None:
    """MiB of a child, which may be a `${…}`; None if the file does not say it."""
    said = _override(request)
    if said is not None:
        return said
    container = _definition(request, definitions).get("containerProperties")
    return amounts_of(container).get("MEMORY") if isinstance(container, dict) else None


def _override(request: Mapping[str, Any]) -> str | None:
    overrides = request.get("containerOverrides")
    return amounts_of(overrides).get("MEMORY") if isinstance(overrides, dict) else None


def _definition(request: Mapping[str, Any], definitions: _Definitions) -> Mapping[str, Any]:
    name = str(request.get("jobDefinition", "")).partition(":")[0]
    return next((d for d in definitions if d.get("jobDefinitionName") == name), {})


def check_rounds(document: Document, steps: _Steps, definitions: _Definitions) -> None:
    """Warn of steps that know their items by an index that is another one in the next round."""
    by_name = {step.name: step for _, step in steps}
    for number, step in steps:
        if step.retry_failed is None:
            continue
        said = "\n".join(_texts(step, definitions))
        by_index = is_array(step) and (not has_file(step, by_name) or _INDEX in said)
        if by_index and ITEM_NUMBERS not in said and WORKER not in said:
            document.warn(
                ("steps", number, "flow", "retryFailed"),
                "a round of failed items is a smaller array, whose index is not the item's "
                f"number: read {ITEM_NUMBERS}, or use {WORKER}",
            )


def _texts(step: Step, definitions: _Definitions) -> Iterator[str]:
    """Where a step says how its program knows its items."""
    yield step.output or ""
    for request in requests_of(step):
        yield json.dumps(request)
        yield json.dumps(_definition(request, definitions))
