"""The job definition of one item's job, and what it comes to with the job's request."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.pipeline_file.definition_containers import kind_of

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient

ENTRYPOINT_TAG = "batchrelay:entrypoint"
DIRECTORY_TAG = "batchrelay:directory"
PROGRAMS_TAG = "batchrelay:programs"
"""What ENTRYPOINT, WORKDIR and the programs of an image are where there is no image."""

_PARAMETER = re.compile(r"Ref::([A-Za-z0-9_-]+)")


@dataclass(frozen=True, kw_only=True)
class Container:
    """What a container of this job is given."""

    definition: str
    """`NAME:REVISION`."""
    image: str
    command: tuple[str, ...]
    """What stands behind the ENTRYPOINT; nothing if the image has to know it."""
    environment: Mapping[str, str] = field(repr=False)
    """Of the job definition and of the request, as AWS Batch merges them."""
    secrets: tuple[str, ...] = ()
    """Variables whose values only AWS Batch reads."""
    memory_mib: int | None = None
    entrypoint: tuple[str, ...] = ()
    directory: str = ""
    programs: str = ""


def container_of(batch: BatchClient, request: Mapping[str, Any]) -> Container:
    """The container of a SubmitJob request. Raises: UsageProblem, ClientError."""
    definition = definition_of(batch, str(request["jobDefinition"]))
    if "containerProperties" not in definition:
        raise UsageProblem(
            f"job definition {request['jobDefinition']} has {kind_of(definition)}: an item is run "
            "here if its job has one container, of containerProperties"
        )
    own = definition["containerProperties"]
    overrides = request.get("containerOverrides", {})
    parameters = {**definition.get("parameters", {}), **request.get("parameters", {})}
    words = overrides.get("command") or own.get("command") or ()
    tags = definition.get("tags", {})
    name = f"{definition['jobDefinitionName']}:{definition['revision']}"
    return Container(
        definition=name,
        image=own.get("image", ""),
        command=tuple(_PARAMETER.sub(lambda m: parameters.get(m[1], m[0]), w) for w in words),
        environment=_variables(own) | _variables(overrides),
        secrets=tuple(entry["name"] for entry in own.get("secrets", ())),
        memory_mib=_memory(overrides) or _memory(own) or own.get("memory"),
        entrypoint=words_of(tags.get(ENTRYPOINT_TAG, ""), f"{name}: the tag {ENTRYPOINT_TAG}"),
        directory=tags.get(DIRECTORY_TAG, ""),
        programs=tags.get(PROGRAMS_TAG, ""),
    )


def words_of(text: str, whose: str) -> tuple[str, ...]:
    """The words of a command, as a shell takes them apart. Raises: UsageProblem."""
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise UsageProblem(f"{whose} is not a command: {error}") from None


def definition_of(batch: BatchClient, reference: str) -> Mapping[str, Any]:
    """That revision, or the latest ACTIVE one of a name. Raises: UsageProblem."""
    name, _, revision = reference.rpartition("job-definition/")[2].partition(":")
    pages = batch.get_paginator("describe_job_definitions").paginate(jobDefinitionName=name)
    matching = [
        entry
        for page in pages
        for entry in page["jobDefinitions"]
        if (str(entry["revision"]) == revision if revision else entry["status"] == "ACTIVE")
    ]
    if not matching:
        raise UsageProblem(
            f"there is no job definition {reference} any more: AWS Batch removes it 180 days after "
            "it was deregistered. Deploy the pipeline again, and start a new run"
        )
    return dict(max(matching, key=lambda entry: entry["revision"]))


def _variables(container: Mapping[str, Any]) -> dict[str, str]:
    return {entry["name"]: entry.get("value", "") for entry in container.get("environment", ())}


def _memory(container: Mapping[str, Any]) -> int | None:
    entries = container.get("resourceRequirements", ())
    return next((int(entry["value"]) for entry in entries if entry["type"] == "MEMORY"), None)
