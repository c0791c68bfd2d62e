"""Whether the tags of a job are not too many: the step's, its job definition's, and ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from batchrelay.domain.job_tags import JOB_TAGS, TAG_CHARS, is_tag_char
from batchrelay.domain.limits import TAGS_MAX
from batchrelay.domain.pipeline import Step
from batchrelay_cli.pipeline_file.definition_use import Request, is_named, requests_with_places
from batchrelay_cli.pipeline_file.definitions import DEFINITION_TAGS
from batchrelay_cli.pipeline_file.document import Document
from batchrelay_cli.pipeline_file.layers import source

_INVALID = (
    f"the tag {{}} of its job definition has more than {TAG_CHARS}, which are all that ECS takes "
    "in a propagated tag: write propagateTags: false, or change the tag"
)


def check_tags(
    document: Document,
    steps: Sequence[tuple[int, Step]],
    entries: Any,
    defaults: Mapping[str, Any],
    definitions: Sequence[Mapping[str, Any]],
    *,
    job_tags: bool,
) -> None:
    """Count the tags of every request that a step may make."""
    definitions_by_name = {d["jobDefinitionName"]: d for d in definitions if is_named(d)}
    ours = set(JOB_TAGS) if job_tags else set()
    for number, step in steps:
        for request in requests_with_places(number, step, entries, defaults):
            definition = definitions_by_name.get(request.text("jobDefinition"), {})
            for problem in _problems(request, definition, ours):
                document.wrong(source(request.layers, ("tags",)), problem)
            for key in _invalid_names(request, definition, ours):
                document.warn(source(request.layers, ("jobDefinition",)), _INVALID.format(key))


def _problems(request: Request, definition: Mapping[str, Any], ours: set[str]) -> Iterator[str]:
    own, of_definition = _names(request.values), _names(definition)
    if max(len(own), len(of_definition | set(DEFINITION_TAGS))) > TAGS_MAX:
        return  # which is a problem of one of them alone
    count = len(own | ours)
    if count > TAGS_MAX:
        yield (
            f"{len(own)} tags, and {count - len(own)} of ours; AWS Batch takes {TAGS_MAX}: write "
            "fewer, or jobTags: false at the top of the file"
        )
        return
    theirs = own | of_definition
    count = len(theirs | ours | set(DEFINITION_TAGS))
    if _propagates(request, definition, ours) and definition and count > TAGS_MAX:
        yield (
            f"{len(theirs)} tags of this step and of job definition "
            f"{definition['jobDefinitionName']}, and {count - len(theirs)} of ours; AWS Batch "
            f"fails a job that propagates more than {TAGS_MAX}: write fewer, or "
            "propagateTags: false"
        )


def _invalid_names(
    request: Request, definition: Mapping[str, Any], ours: set[str]
) -> Iterator[str]:
    """The definition's tags that the tasks of its jobs cannot have."""
    tags = definition.get("tags")
    if not isinstance(tags, dict) or not _propagates(request, definition, ours):
        return
    for key, value in tags.items():
        if not all(map(is_tag_char, f"{key}{value}")):
            yield key


def _propagates(request: Request, definition: Mapping[str, Any], ours: set[str]) -> bool:
    return bool(request.values.get("propagateTags", ours or definition.get("propagateTags")))


def _names(document: Mapping[str, Any]) -> set[str]:
    tags = document.get("tags")
    return set(tags) if isinstance(tags, dict) else set()
