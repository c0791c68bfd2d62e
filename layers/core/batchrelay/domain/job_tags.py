"""The tags of a job, by which AWS's bill can be split by pipeline, run and step.

AWS Batch copies them to the ECS tasks of a job if `propagateTags` says so, and split cost
allocation has a cost for each task. ECS takes few characters, and a value may come from a `${…}`,
the key of an upload for example: what it would refuse is replaced, so that no tag fails a job.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from batchrelay.domain.containers import is_of_pods
from batchrelay.domain.limits import TAG_VALUE_CHARS_MAX
from batchrelay.domain.values import Json

PIPELINE_TAG = "batchrelay:pipeline"
"""Of a job, and of a job definition that was registered for a pipeline."""

RUN_TAG = "batchrelay:run"
STEP_TAG = "batchrelay:step"

JOB_TAGS = (PIPELINE_TAG, RUN_TAG, STEP_TAG)

TAG_CHARS = "letters, digits, blanks and _ . : / = + - @"
"""What AWS takes in a tag. Source: ECS, API reference, Tag; Batch User Guide, tag-restrictions."""

RESERVED_PREFIX = "aws:"
"""Before a name or a value, in upper or lower case. Source: Batch User Guide, tag-restrictions."""


def with_job_tags(
    request: Mapping[str, Json], *, pipeline: str, run_id: str, step: str
) -> dict[str, Json]:
    """A request that has our tags, and propagates them, wherever it does not say otherwise.

    A pod has labels, not tags: AWS Batch refuses to propagate any to it.
    """
    own = request.get("tags")
    ours = {PIPELINE_TAG: pipeline, RUN_TAG: run_id, STEP_TAG: step}
    tags = {**ours, **(own if isinstance(own, Mapping) else {})}
    propagated = {} if is_of_pods(request) else {"propagateTags": True}
    return {**propagated, **request, "tags": tags}


def with_valid_tags(request: Mapping[str, Json]) -> Mapping[str, Json]:
    """A request whose own tags have values that AWS takes."""
    own = request.get("tags")
    if not isinstance(own, Mapping):
        return request
    return {**request, "tags": {key: tag_value(str(value)) for key, value in own.items()}}


def tag_value(text: str) -> str:
    """As much of a text as a tag's value can say: `_` stands for a character that it cannot."""
    valid = "".join(c if is_tag_char(c) else "_" for c in text[:TAG_VALUE_CHARS_MAX])
    return f"_{valid[1:]}" if valid.lower().startswith(RESERVED_PREFIX) else valid


def is_tag_char(character: str) -> bool:
    """Whether a tag may have it. Source: ECS, API reference, Tag: the classes L, Z and N, and some
    signs."""
    return unicodedata.category(character)[0] in "LZN" or character in "_.:/=+-@"
