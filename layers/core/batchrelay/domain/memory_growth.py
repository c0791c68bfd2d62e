"""The memory of items that run again: more, each time that it was not enough."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from batchrelay.domain.containers import (
    ONE_CONTAINER,
    Container,
    containers_of,
    with_a_place,
    with_containers,
)
from batchrelay.domain.failures import RetryFailed
from batchrelay.domain.pipeline import Step
from batchrelay.domain.run import Run
from batchrelay.domain.step_state import Part, StepState
from batchrelay.domain.values import Json, merged

_MIB = re.compile(r"[0-9]{1,9}")


def memory_factor(run: Run, step: Step, state: StepState, part: Part) -> float:
    """By what the memory of a part's items is larger than in the first round.

    The groups of a step are counted on for items whose memory grew: behind the last one come the
    same ones with more memory, and so on.
    """
    factor = 1.0
    retry = step.retry_failed
    if retry is not None and retry.memory_factor is not None:
        factor *= float(retry.memory_factor ** (part.group // (len(step.groups) + 1)))
    if state.is_redriven and run.redrive is not None and run.redrive.memory_factor is not None:
        factor *= run.redrive.memory_factor
    return factor


def grown(
    request: Mapping[str, Json], factor: float, retry: RetryFailed | None
) -> Mapping[str, Json]:
    """An expanded request whose memory is larger by a factor, in each container whose memory is
    known. What AWS Batch will refuse stays as it is."""
    if factor == 1 or not is_memory_known(request, retry):
        return request

    def more(container: Container) -> Mapping[str, Json]:
        base = _memory(container, retry)
        return container.values if base is None else _with(container, math.ceil(base * factor))

    return with_containers(with_a_place(request), more)


def is_memory_known(request: Mapping[str, Json], retry: RetryFailed | None) -> bool:
    """Whether the request or the pipeline says the memory of the first round; else only the job
    definition does."""
    containers = containers_of(with_a_place(request))
    return any(_memory(container, retry) is not None for container in containers)


def _memory(container: Container, retry: RetryFailed | None) -> int | None:
    """MiB of the first round; None if it is not known, or is no number that AWS Batch takes."""
    text = container.memory
    if text is None:
        is_only_one = container.path == (ONE_CONTAINER,)
        return retry.memory_mib if is_only_one and retry is not None else None
    return int(text) if _MIB.fullmatch(text) else None


def _with(container: Container, mib: int) -> Mapping[str, Json]:
    if container.is_of_pod:
        amounts = {"memory": f"{mib}Mi"}
        return merged(container.values, {"resources": {"limits": amounts, "requests": amounts}})
    others = [entry for entry in container.requirements if entry.get("type") != "MEMORY"]
    memory = {"type": "MEMORY", "value": str(mib)}
    return {**container.values, "resourceRequirements": [*others, memory]}
