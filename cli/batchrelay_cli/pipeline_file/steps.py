"""`steps:`: SubmitJob requests with a `flow:`, checked as far as can be without AWS."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from batchrelay.domain.limits import (
    ARRAY_SIZE_MAX,
    ARRAY_SIZE_MIN,
    OVERRIDES_CHARS_MAX,
    REQUEST_BYTES_MAX,
    RETRY_RULES_MAX,
    STEPS_MAX,
    TIMEOUT_S_MIN,
)
from batchrelay.domain.pipeline import Step, StepOutputs
from batchrelay.domain.values import NAME, merged, step_label
from batchrelay_cli.pipeline_file.document import Document, Place
from batchrelay_cli.pipeline_file.edges import read_edges
from batchrelay_cli.pipeline_file.fields import check_name, check_requirements
from batchrelay_cli.pipeline_file.flow import read_flow
from batchrelay_cli.pipeline_file.shapes import check, request_shape

_OURS = ("flow", "dependsOn", "jobName")
_PARAM_ONLY = re.compile(r"\$\{params\.[^}]+\}")
OTHER_OVERRIDES = ("nodeOverrides", "eksPropertiesOverride", "ecsPropertiesOverride")
_DEPRECATED = {"vcpus": "VCPU", "memory": "MEMORY"}


def read_steps(document: Document, value: Any, defaults: Mapping[str, Any]) -> tuple[Step, ...]:
    """`steps:` with `defaults:` merged under every one of them."""
    if not isinstance(value, list) or not value:
        document.wrong(("steps",), "steps must be a list of at least one step")
        return ()
    if len(value) > STEPS_MAX:
        document.wrong(("steps",), f"{len(value)} steps; a pipeline has at most {STEPS_MAX}")
    names: dict[str, str] = {}
    steps = []
    for number, entry in enumerate(value):
        place: Place = ("steps", number)
        if not isinstance(entry, dict) or not isinstance(entry.get("jobName"), str):
            document.wrong(place, "a step needs a jobName, which is its name in the pipeline")
            continue
        name = entry["jobName"]
        check_name(document, (*place, "jobName"), "jobName", name)
        label = step_label(name)
        if label in names:
            problem = f"two steps are called {names[label]} (upper and lower case are one here)"
            document.wrong((*place, "jobName"), problem)
        names[label] = name
        steps.append(_step(document, place, entry, defaults))
    return tuple(steps)


def _step(
    document: Document, place: Place, entry: Mapping[str, Any], defaults: Mapping[str, Any]
) -> Step:
    request = merged(defaults, {key: entry[key] for key in entry if key not in _OURS})
    check(document, _sized(request), request_shape("SubmitJob"), place, without=_OURS)
    flow = read_flow(document, (*place, "flow"), entry.get("flow", {}))
    request = _without_deprecated(document, place, request)
    _check_request(document, place, request)
    if (flow.get("for_each") or flow.get("aggregate")) and "arrayProperties" in request:
        document.wrong(
            (*place, "arrayProperties"),
            "the items decide the array's size: leave arrayProperties out",
        )
    edges = read_edges(document, (*place, "dependsOn"), entry.get("dependsOn", []))
    return Step(
        name=entry["jobName"],
        needs=_with_sources(edges.needs, flow),
        lanes=edges.lanes,
        sequential=edges.sequential,
        request=request,
        **flow,
    )


def _sized(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """AWS wants a number for a size; `${params.width}` becomes one when the run starts."""
    size = _inner(request, "arrayProperties", "size")
    if not isinstance(size, str) or not _PARAM_ONLY.fullmatch(size):
        return request
    return {**request, "arrayProperties": {**request["arrayProperties"], "size": ARRAY_SIZE_MIN}}


def _with_sources(needs: tuple[str, ...], flow: Mapping[str, Any]) -> tuple[str, ...]:
    """A step waits for the steps whose outputs are its items, whether it says so or not."""
    each, aggregate = flow.get("for_each"), flow.get("aggregate")
    sources = [each.step] if isinstance(each, StepOutputs) else []
    sources += [aggregate.of] if aggregate is not None else []
    return (*needs, *(name for name in sources if name not in needs))


# --- AWS's server-side rules, checked before anything is sent -----------------


def _without_deprecated(
    document: Document, place: Place, request: dict[str, Any]
) -> dict[str, Any]:
    """`vcpus` and `memory` overrides as resourceRequirements. Source: ContainerOverrides."""
    overrides = request.get("containerOverrides")
    if not isinstance(overrides, dict):
        return request
    old = {key: overrides[key] for key in _DEPRECATED if key in overrides}
    if not old:
        return request
    for key, value in old.items():
        kind = _DEPRECATED[key]
        document.warn(
            (*place, "containerOverrides", key),
            f"{key} is deprecated by AWS; read as resourceRequirements "
            f'[{{type: {kind}, value: "{value}"}}]',
        )
    listed = [{"type": _DEPRECATED[key], "value": str(value)} for key, value in old.items()]
    kept = {key: value for key, value in overrides.items() if key not in old}
    requirements = [*kept.get("resourceRequirements", []), *listed]
    return {**request, "containerOverrides": {**kept, "resourceRequirements": requirements}}


def _check_request(document: Document, place: Place, request: Mapping[str, Any]) -> None:
    queue = request.get("jobQueue")
    is_known = isinstance(queue, str) and "${" not in queue
    if is_known and not NAME.fullmatch(str(queue).rpartition("job-queue/")[2]):
        document.wrong(
            place,
            f"jobQueue {queue!r} is no name: letters, digits, - and _, at most 128, or an ARN",
        )
    for key in OTHER_OVERRIDES:
        if key in request:
            problem = f"{key} is not supported: only containerOverrides can carry our variables"
            document.wrong_key((*place, key), problem)
    size = _inner(request, "arrayProperties", "size")
    if isinstance(size, int) and not ARRAY_SIZE_MIN <= size <= ARRAY_SIZE_MAX:
        document.wrong(
            (*place, "arrayProperties", "size"),
            f"AWS Batch takes array sizes {ARRAY_SIZE_MIN} to {ARRAY_SIZE_MAX:,}, not {size:,}",
        )
    timeout = _inner(request, "timeout", "attemptDurationSeconds")
    if isinstance(timeout, int) and timeout < TIMEOUT_S_MIN:
        document.wrong(
            (*place, "timeout", "attemptDurationSeconds"),
            f"AWS Batch takes timeouts from {TIMEOUT_S_MIN} seconds on, not {timeout}",
        )
    _check_retries(document, (*place, "retryStrategy"), request.get("retryStrategy"))
    _check_environment(document, place, request)
    check_requirements(document, request.get("containerOverrides"), (*place, "containerOverrides"))
    _check_sizes(document, place, request)


def _inner(request: Mapping[str, Any], key: str, inner: str) -> Any:
    value = request.get(key)
    return value.get(inner) if isinstance(value, dict) else None


def _check_retries(document: Document, place: Place, strategy: Any) -> None:
    rules = strategy.get("evaluateOnExit") if isinstance(strategy, dict) else None
    if not isinstance(rules, list) or not rules:
        return
    if "attempts" not in strategy:
        document.wrong(place, "evaluateOnExit needs attempts beside it")
    if len(rules) > RETRY_RULES_MAX:
        document.wrong(
            (*place, "evaluateOnExit"),
            f"AWS Batch takes at most {RETRY_RULES_MAX} rules, not {len(rules)}",
        )
    last = rules[-1] if isinstance(rules[-1], dict) else {}
    if "*" not in last.values():
        document.warn(
            (*place, "evaluateOnExit"),
            "what no rule matches is retried: end with {onReason: '*', action: EXIT} if that is "
            "not meant",
        )


def _check_environment(document: Document, place: Place, request: Mapping[str, Any]) -> None:
    entries = _inner(request, "containerOverrides", "environment")
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        name = str(entry.get("name", "")) if isinstance(entry, dict) else ""
        for prefix, owner in (("AWS_BATCH", "AWS Batch"), ("BATCHRELAY_", "batchrelay")):
            if name.startswith(prefix):
                inner = (*place, "containerOverrides", "environment", index)
                document.wrong(inner, f"{name}: names in {prefix}… belong to {owner}")


def _check_sizes(document: Document, place: Place, request: Mapping[str, Any]) -> None:
    size = len(json.dumps(request).encode())
    if size > REQUEST_BYTES_MAX:
        problem = f"the request is {size:,} bytes; AWS Batch takes {REQUEST_BYTES_MAX:,}"
        document.wrong(place, f"{problem}: put long lists into a file in S3 and pass its URI")
    characters = len(json.dumps(request.get("containerOverrides", {})))
    if characters > OVERRIDES_CHARS_MAX:
        document.wrong(
            (*place, "containerOverrides"),
            f"{characters:,} characters of overrides; above {OVERRIDES_CHARS_MAX:,} AWS Batch "
            "accepts the job and then fails it: put long lists into a file in S3",
        )
