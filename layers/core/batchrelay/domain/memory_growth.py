"""The memory of items that run again: more, each time that it was not enough."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

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
    """An expanded request whose memory is larger by a factor. What AWS Batch will refuse stays as
    it is."""
    base = known_memory(request, retry) if factor != 1 else None
    if base is None:
        return request
    entries = [entry for entry in _requirements(request) if entry.get("type") != "MEMORY"]
    memory = {"type": "MEMORY", "value": str(math.ceil(base * factor))}
    return merged(request, {"containerOverrides": {"resourceRequirements": [*entries, memory]}})


def known_memory(request: Mapping[str, Json], retry: RetryFailed | None) -> int | None:
    """MiB of the first round, where the request or the pipeline says it; else only the job
    definition does."""
    texts = (str(e.get("value")) for e in _requirements(request) if e.get("type") == "MEMORY")
    text = next(texts, None)
    if text is None:
        return None if retry is None else retry.memory_mib
    return int(text) if _MIB.fullmatch(text) else None


def _requirements(request: Mapping[str, Json]) -> list[Mapping[str, Json]]:
    overrides = request.get("containerOverrides")
    entries = overrides.get("resourceRequirements") if isinstance(overrides, Mapping) else None
    return [e for e in entries if isinstance(e, Mapping)] if isinstance(entries, list) else []
