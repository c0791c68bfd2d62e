"""Job definitions and their revisions."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from batch_local.arns import arn
from batch_local.definitions.registration import check_definition, kind_of, platform_of
from batch_local.errors import ClientException
from batch_local.images import NO_IMAGES, Images
from batch_local.model import JobDefinition, Kind
from batch_local.resources.consumables import needs_of
from batch_local.resources.pages import page_of
from batch_local.resources.tags import DIRECTORY_TAG, PROGRAMS_TAG, checked_tags, of_aws

ENTRYPOINT_TAG = "batchrelay:entrypoint"
"""Tag of a job definition: what ENTRYPOINT is to its image, as a shell would write it."""


class JobDefinitions:
    """Every revision of every definition.

    Args:
        images: what stands in for the entry points of images.
    """

    def __init__(self, images: Images = NO_IMAGES) -> None:
        self._images = images
        self._revisions: dict[str, list[JobDefinition]] = {}

    def register(self, request: dict[str, Any]) -> dict[str, Any]:
        """RegisterJobDefinition."""
        tags = checked_tags(request.get("tags", {}))
        check_definition({**request, "tags": of_aws(tags)})
        needs_of(request.get("consumableResourceProperties", {}), {})
        entrypoint = _words(tags.get(ENTRYPOINT_TAG, ""))
        name, kind = request["jobDefinitionName"], kind_of(request)
        revisions = self._revisions.setdefault(name, [])
        definition = JobDefinition(
            name=name,
            revision=len(revisions) + 1,
            arn=arn(f"job-definition/{name}:{len(revisions) + 1}"),
            kind=kind,
            properties=request[kind],
            directory=tags.get(DIRECTORY_TAG),
            entrypoint=entrypoint,
            images=self._images,
            programs=tags.get(PROGRAMS_TAG),
            platform=platform_of(request),
            propagate_tags=request.get("propagateTags"),
            priority=request.get("schedulingPriority"),
            consumables=request.get("consumableResourceProperties", {}),
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
        raise ClientException(f"JobDefinition {reference} does not exist or is not ACTIVE")

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
        name, names = request.get("jobDefinitionName"), request.get("jobDefinitions")
        matching = [
            definition
            for revisions in self._revisions.values()
            for definition in reversed(revisions)
            if name in (None, definition.name)
            and request.get("status") in (None, definition.status)
            and (
                not names or {definition.arn, f"{definition.name}:{definition.revision}"} & {*names}
            )
        ]
        return page_of(request, "jobDefinitions", matching, _detail)


def _detail(definition: JobDefinition) -> dict[str, Any]:
    optional_fields = {
        "retryStrategy": definition.retry_strategy,
        "timeout": definition.timeout,
        "propagateTags": definition.propagate_tags,
        "schedulingPriority": definition.priority,
        "consumableResourceProperties": definition.consumables or None,
    }
    return {
        "jobDefinitionName": definition.name,
        "jobDefinitionArn": definition.arn,
        "revision": definition.revision,
        "status": definition.status,
        "type": "multinode" if definition.kind is Kind.NODES else "container",
        **(_ON_EKS if definition.kind is Kind.POD else _on_ecs(definition)),
        str(definition.kind): definition.properties,
        "parameters": definition.parameters,
        "tags": definition.tags,
        **{name: value for name, value in optional_fields.items() if value is not None},
    }


_ON_EKS = {"containerOrchestrationType": "EKS", "platformCapabilities": []}


def _on_ecs(definition: JobDefinition) -> dict[str, Any]:
    return {
        "containerOrchestrationType": "ECS",
        "platformCapabilities": [definition.platform],
    }


def _words(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise ClientException(f"the tag {ENTRYPOINT_TAG} is not a command: {error}") from None
