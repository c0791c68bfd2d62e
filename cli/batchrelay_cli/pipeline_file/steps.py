"""`steps:`: SubmitJob requests with a `flow:`, checked as far as can be without AWS."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from batchrelay.domain.containers import merged_requests
from batchrelay.domain.limits import ARRAY_SIZE_MIN, STEPS_MAX
from batchrelay.domain.pipeline import Step, StepOutputs
from batchrelay.domain.request_rules import (
    array_violations,
    size_violations,
    submit_violations,
)
from batchrelay.domain.values import step_label
from batchrelay_cli.pipeline_file.document import Document, Place
from batchrelay_cli.pipeline_file.edges import read_edges
from batchrelay_cli.pipeline_file.fields import check_name
from batchrelay_cli.pipeline_file.flow import read_flow
from batchrelay_cli.pipeline_file.layers import DEFAULTS, Layer, note, source
from batchrelay_cli.pipeline_file.overrides import variants, with_overrides
from batchrelay_cli.pipeline_file.retries import check_together
from batchrelay_cli.pipeline_file.shapes import check, meant_key, request_shape

_OURS = ("flow", "dependsOn", "jobName")
_PARAM_ONLY = re.compile(r"\$\{params\.[^}]+\}")
UNNAMED = "#"
"""Begins the name of a step that has none."""
_DEPRECATED = {"vcpus": "VCPU", "memory": "MEMORY"}


def read_defaults(document: Document, defaults: Any) -> Mapping[str, Any]:
    """`defaults:`, SubmitJob fields. A key that is misspelt counts as the one that was meant."""
    submit = request_shape("SubmitJob")
    required = submit.required_members
    check(document, _sized(defaults), submit, DEFAULTS, elsewhere=required)
    if not isinstance(defaults, dict):
        return dict.fromkeys(("jobQueue", "jobDefinition"), "${unknown}")
    for key in ("jobName", "dependsOn", "flow"):
        if key in defaults:
            document.wrong_key(("defaults", key), f"{key} belongs to a step, not to defaults")
    right_keys = {
        meant_key(key, submit.members): key for key in defaults if key not in submit.members
    }
    more = {
        key: defaults[wrong] for key, wrong in right_keys.items() if key and key not in defaults
    }
    return {key: value for key, value in {**more, **defaults}.items() if key not in _OURS}


def read_steps(
    document: Document, value: Any, defaults: Mapping[str, Any]
) -> tuple[tuple[int, Step], ...]:
    """`steps:` with `defaults:` merged under every one of them, each with its number in the file.

    A step without a name has one that no file can give it, so that the rest of it is read too.
    """
    if not isinstance(value, list) or not value:
        document.wrong(("steps",), "steps must be a list of at least one step")
        return ()
    if len(value) > STEPS_MAX:
        document.wrong(("steps",), f"{len(value)} steps; a pipeline has at most {STEPS_MAX}")
    names: dict[str, str] = {}
    steps = []
    for number, entry in enumerate(value):
        place: Place = ("steps", number)
        name = _name(entry) if isinstance(entry, dict) else None
        if not isinstance(name, str):
            document.wrong(place, "a step needs a jobName, which is its name in the pipeline")
            if not isinstance(entry, dict):
                continue
            name = f"{UNNAMED}{number + 1}"
        else:
            check_name(document, (*place, "jobName"), "jobName", name)
        label = step_label(name)
        if label in names:
            problem = f"two steps are called {names[label]} (upper and lower case are one here)"
            document.wrong((*place, "jobName"), problem)
        names[label] = name
        steps.append((number, _step(document, place, name, entry, defaults)))
    return tuple(steps)


def _name(entry: Mapping[str, Any]) -> Any:
    """A step's name, under whatever misspelling of the key, which is a mistake of its own."""
    if "jobName" in entry:
        return entry["jobName"]
    keys = (*request_shape("SubmitJob").members, *_OURS)
    wrong = (key for key in entry if key not in keys and meant_key(key, keys) == "jobName")
    return entry.get(next(wrong, "jobName"))


def _step(
    document: Document,
    place: Place,
    name: str,
    entry: Mapping[str, Any],
    defaults: Mapping[str, Any],
) -> Step:
    own = {key: entry[key] for key in entry if key not in _OURS}
    check(
        document, _sized(own), request_shape("SubmitJob"), place, without=_OURS, elsewhere=defaults
    )
    flow = read_flow(document, (*place, "flow"), entry.get("flow", {}))
    layers = (Layer(place=place, values=own), Layer(place=DEFAULTS, values=defaults))
    request = _without_deprecated(document, layers, merged_requests(defaults, own))
    _check_request(document, layers, request)
    _check_variants(document, layers, request, flow)
    if (flow.get("for_each") or flow.get("aggregate")) and "arrayProperties" in request:
        document.wrong(
            source(layers, ("arrayProperties",)),
            "the items decide the array's size: leave arrayProperties out",
        )
    edges = read_edges(document, (*place, "dependsOn"), entry.get("dependsOn", []))
    check_together(document, (*place, "flow"), entry.get("flow"), sequential=edges.sequential)
    return Step(
        name=name,
        needs=_with_sources(edges.needs, flow),
        n_to_n_needs=edges.n_to_n_needs,
        sequential=edges.sequential,
        request=request,
        **flow,
    )


def _check_variants(
    document: Document,
    layers: Sequence[Layer],
    request: Mapping[str, Any],
    flow: Mapping[str, Any],
) -> None:
    """What a group or a round of failed items changes is part of a request of its own."""
    [own, _] = layers
    for overrides in variants(flow.get("groups", ()), flow.get("retry_failed")):
        above = [Layer(place=(*own.place, *path), values=values) for path, values in overrides]
        both = (*above, *layers)
        changed = with_overrides(request, overrides)
        _check_request(document, both, _without_deprecated(document, both, changed))


def _sized(request: Any) -> Any:
    """AWS wants a number for a size; `${params.width}` becomes one when the run starts."""
    if not isinstance(request, dict):
        return request
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
    document: Document, layers: Sequence[Layer], request: dict[str, Any]
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
            source(layers, ("containerOverrides", key)),
            f"{key} is deprecated by AWS; read as resourceRequirements "
            f'[{{type: {kind}, value: "{value}"}}]',
        )
    requirements = [{"type": _DEPRECATED[key], "value": str(value)} for key, value in old.items()]
    other_overrides = {key: value for key, value in overrides.items() if key not in old}
    before = other_overrides.get("resourceRequirements")
    requirements = [*(before if isinstance(before, list) else ()), *requirements]
    return {
        **request,
        "containerOverrides": {**other_overrides, "resourceRequirements": requirements},
    }


def _check_request(document: Document, layers: Sequence[Layer], request: Mapping[str, Any]) -> None:
    for rules in (submit_violations, array_violations, size_violations):
        note(document, layers, rules(request))
    strategy = request.get("retryStrategy")
    check_last_rule(document, source(layers, ("retryStrategy", "evaluateOnExit")), strategy)


def check_last_rule(document: Document, place: Place, strategy: Any) -> None:
    """Warn of rules that do not say what happens otherwise."""
    rules = strategy.get("evaluateOnExit") if isinstance(strategy, dict) else None
    if not isinstance(rules, list) or not rules:
        return
    last = rules[-1] if isinstance(rules[-1], dict) else {}
    if "*" not in last.values():
        document.warn(
            place,
            "what no rule matches is retried: end with {onReason: '*', action: EXIT} if that is "
            "not meant",
        )


def _inner(request: Mapping[str, Any], key: str, inner: str) -> Any:
    value = request.get(key)
    return value.get(inner) if isinstance(value, dict) else None
