"""SubmitJob: a request and its job definition, merged as AWS merges them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from batchrelay_local.batch.errors import ClientError, only
from batchrelay_local.batch.model import (
    ARRAY_SIZE_MAX,
    ARRAY_SIZE_MIN,
    DEPENDENCIES_MAX,
    NAME,
    REQUEST_BYTES_MAX,
    JobDefinition,
    JobQueue,
    JobSpec,
)

_FIELDS = frozenset(
    {"jobName", "jobQueue", "jobDefinition", "arrayProperties", "dependsOn", "containerOverrides"}
    | {"tags", "propagateTags"}
)
_OVERRIDES = frozenset({"command", "environment", "resourceRequirements"})


def check(request: dict[str, Any]) -> None:
    """What can be said without queue and definition. Raises: ClientError."""
    size = len(json.dumps(request).encode())
    if size > REQUEST_BYTES_MAX:
        raise ClientError(f"Job size must be less than 30 KiB, got {-(-size // 1024)} KiB")
    only(request, _FIELDS, "SubmitJob")
    only(request.get("containerOverrides", {}), _OVERRIDES, "containerOverrides")
    if not NAME.fullmatch(request["jobName"]):
        raise ClientError(f"Job name should match valid pattern {NAME.pattern}")
    if len(request.get("dependsOn", ())) > DEPENDENCIES_MAX:
        raise ClientError(f"A job can have at most {DEPENDENCIES_MAX} dependencies")
    for entry in request.get("dependsOn", ()):
        if "type" in entry:
            raise ClientError(
                f"dependencies of type {entry['type']} are not supported by this local AWS Batch"
            )


def spec_of(request: dict[str, Any], queue: JobQueue, definition: JobDefinition) -> JobSpec:
    """Overrides win over the definition. Raises: ClientError."""
    overrides = request.get("containerOverrides", {})
    container = definition.container
    arguments = overrides.get("command") or container.get("command") or ()
    command = (*definition.entrypoint, *arguments)
    if not command:
        raise ClientError(f"{definition.name} has no command; here there is no image to have one")
    return JobSpec(
        name=request["jobName"],
        queue=queue,
        definition=definition,
        command=command,
        environment=_environment(container) | _environment(overrides, reserved=True),
        requirements=_requirements(container) | _requirements(overrides),
        depends_on=tuple(request.get("dependsOn", ())),
        tags=request.get("tags", {}),
        propagate_tags=request.get("propagateTags", False),
        size=_array_size(request),
    )


def _array_size(request: dict[str, Any]) -> int | None:
    if "arrayProperties" not in request:
        return None
    size: int = request["arrayProperties"].get("size", 0)
    if not ARRAY_SIZE_MIN <= size <= ARRAY_SIZE_MAX:
        raise ClientError(
            f"Array size must be between {ARRAY_SIZE_MIN} and {ARRAY_SIZE_MAX}, got {size}"
        )
    return size


def _environment(container: Mapping[str, Any], *, reserved: bool = False) -> dict[str, str]:
    given = {entry["name"]: entry.get("value", "") for entry in container.get("environment", ())}
    taken = [name for name in given if name.startswith("AWS_BATCH")]
    if reserved and taken:
        raise ClientError(f"Environment names must not start with AWS_BATCH: {', '.join(taken)}")
    return given


def _requirements(container: Mapping[str, Any]) -> dict[str, str]:
    """Of a definition also the deprecated `vcpus` and `memory`."""
    old = {"VCPU": container.get("vcpus"), "MEMORY": container.get("memory")}
    listed = {entry["type"]: entry["value"] for entry in container.get("resourceRequirements", ())}
    return {kind: str(value) for kind, value in old.items() if value is not None} | listed
