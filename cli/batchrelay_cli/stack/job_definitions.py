"""Registers a file's job definitions by content: same content, same revision; and pins them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from batchrelay.domain.errors import InvalidPipeline
from batchrelay.domain.job_queues import JobQueue, queue_problem
from batchrelay.domain.job_tags import PIPELINE_TAG
from batchrelay.domain.pipeline import Pipeline, Step
from batchrelay.domain.templates import expand
from batchrelay.domain.values import Json
from batchrelay_cli.pipeline_file.definitions import CONTENT_TAG
from batchrelay_cli.pipeline_file.document import Place
from batchrelay_cli.pipeline_file.overrides import requests_of, variants, with_overrides
from batchrelay_cli.pipeline_file.problems import PipelineFileError
from batchrelay_cli.pipeline_file.read import PipelineFile

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient


_SHARED = (
    "job queue {} is not a fair-share queue: leave shareIdentifier out, or give the queue a "
    "schedulingPolicyArn"
)
_NOT_SHARED = (
    "job queue {} is a fair-share queue: write shareIdentifier and schedulingPriorityOverride"
)


def known_revision(batch: BatchClient, definition: Mapping[str, Any], pipeline: str) -> int | None:
    """The revision that was registered for a pipeline with this content."""
    pages = batch.get_paginator("describe_job_definitions").paginate(
        jobDefinitionName=definition["jobDefinitionName"], status="ACTIVE"
    )
    ours = {CONTENT_TAG: _content(definition), PIPELINE_TAG: pipeline}.items()
    same = [
        entry["revision"]
        for page in pages
        for entry in page["jobDefinitions"]
        if ours <= entry.get("tags", {}).items()
    ]
    return max(same, default=None)


def registered(
    batch: BatchClient, file: PipelineFile, definitions: Sequence[Mapping[str, Any]]
) -> Pipeline:
    """The pipeline, pinned to revisions of its own that have this content, known or new.

    Raises:
        PipelineFileError: with AWS Batch's sentence at every definition that it does not take.
    """
    revisions: dict[str, int] = {}
    for number, definition in enumerate(definitions):
        try:
            revision = known_revision(batch, definition, file.pipeline.name)
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
    names = [
        f"{entry['jobDefinitionName']}:{entry['revision']}"
        for page in pages
        for entry in page["jobDefinitions"]
        if entry.get("tags", {}).get(PIPELINE_TAG) == pipeline
    ]
    for name in names:
        batch.deregister_job_definition(jobDefinition=name)
    return names


def missing_queues(batch: BatchClient, file: PipelineFile) -> list[str]:
    """The job queues that a file names and that are not there."""
    return sorted(_named_queues(file) - described_queues(batch, file).keys())


def queue_problems(
    queues: Sequence[JobQueue], file: PipelineFile, *, makes_missing: bool
) -> Iterator[tuple[Place, str]]:
    """The places of a file that name a job queue which takes no jobs.

    Args:
        queues: all of the account and Region.
        makes_missing: whether those that are not there will be made.
    """
    names = {queue.name for queue in queues}
    for number, step in enumerate(file.pipeline.steps):
        for place, name, _ in queue_places(file, step):
            problem = queue_problem(name, queues)
            if problem is not None and not (makes_missing and name not in names):
                yield ("steps", number, *place), problem


def queue_places(file: PipelineFile, step: Step) -> Iterator[tuple[Place, str, Mapping[str, Any]]]:
    """The job queues of a step, each with its place under the step, and the request it is of."""
    for overrides in ((), *variants(step.groups, step.retry_failed)):
        own = next((place for place, values in overrides if "jobQueue" in values), ())
        request = with_overrides(step.request, overrides)
        name = _queue_name(file, request)
        if name is not None:
            yield (*own, "jobQueue"), name, request


def share_problems(batch: BatchClient, file: PipelineFile) -> Iterator[tuple[int, str]]:
    """The steps that a queue which is there will refuse. Source: SubmitJob, shareIdentifier."""
    queues = described_queues(batch, file)
    for number, step in enumerate(file.pipeline.steps):
        for queue, is_shared in shares_of(file, step):
            if queue not in queues or ("schedulingPolicyArn" in queues[queue]) is is_shared:
                continue
            yield number, _SHARED.format(queue) if is_shared else _NOT_SHARED.format(queue)


def described_queues(batch: BatchClient, file: PipelineFile) -> dict[str, Mapping[str, Any]]:
    """Those of a file that are there, as AWS Batch describes them."""
    names = sorted(_named_queues(file))
    queues = batch.describe_job_queues(jobQueues=names)["jobQueues"] if names else []
    return {queue["jobQueueName"]: dict(queue) for queue in queues}


def _named_queues(file: PipelineFile) -> set[str]:
    return {name for step in file.pipeline.steps for name in queues_of(file, step)}


def queues_of(file: PipelineFile, step: Step) -> Iterator[str]:
    """The job queues of a step."""
    return (queue for queue, _ in shares_of(file, step))


def shares_of(file: PipelineFile, step: Step) -> Iterator[tuple[str, bool]]:
    """The job queues of a step, each with whether a shareIdentifier goes with it."""
    for request in requests_of(step):
        name = _queue_name(file, request)
        if name is not None:
            yield name, "shareIdentifier" in request


def _queue_name(file: PipelineFile, request: Mapping[str, Json]) -> str | None:
    """None if only a run will know it."""
    reference = known_text(file, request["jobQueue"])
    return None if reference is None else reference.rpartition("job-queue/")[2]


def known_text(file: PipelineFile, text: Json) -> str | None:
    """A parameter in a text is its default, if it has one; None if only a run will know it."""
    defaults = {f"params.{p.name}": p.default for p in file.pipeline.params if p.default}
    with suppress(InvalidPipeline):
        value = expand(str(text), defaults)
        return None if "${" in value else value
    return None


def definitions_elsewhere(
    batch: BatchClient, file: PipelineFile
) -> dict[str, Mapping[str, Any] | None]:
    """The job definitions that steps name and the file does not have, as the account, or the local
    cloud, has them; None if it does not."""
    names = {
        known_text(file, request["jobDefinition"])
        for step in file.pipeline.steps
        for request in requests_of(step)
    }
    own = {definition["jobDefinitionName"] for definition in file.definitions}
    return {name: _definition(batch, name) for name in names - own if name is not None}


def _definition(batch: BatchClient, reference: str) -> Mapping[str, Any] | None:
    """What SubmitJob would take: the last active revision of that name, or that very revision."""
    name = reference.rpartition("job-definition/")[2]
    if ":" in name:
        answer = batch.describe_job_definitions(jobDefinitions=[reference])
    else:
        answer = batch.describe_job_definitions(jobDefinitionName=name, status="ACTIVE")
    active = [entry for entry in answer["jobDefinitions"] if entry["status"] == "ACTIVE"]
    return dict(max(active, key=lambda entry: entry["revision"])) if active else None


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
            retry_failed=step.retry_failed
            and replace(step.retry_failed, overrides=pin(step.retry_failed.overrides)),
        )
        for step in pipeline.steps
    )
    return replace(pipeline, steps=steps)
