"""Registers a file's job definitions by content: same content, same revision; and pins them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from batchrelay.domain.pipeline import Pipeline
from batchrelay.domain.values import Json

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient

CONTENT_TAG = "batchrelay:content"
"""Tells which content a revision has."""


class DefinitionRefusedError(Exception):
    """AWS Batch does not take a job definition."""


def register(batch: BatchClient, definition: Mapping[str, Any]) -> int:
    """The revision that has this content: the latest, or a new one.

    Raises:
        DefinitionRefusedError: with AWS Batch's sentence.
    """
    content = hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()
    name: str = definition["jobDefinitionName"]
    try:
        pages = batch.get_paginator("describe_job_definitions").paginate(
            jobDefinitionName=name, status="ACTIVE"
        )
        known = [found for page in pages for found in page["jobDefinitions"]]
        latest = max(known, key=lambda found: found["revision"], default=None)
        if latest is not None and latest.get("tags", {}).get(CONTENT_TAG) == content:
            return latest["revision"]
        tags = {**definition.get("tags", {}), CONTENT_TAG: content}
        return batch.register_job_definition(**{**definition, "tags": tags})["revision"]
    except ClientError as error:
        text = error.response["Error"]["Message"]
        sentence = text.removeprefix("Error executing request, Exception : ")
        raise DefinitionRefusedError(sentence.rpartition(", RequestId:")[0] or text) from None


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
