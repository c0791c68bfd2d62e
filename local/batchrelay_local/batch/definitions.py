"""Job definitions and their revisions."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from batchrelay_local.batch.details import arn
from batchrelay_local.batch.errors import ClientError, only
from batchrelay_local.batch.model import NAME, JobDefinition
from batchrelay_local.batch.submission import retry_of, timeout_of

DIRECTORY_TAG = "batchrelay:directory"
"""Tag of a job definition: where its processes start on this machine, as WORKDIR in an image."""

ENTRYPOINT_TAG = "batchrelay:entrypoint"
"""Tag of a job definition: what ENTRYPOINT is to its image, as a shell would write it."""

_FIELDS = frozenset(
    {"jobDefinitionName", "type", "containerProperties", "tags", "propagateTags"}
    | {"platformCapabilities", "parameters", "retryStrategy", "timeout"}
)


class JobDefinitions:
    """Every revision of every definition."""

    def __init__(self) -> None:
        self._revisions: dict[str, list[JobDefinition]] = {}

    def register(self, request: dict[str, Any]) -> dict[str, Any]:
        """RegisterJobDefinition."""
        only(request, _FIELDS, "RegisterJobDefinition")
        name = request["jobDefinitionName"]
        if not NAME.fullmatch(name):
            raise ClientError(f"Job definition name should match valid pattern {NAME.pattern}")
        if request["type"] != "container" or "containerProperties" not in request:
            raise ClientError("only definitions of type container, with containerProperties")
        retry_of(request.get("retryStrategy"))
        timeout_of(request.get("timeout"))
        tags = dict(request.get("tags", {}))
        directory = tags.get(DIRECTORY_TAG)
        entrypoint = _words(tags.get(ENTRYPOINT_TAG, ""))
        revisions = self._revisions.setdefault(name, [])
        definition = JobDefinition(
            name=name,
            revision=len(revisions) + 1,
            arn=arn(f"job-definition/{name}:{len(revisions) + 1}"),
            container=request["containerProperties"],
            directory=directory,
            entrypoint=entrypoint,
            retry_strategy=request.get("retryStrategy"),
            timeout=request.get("timeout"),
            parameters=request.get("parameters", {}),
            tags=tags,
        )
        revisions.append(definition)
        return {
            "jobDefinitionName": name,
            "jobDefinitionArn": definition.arn,
            "revision": definition.revision,
        }

    def resolve(self, reference: str) -> JobDefinition:
        """`name`, `name:revision` or an ARN; without a revision the latest that is ACTIVE."""
        name, _, revision = reference.rpartition("job-definition/")[2].partition(":")
        for definition in reversed(self._revisions.get(name, ())):
            if definition.status == "ACTIVE" and revision in ("", str(definition.revision)):
                return definition
        raise ClientError(f"JobDefinition {reference} does not exist or is not ACTIVE")

    def deregister(self, request: dict[str, Any]) -> dict[str, Any]:
        """DeregisterJobDefinition: no new job may use the revision."""
        self.resolve(request["jobDefinition"]).status = "INACTIVE"
        return {}

    def tagged(self) -> Iterator[JobDefinition]:
        """Every revision."""
        for revisions in self._revisions.values():
            yield from revisions

    def describe(self, request: dict[str, Any]) -> dict[str, Any]:
        """DescribeJobDefinitions, newest revision first."""
        name, wanted = request.get("jobDefinitionName"), request.get("jobDefinitions")
        found = [
            definition
            for revisions in self._revisions.values()
            for definition in reversed(revisions)
            if name in (None, definition.name)
            and request.get("status") in (None, definition.status)
            and (
                not wanted
                or {definition.arn, f"{definition.name}:{definition.revision}"} & {*wanted}
            )
        ]
        return {"jobDefinitions": [_detail(definition) for definition in found]}


def _detail(definition: JobDefinition) -> dict[str, Any]:
    return {
        "jobDefinitionName": definition.name,
        "jobDefinitionArn": definition.arn,
        "revision": definition.revision,
        "status": definition.status,
        "type": "container",
        "containerProperties": definition.container,
        "parameters": definition.parameters,
        "tags": definition.tags,
        **({"retryStrategy": definition.retry_strategy} if definition.retry_strategy else {}),
        **({"timeout": definition.timeout} if definition.timeout else {}),
    }


def _words(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise ClientError(f"the tag {ENTRYPOINT_TAG} is not a command: {error}") from None
