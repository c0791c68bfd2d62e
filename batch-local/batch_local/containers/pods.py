"""eksProperties: the containers of a pod, and what a request changes of them.

What AWS answers, or documents, is quoted; behind it stands what to write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from batch_local.containers.fields import (
    check_program,
    check_words,
    variables_of,
    words_of,
)
from batch_local.containers.requirements import MEMORY_MIB_MIN
from batch_local.errors import ClientException
from batch_local.model import Condition, ContainerSpec, JobDefinition

CONTAINERS_MAX = 10
"""Of each of the two lists of a pod. Source: EksPodProperties, containers, initContainers."""

UNIQUE_NAME = "Each container in a pod must have a unique name"
"""Source: EksContainer, name."""

EQUAL = (
    "If {0} is specified in both places, then the value that's specified in limits must be equal "
    "to the value that's specified in requests"
)
"""Source: EksContainerResourceRequirements, limits."""

_DEFAULT_NAME = "Default"
"""Source: EksContainer, name."""

CONTAINER_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_NAME_FORM = "write 1 to 63 small letters, digits and -"
"""Source: Kubernetes, Container, name ("DNS_LABEL")."""

_LISTS = ("initContainers", "containers")
_GPU = "nvidia.com/gpu"
_KINDS = {"cpu": "VCPU", "memory": "MEMORY", _GPU: "GPU"}
_FORMS = {
    "cpu": (re.compile(r"[0-9]{1,5}(\.(0|00|25|5|50|75))?"), "a multiple of 0.25, such as 0.5"),
    "memory": (re.compile(r"[0-9]{1,9}Mi"), "whole MiB, such as 64Mi"),
    _GPU: (re.compile(r"[0-9]{1,3}"), "a whole number"),
}
"""Source: EksContainerResourceRequirements."""

_NAMESPACE = re.compile(r"(?!default$|kube)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""Source: EksMetadata, namespace."""

_LABEL_CHARS_MAX = 63
"""Source: EksMetadata, labels."""

_Container = Mapping[str, Any]


def check_pod(properties: Mapping[str, Any]) -> None:
    """Everything that can be seen in eksProperties. Raises: ClientException."""
    pod = properties.get("podProperties", {})
    if not pod.get("containers"):
        raise ClientException("A pod needs containers: write them into podProperties")
    for field in _LISTS:
        count = len(pod.get(field, ()))
        if count > CONTAINERS_MAX:
            raise ClientException(
                f"{field} of a pod is limited to {CONTAINERS_MAX} elements, got {count}"
            )
    names = [_name(container) for _, container in _containers(pod)]
    for name in names:
        if name != _DEFAULT_NAME and not CONTAINER_NAME.fullmatch(name):
            raise ClientException(f"Container name {name[:200]!r} is not valid: {_NAME_FORM}")
        if names.count(name) > 1:
            raise ClientException(f"{UNIQUE_NAME}: two are called {name}")
    _check_metadata(pod.get("metadata", {}))
    for field, container in _containers(pod):
        check_words(container, "command", "args")
        variables_of(container.get("env", ()))
        amounts = _amounts(container)
        if field == "containers" and "MEMORY" not in amounts:
            raise ClientException(
                f"You must specify at least {MEMORY_MIB_MIN} MiB of memory for a job: write "
                f"limits: {{memory: 64Mi}} into the resources of container {_name(container)}"
            )


def pod_containers(
    properties: Mapping[str, Any],
    overrides: Mapping[str, Any],
    definition: JobDefinition,
    parameters: Mapping[str, str],
) -> tuple[ContainerSpec, ...]:
    """The containers of a pod, those that begin first first. Raises: ClientException."""
    pod = properties["podProperties"]
    changed = overrides.get("podProperties", {})
    by_name = {
        field: _overrides_by_name(field, changed.get(field, ()), pod.get(field, ()))
        for field in _LISTS
    }
    specs: list[ContainerSpec] = []
    last_init: str | None = None
    for field, container in _containers(pod):
        name = _name(container)
        merged = _merged(container, by_name[field].get(name, {}), parameters)
        command = tuple(merged.get("command") or ())
        entrypoint = command or definition.entrypoint_of(merged)
        words = tuple(merged.get("args") or ())
        check_program(definition.images, entrypoint, words, f"container {name}")
        specs.append(
            ContainerSpec(
                name=name,
                command=words,
                entrypoint=entrypoint,
                environment=variables_of(merged["env"]),
                requirements=_amounts(merged),
                is_essential=False,
                depends_on=((last_init, Condition.SUCCESS),) if last_init else (),
                volumes=tuple(pod.get("volumes", ())),
                registered=merged,
                is_of_pod=True,
                is_init=field == "initContainers",
            )
        )
        last_init = name if field == "initContainers" else last_init
    return tuple(specs)


def expanded(words: Sequence[str], variables: Mapping[str, str]) -> list[str]:
    """Words in which `$(NAME)` is replaced, and `$$` is `$`. Source: EksContainer, command."""
    return [
        _REFERENCE.sub(
            lambda match: "$" if match[0] == "$$" else variables.get(match[1], match[0]), word
        )
        for word in words
    ]


_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")


def _containers(pod: Mapping[str, Any]) -> Iterator[tuple[str, _Container]]:
    for field in _LISTS:
        for container in pod.get(field, ()):
            yield field, container


def _name(container: _Container) -> str:
    return str(container.get("name") or _DEFAULT_NAME)


def _merged(
    container: _Container, over: _Container, parameters: Mapping[str, str]
) -> dict[str, Any]:
    """A container as a request changes it: word lists are replaced, variables and amounts by name.
    `command` stands for the ENTRYPOINT of an image, `args` for its CMD."""
    check_words(over, "command", "args")
    merged = {**container, **{key: over[key] for key in _REPLACED if over.get(key)}}
    for key in ("command", "args"):
        if key in merged:
            merged[key] = list(words_of(merged[key], parameters))
    variables = variables_of(container.get("env", ())) | variables_of(over.get("env", ()))
    merged["env"] = [{"name": name, "value": value} for name, value in variables.items()]
    places = {
        place: {
            **container.get("resources", {}).get(place, {}),
            **over.get("resources", {}).get(place, {}),
        }
        for place in ("limits", "requests")
    }
    merged["resources"] = {place: amounts for place, amounts in places.items() if amounts}
    return merged


_REPLACED = ("image", "command", "args")


def _overrides_by_name(
    field: str, entries: Sequence[_Container], containers: Sequence[_Container]
) -> dict[str, _Container]:
    """What a request says of each container; of one without a name if there is no other."""
    names = [_name(container) for container in containers]
    by_name: dict[str, _Container] = {}
    for entry in entries:
        name = entry.get("name") or (names[0] if len(names) == 1 else "")
        if name not in names:
            one_of = f"write one of {', '.join(names)}" if names else "the pod has no such list"
            raise ClientException(
                "The name must match a unique container name that you wish to override: "
                f"{name!r} is not in {field} of the job definition; {one_of}"
            )
        if name in by_name:
            raise ClientException(f"Container {name} is overridden twice: write it once")
        by_name[name] = entry
    return by_name


def _amounts(container: _Container) -> dict[str, str]:
    """What a container asks for, by AWS Batch's own types. Raises: ClientException."""
    resources = container.get("resources", {})
    limits, requests = resources.get("limits", {}), resources.get("requests", {})
    for place in (limits, requests):
        for kind, value in place.items():
            _check_amount(kind, value)
    for kind in ("memory", _GPU):
        if limits.get(kind, requests.get(kind)) != requests.get(kind, limits.get(kind)):
            raise ClientException(f"{EQUAL.format(kind)}: {limits[kind]} is not {requests[kind]}")
    if "cpu" in limits and "cpu" in requests and float(limits["cpu"]) < float(requests["cpu"]):
        raise ClientException(
            "the value of cpu in limits must be at least as large as the value in requests: "
            f"{limits['cpu']} is less than {requests['cpu']}"
        )
    return {
        _KINDS[kind]: value.removesuffix("Mi") for kind, value in {**limits, **requests}.items()
    }


def _check_amount(kind: str, value: str) -> None:
    if kind not in _FORMS:
        raise ClientException(
            f"The supported resources include memory, cpu, and nvidia.com/gpu, not {kind}"
        )
    pattern, form = _FORMS[kind]
    if not pattern.fullmatch(value) or float(value.removesuffix("Mi")) <= 0:
        raise ClientException(f"{kind} {value[:60]!r} is not valid: write {form}")
    if kind == "memory" and int(value.removesuffix("Mi")) < MEMORY_MIB_MIN:
        raise ClientException(
            f"You must specify at least {MEMORY_MIB_MIN} MiB of memory for a job, got {value}"
        )


def _check_metadata(metadata: Mapping[str, Any]) -> None:
    for name, value in metadata.get("labels", {}).items():
        if len(value) > _LABEL_CHARS_MAX:
            raise ClientException(
                f"The label {name} has {len(value)} characters: write up to {_LABEL_CHARS_MAX}"
            )
    namespace = metadata.get("namespace")
    if namespace is not None and not _NAMESPACE.fullmatch(namespace):
        raise ClientException(
            f"namespace {namespace[:100]!r} is not valid: write 1 to 63 small letters, digits and "
            "-; not default, and not kube before it"
        )
