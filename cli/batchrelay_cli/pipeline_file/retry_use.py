"""What `flow.retryFailed` needs of its step and of the step's job definition."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from batchrelay.domain.containers import ONE_CONTAINER, containers_of
from batchrelay.domain.failures import ITEM_NUMBERS
from batchrelay.domain.pipeline import Step
from batchrelay_cli.pipeline_file.commands import ENTRYPOINT_TAG, WORKER
from batchrelay_cli.pipeline_file.definitions import amounts_of
from batchrelay_cli.pipeline_file.document import Document, Place
from batchrelay_cli.pipeline_file.edges import has_file, is_array
from batchrelay_cli.pipeline_file.overrides import (
    definition_of,
    requests_of,
    variants,
    with_overrides,
)

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
    found = [_memory(request, definitions) for request in _requests_again(step)]
    if None in found:
        what = "the step" if found[0] is None else "one of its groups"
        where = "retryFailed" if _has_amounts(retry.overrides) else what
        document.wrong(
            (*place, "flow", "retryFailed", "memory"),
            f"memory grows from what {what} has, and neither its request nor a job definition of "
            "this file says it: write MEMORY in containerOverrides.resourceRequirements of "
            f'{where}, such as {{type: MEMORY, value: "1024"}}',
        )
    base = found[0] or ""
    mib = int(base) if re.fullmatch("[0-9]+", base) else None
    return replace(step, retry_failed=replace(retry, memory_mib=mib))


def _has_amounts(request: Mapping[str, Any]) -> bool:
    """Whether its list of amounts replaces the one below."""
    overrides = request.get("containerOverrides")
    return isinstance(overrides, dict) and "resourceRequirements" in overrides


def _requests_again(step: Step) -> Iterator[Mapping[str, Any]]:
    """The requests of its later rounds: the step's own, and those of its groups."""
    for overrides in variants(step.groups, step.retry_failed):
        if overrides[0][0] == ("flow", "retryFailed"):
            yield with_overrides(step.request, overrides)


def _memory(request: Mapping[str, Any], definitions: _Definitions) -> str | None:
    """MiB of a child, which may be a `${…}`; None if the file does not say it.

    Of several containers that of the first whose memory is known: each grows from its own.
    """
    named = (one.memory for one in containers_of(request) if one.path != (ONE_CONTAINER,))
    memory = next((text for text in named if text is not None), None)
    if memory is not None:
        return memory
    containers = (
        request.get("containerOverrides"),
        definition_of(request, definitions).get("containerProperties"),
    )
    amounts = (amounts_of(c).get("MEMORY") for c in containers if isinstance(c, dict))
    return next((amount for amount in amounts if amount is not None), None)


def check_queues(document: Document, steps: _Steps, definitions: _Definitions) -> None:
    """Refuse to retry or tolerate items of a queue that is not the worker's: only its records say
    which items were done. Where the command is known, that is: an image may have its own."""
    for number, step in steps:
        if step.workers is None:
            continue
        commands = [_command(request, definitions) for request in requests_of(step)]
        others = [c for c in commands if c is not None and not _is_worker(c)]
        if not others:
            continue
        program = others[0][0]
        for key, value in (("retryFailed", step.retry_failed), ("tolerate", step.tolerate)):
            if value is not None:
                document.wrong_key(
                    ("steps", number, "flow", key),
                    f"{key} with a queue needs the records of {WORKER}, which say what was done: "
                    f"write [{WORKER}, run, --, {program}, …]",
                )


def _is_worker(words: Sequence[str]) -> bool:
    """Whether it runs the worker, or may: a variable may name it, a script in a file may call it,
    and it may be the image's own entry point, whose verb comes first."""
    is_script = words[0] in ("sh", "bash") and "-c" not in words[1:2]
    may_be = words[0] == "run" or is_script
    return may_be or any(WORKER in word or "${" in word for word in words)


def _command(request: Mapping[str, Any], definitions: _Definitions) -> Sequence[str] | None:
    """The words of a job's command, with what stands before it; None if the file does not say."""
    definition = definition_of(request, definitions)
    tags = definition.get("tags")
    entrypoint = str(tags.get(ENTRYPOINT_TAG, "")).split() if isinstance(tags, dict) else []
    for container in (request.get("containerOverrides"), definition.get("containerProperties")):
        command = container.get("command") if isinstance(container, dict) else None
        if isinstance(command, list) and command:
            is_known = bool(definition)  # else its image may begin with the worker
            return [*entrypoint, *map(str, command)] if is_known else None
    return None


def check_rounds(document: Document, steps: _Steps, definitions: _Definitions) -> None:
    """Warn of steps that know their items by an index that is another one in the next round."""
    by_name = {step.name: step for _, step in steps}
    for number, step in steps:
        if step.retry_failed is None or step.workers is not None:
            continue
        text = "\n".join(_texts(step, definitions))
        by_index = is_array(step) and (not has_file(step, by_name) or _INDEX in text)
        if by_index and ITEM_NUMBERS not in text and WORKER not in text:
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
        yield json.dumps(definition_of(request, definitions))
