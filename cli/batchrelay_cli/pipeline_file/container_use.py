"""Whether a step says what it changes in the form that its job definition takes.

AWS Batch has four kinds of job definitions, and for each another form of overrides. Our variables
have to reach every container, so a request names each of those that its definition has.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from batchrelay.domain.containers import (
    FORMS,
    NODES,
    POD,
    TASK,
    Container,
    containers_of,
    is_of_pods,
    merged_requests,
)
from batchrelay.domain.pipeline import Step
from batchrelay_cli.pipeline_file.definition_containers import (
    FORM_OF_KIND,
    kind_of,
    names_of,
    places_of,
    ranges_of,
)
from batchrelay_cli.pipeline_file.definition_use import requests_with_places
from batchrelay_cli.pipeline_file.document import Document
from batchrelay_cli.pipeline_file.edges import is_array
from batchrelay_cli.pipeline_file.layers import source
from batchrelay_cli.pipeline_file.overrides import definition_of

_Steps = Sequence[tuple[int, Step]]
_Definitions = Sequence[Mapping[str, Any]]
_Problem = tuple[tuple[str | int, ...], str]

_AWS_OF_PODS = "Container overrides or node overrides should not be set for Batch on EKS jobs"
_AWS_OF_NODES = "NodeOverride targets should match job definition"
"""What AWS Batch answers. Source: nextflow#5817; aws-parallelcluster#964."""


def with_containers_named(
    document: Document,
    steps: _Steps,
    entries: Any,
    defaults: Mapping[str, Any],
    definitions: _Definitions,
) -> tuple[tuple[int, Step], ...]:
    """The steps, whose requests name each container of their definitions in this file. Other forms,
    containers and nodes than a definition has are refused."""
    for number, step in steps:
        for request in requests_with_places(number, step, entries, defaults):
            definition = definition_of(request.values, definitions)
            for path, problem in container_problems(request.values, definition):
                document.wrong(source(request.layers, path), problem)
            if _has_nodes(request.values, definition) and _is_wide(step):
                document.wrong(
                    ("steps", number),
                    f"step {step.name} is a multi-node parallel job, which AWS Batch does not take "
                    "as an array: leave forEach, aggregate, queue, N_TO_N, SEQUENTIAL and "
                    "arrayProperties out, or use a job definition of type container",
                )
    return tuple(
        (number, replace(step, request=_named(step.request, definitions))) for number, step in steps
    )


def _named(request: Mapping[str, Any], definitions: _Definitions) -> Mapping[str, Any]:
    places = places_of(definition_of(request, definitions))
    return merged_requests(places, request) if places else request


def container_problems(
    request: Mapping[str, Any], definition: Mapping[str, Any]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What AWS Batch would refuse of a request for a definition's containers, with its path.

    Args:
        definition: empty if it is not known.
    """
    forms = [form for form in FORMS if form in request]
    kind = kind_of(definition)
    for form in forms:
        if kind is not None and form != FORM_OF_KIND[kind]:
            yield (form,), _wrong_form(form, kind, definition["jobDefinitionName"])
    if kind is None and len(forms) > 1:
        yield (forms[1],), f"{forms[0]} and {forms[1]}: a job definition takes one of them"
    is_pod = kind == "eksProperties" or is_of_pods(request)
    if is_pod and "propagateTags" in request:
        problem = "AWS Batch refuses propagateTags on EKS, where a pod has labels: leave it out"
        yield ("propagateTags",), problem
    for container in containers_of(request):
        yield from _problems_of_container(container, definition)
    if kind == "nodeProperties":
        yield from _problems_of_nodes(request, definition)


def _wrong_form(form: str, kind: str, name: str) -> str:
    words = f' ("{_AWS_OF_PODS}")' if kind == "eksProperties" else ""
    return (
        f"job definition {name} has {kind}, for which AWS Batch refuses {form}{words}: write "
        f"{FORM_OF_KIND[kind]}"
    )


def _problems_of_container(
    container: Container, definition: Mapping[str, Any]
) -> Iterator[_Problem]:
    if TASK not in container.path and POD not in container.path:
        return
    name = container.values.get("name")
    if not isinstance(name, str):
        yield container.path, "which container this is: write its name, {name: NAME, …}"
        return
    names = names_of(definition)
    if names and name not in names:
        close = difflib.get_close_matches(name, names, 1)
        meant = f"; did you mean {close[0]}?" if close else ""
        problem = f"its job definition has no container {name}: it has {', '.join(names)}{meant}"
        yield (*container.path, "name"), problem


def _problems_of_nodes(
    request: Mapping[str, Any], definition: Mapping[str, Any]
) -> Iterator[_Problem]:
    nodes = request.get(NODES)
    overrides = nodes if isinstance(nodes, dict) else {}
    ranges = [str(one.get("targetNodes")) for one in ranges_of(definition)]
    entries = overrides.get("nodePropertyOverrides")
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        target = entry.get("targetNodes") if isinstance(entry, dict) else None
        if target not in ranges:
            problem = (
                f'AWS Batch refuses targetNodes that the job definition has not ("{_AWS_OF_NODES}")'
                f": write one of {', '.join(ranges)}, not {target!r}"
            )
            yield (NODES, "nodePropertyOverrides", index, "targetNodes"), problem
    number = overrides.get("numNodes")
    if isinstance(number, int) and not any(one.endswith(":") for one in ranges):
        problem = "numNodes needs a job definition with an open range of nodes, such as 1:"
        yield (NODES, "numNodes"), problem


def _has_nodes(request: Mapping[str, Any], definition: Mapping[str, Any]) -> bool:
    return NODES in request or kind_of(definition) == "nodeProperties"


def _is_wide(step: Step) -> bool:
    return is_array(step) or step.sequential or step.workers is not None
