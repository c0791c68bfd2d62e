"""Registers a file's job definitions by content: same content, same revision; and pins them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from batchrelay.domain.pipeline import Pipeline, Step
from batchrelay.domain.values import Json, merged
from batchrelay_cli.pipeline_file.read import PipelineFile, PipelineFileError

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient

CONTENT_TAG = "batchrelay:content"
"""Tells which content a revision has."""

PIPELINE_TAG = "batchrelay:pipeline"
"""Tells for which pipeline a revision was registered."""


def known_revision(batch: BatchClient, definition: Mapping[str, Any]) -> int | None:
    """The revision that has this content, if it is the latest."""
    pages = batch.get_paginator("describe_job_definitions").paginate(
        jobDefinitionName=definition["jobDefinitionName"], status="ACTIVE"
    )
    known = [found for page in pages for found in page["jobDefinitions"]]
    latest = max(known, key=lambda found: found["revision"], default=None)
    if latest is None or latest.get("tags", {}).get(CONTENT_TAG) != _content(definition):
        return None
    return latest["revision"]


def registered(
    batch: BatchClient, file: PipelineFile, definitions: Sequence[Mapping[str, Any]]
) -> Pipeline:
    """The pipeline, pinned to revisions that have this content: the latest ones, or new ones.

    Raises:
        PipelineFileError: with AWS Batch's sentence at every definition that it does not take.
    """
    revisions: dict[str, int] = {}
    for number, definition in enumerate(definitions):
        try:
            revision = known_revision(batch, definition)
            if revision is None:
                revision = _register(batch, definition, file.pipeline.name)
            revisions[definition["jobDefinitionName"]] = revision
        except ClientError as error:
            file.document.wrong(("jobDefinitions", number), _sentence(error))
    if file.document.errors:
        raise PipelineFileError(file.path, file.document.errors)
    return pinned(file.pipeline, revisions)


def _register(batch: BatchClient, definition: Mapping[str, Any], pipeline: str) -> int:
    ours = {CONTENT_TAG: _content(definition), PIPELINE_TAG: pipeline}
    tags = {**definition.get("tags", {}), **ours}
    return batch.register_job_definition(**{**definition, "tags": tags})["revision"]


def _content(definition: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()


def _sentence(error: ClientError) -> str:
    text = error.response["Error"]["Message"]
    sentence = text.removeprefix("Error executing request, Exception : ")
    return sentence.rpartition(", RequestId:")[0] or text


def deregister(batch: BatchClient, pipeline: str) -> list[str]:
    """Take away every revision that was registered for a pipeline; their names."""
    pages = batch.get_paginator("describe_job_definitions").paginate(status="ACTIVE")
    gone = [
        f"{found['jobDefinitionName']}:{found['revision']}"
        for page in pages
        for found in page["jobDefinitions"]
        if found.get("tags", {}).get(PIPELINE_TAG) == pipeline
    ]
    for name in gone:
        batch.deregister_job_definition(jobDefinition=name)
    return gone


def requests_of(step: Step) -> Iterator[Mapping[str, Json]]:
    """The requests that a step may make: its own, and those of its groups."""
    yield step.request
    for group in step.groups:
        yield merged(step.request, group.overrides)


def missing_queues(batch: BatchClient, file: PipelineFile) -> list[str]:
    """The job queues that a file names and that are not there."""
    named = {
        str(request["jobQueue"]).rpartition("job-queue/")[2]
        for step in file.pipeline.steps
        for request in requests_of(step)
    }
    known = batch.describe_job_queues(jobQueues=sorted(named))["jobQueues"]
    return sorted(named - {queue["jobQueueName"] for queue in known})


def pinned(pipeline: Pipeline, revisions: Mapping[str, int]) -> Pipeline:
    """The pipeline with `NAME:REVISION` wherever one of these names stood without one."""

    def pin(request: Mapping[str, Json]) -> Mapping[str, Json]:
        name = request.get("jobDefinition")
        if not isinstance(name, str) or name not in revisions:
            return request
        return {**request, "jobDefinition": f"{name}:{revisions[name]}"}

    steps = tuple(
        replace(
            step,
            request=pin(step.request),
            groups=tuple(replace(g, overrides=pin(g.overrides)) for g in step.groups),
        )
        for step in pipeline.steps
    )
    return replace(pipeline, steps=steps)
