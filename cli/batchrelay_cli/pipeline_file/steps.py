"""`steps:`: SubmitJob requests with a `flow:`, checked as far as can be without AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
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
from batchrelay.domain.pipeline import ForEach, Step
from batchrelay.domain.values import step_label
from batchrelay_cli.pipeline_file.document import Document, Place
from batchrelay_cli.pipeline_file.fields import check_name, check_requirements
from batchrelay_cli.pipeline_file.shapes import check, request_shape, unknown_key

_OURS = ("flow", "dependsOn", "jobName")
_FLOW_BUILT = ("forEach", "output")
_FLOW_NOT_BUILT = (
    *("chunk", "skipExisting", "groups", "aggregate", "queue"),
    *("retryFailed", "tolerate", "canary", "when"),
)
_FOR_EACH_NOT_BUILT = ("prefix", "suffix", "match", "matrix", "steps")
_OTHER_OVERRIDES = ("nodeOverrides", "eksPropertiesOverride", "ecsPropertiesOverride")
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
    check(document, request, request_shape("SubmitJob"), place, without=_OURS)
    flow = _flow(document, (*place, "flow"), entry.get("flow", {}))
    for_each = _for_each(document, (*place, "flow", "forEach"), flow.get("forEach"))
    request = _without_deprecated(document, place, request)
    _check_request(document, place, request)
    if for_each is not None and "arrayProperties" in request:
        document.wrong(
            (*place, "arrayProperties"),
            "forEach decides the array's size: leave arrayProperties out",
        )
    return Step(
        name=entry["jobName"],
        needs=tuple(_needs(document, (*place, "dependsOn"), entry.get("dependsOn", []))),
        request=request,
        for_each=for_each,
        output=_output(document, (*place, "flow", "output"), flow.get("output")),
    )


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings are merged key by key; anything else of `over` replaces what is under it."""
    result = dict(under)
    for key, value in over.items():
        below = result.get(key)
        both = isinstance(below, dict) and isinstance(value, dict)
        result[key] = merged(below, value) if both else value  # type: ignore[arg-type]
    return result


# --- dependsOn ---------------------------------------------------------------


def _needs(document: Document, place: Place, value: Any) -> Iterator[str]:
    if not isinstance(value, list):
        document.wrong(place, "dependsOn must be a list of {jobName: STEP}")
        return
    for index, entry in enumerate(value):
        inner = (*place, index)
        if not isinstance(entry, dict):
            document.wrong(inner, "write {jobName: STEP}")
        elif "jobId" in entry:
            document.wrong(inner, "a step is meant by its name: write jobName, not jobId")
        elif "type" in entry:
            kind = entry["type"]
            document.wrong(inner, f"dependsOn type {kind} is not built yet in this version")
        elif not isinstance(entry.get("jobName"), str):
            document.wrong(inner, "write {jobName: STEP}")
        else:
            yield entry["jobName"]


def check_graph(document: Document, steps: tuple[Step, ...]) -> None:
    """Every need is a step, and none needs itself by a detour."""
    names = {step.name for step in steps}
    for number, entry in enumerate(document.data["steps"]):
        needs = entry.get("dependsOn", []) if isinstance(entry, dict) else []
        for index, need in enumerate(needs if isinstance(needs, list) else []):
            name = need.get("jobName") if isinstance(need, dict) else None
            if isinstance(name, str) and name not in names:
                listed = ", ".join(sorted(names))
                place: Place = ("steps", number, "dependsOn", index)
                document.wrong(place, f"there is no step {name}; the steps are {listed}")


# --- flow --------------------------------------------------------------------


def _flow(document: Document, place: Place, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        document.wrong(place, "flow must be a mapping")
        return {}
    for key in value:
        if key in _FLOW_NOT_BUILT:
            document.wrong_key((*place, key), f"flow.{key} is not built yet in this version")
        elif key not in _FLOW_BUILT:
            problem = unknown_key(key, (*_FLOW_BUILT, *_FLOW_NOT_BUILT), "flow")
            document.wrong_key((*place, key), problem)
    return value


def _for_each(document: Document, place: Place, value: Any) -> ForEach | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        document.wrong(place, "forEach must be {file: S3URI, items: PATH}")
        return None
    for key in value:
        if key in _FOR_EACH_NOT_BUILT:
            document.wrong_key((*place, key), f"forEach.{key} is not built yet in this version")
        elif key not in ("file", "items"):
            problem = unknown_key(key, ("file", "items"), "forEach")
            document.wrong_key((*place, key), problem)
    file, items = value.get("file"), value.get("items")
    if isinstance(items, list):
        document.wrong((*place, "items"), "an inline list is not built yet in this version")
        return None
    if not isinstance(file, str) or not isinstance(items, str):
        document.wrong(
            place,
            "forEach needs a file (an S3 URI) and items (the path of the list, such as Items)",
        )
        return None
    if file.endswith(".gz"):
        document.wrong((*place, "file"), "a .gz list is not built yet in this version")
    return ForEach(file=file, items=items)


def _output(document: Document, place: Place, value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        document.wrong(place, "output must be a text: the URI where the step leaves its result")
        return None
    return value


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
    for key in _OTHER_OVERRIDES:
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
