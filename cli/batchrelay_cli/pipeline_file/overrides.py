"""SubmitJob fields that a part of a step changes: a group, or the rounds of failed items."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import reduce
from typing import Any

from batchrelay.domain.containers import merged_requests
from batchrelay.domain.failures import RetryFailed
from batchrelay.domain.pipeline import Group, Step
from batchrelay_cli.pipeline_file.document import Document, Place
from batchrelay_cli.pipeline_file.shapes import check, request_shape

OF_THE_STEP = ("jobName", "dependsOn", "arrayProperties", "flow")
"""What is the same for all of a step's items."""


def read_overrides(
    document: Document, place: Place, entry: Mapping[str, Any], own: Collection[str], what: str
) -> dict[str, Any]:
    """The fields of an entry that are SubmitJob's; `own` are its other keys."""
    for key in OF_THE_STEP:
        if key in entry:
            document.wrong_key((*place, key), f"{key} belongs to the step, not to {what}")
    overrides = {key: value for key, value in entry.items() if key not in OF_THE_STEP}
    submit = request_shape("SubmitJob")
    check(document, overrides, submit, place, without=own, elsewhere=submit.required_members)
    return {key: value for key, value in overrides.items() if key not in own}


def variants(
    groups: Sequence[Group], retry: RetryFailed | None
) -> Iterator[tuple[tuple[Place, dict[str, Any]], ...]]:
    """What may be merged over a step's own request, each with its place under the step.

    A group, the overrides of failed items, and these over each group. What is merged last stands
    first.
    """
    in_groups = [
        (("flow", "groups", number), dict(group.overrides)) for number, group in enumerate(groups)
    ]
    for override in in_groups:
        yield (override,)
    if retry is not None:
        last: tuple[Place, dict[str, Any]] = (("flow", "retryFailed"), dict(retry.overrides))
        yield (last,)
        for override in in_groups:
            yield (last, override)


def definition_of(
    request: Mapping[str, Any], definitions: Iterable[Mapping[str, Any]]
) -> Mapping[str, Any]:
    """The job definition of this file that a request names; empty if it is another one."""
    name = str(request.get("jobDefinition", "")).partition(":")[0]
    return next((d for d in definitions if d.get("jobDefinitionName") == name), {})


def requests_of(step: Step) -> Iterator[Mapping[str, Any]]:
    """The requests that a step may make: its own, and its variants."""
    yield step.request
    for overrides in variants(step.groups, step.retry_failed):
        yield with_overrides(step.request, overrides)


def with_overrides(
    request: Mapping[str, Any], overrides: Sequence[tuple[Place, Mapping[str, Any]]]
) -> dict[str, Any]:
    """A request with the overrides of a variant."""
    return reduce(merged_requests, (values for _, values in reversed(overrides)), dict(request))
