"""Whether steps, job definitions and job queues of a file go together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchrelay.domain.containers import Path, containers_of
from batchrelay.domain.pipeline import Step
from batchrelay_cli.pipeline_file.definitions import is_ec2, is_part, part_of_a_vcpu
from batchrelay_cli.pipeline_file.document import Document
from batchrelay_cli.pipeline_file.layers import DEFAULTS, Layer, source
from batchrelay_cli.pipeline_file.overrides import variants, with_overrides


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request that a step may make, and where its values stand."""

    step: str
    layers: Sequence[Layer]
    values: Mapping[str, Any]

    def text(self, key: str) -> str:
        value = self.values.get(key)
        return value if isinstance(value, str) else ""


def check_use(
    document: Document,
    steps: Sequence[tuple[int, Step]],
    entries: Any,
    defaults: Mapping[str, Any],
    definitions: Sequence[Mapping[str, Any]],
) -> None:
    """What two places say together: a definition and its revision, a queue and its shares."""
    requests = [
        r for number, step in steps for r in requests_with_places(number, step, entries, defaults)
    ]
    definitions_by_name = {d["jobDefinitionName"]: d for d in definitions if is_named(d)}
    for request in requests:
        name, _, revision = request.text("jobDefinition").partition(":")
        definition = definitions_by_name.get(name)
        if definition is None:
            continue
        for key, problem in _misuses(request, name, revision, definition):
            document.wrong(source(request.layers, (key,)), problem)
        for path, problem in _parts_of_a_vcpu(request, definition):
            document.wrong(source(request.layers, path), problem)
    for request, problem in _without_share(requests):
        document.wrong(source(request.layers, ("jobQueue",)), problem)


def is_named(definition: Mapping[str, Any]) -> bool:
    return isinstance(definition.get("jobDefinitionName"), str)


def requests_with_places(
    number: int, step: Step, entries: Any, defaults: Mapping[str, Any]
) -> Iterator[Request]:
    """The step's own, and its variants."""
    own = Layer(place=("steps", number), values=entries[number])
    layers = (own, Layer(place=DEFAULTS, values=defaults))
    yield Request(step=step.name, layers=layers, values=step.request)
    for overrides in variants(step.groups, step.retry_failed):
        above = [Layer(place=(*own.place, *path), values=values) for path, values in overrides]
        values = with_overrides(step.request, overrides)
        yield Request(step=step.name, layers=(*above, *layers), values=values)


def _misuses(
    request: Request, name: str, revision: str, definition: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    if revision:
        problem = (
            f"job definition {name}:{revision} names a revision, but this file defines {name}: "
            "leave the revision out, or the definition"
        )
        yield "jobDefinition", problem
    priority = request.values.get("schedulingPriorityOverride")
    if request.text("shareIdentifier") and None is priority is definition.get("schedulingPriority"):
        problem = (
            "AWS Batch refuses a shareIdentifier without a priority: write "
            f"schedulingPriorityOverride beside it, or schedulingPriority in job definition {name}"
        )
        yield "shareIdentifier", problem


def _parts_of_a_vcpu(request: Request, definition: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """In overrides; whether there is only EC2, the definition says."""
    for container in containers_of(request.values) if is_ec2(definition) else ():
        for entry in container.requirements:
            if entry.get("type") == "VCPU" and is_part(str(entry.get("value"))):
                path = (*container.path, "resourceRequirements")
                yield path, part_of_a_vcpu(str(entry["value"]))


def _without_share(requests: Sequence[Request]) -> Iterator[tuple[Request, str]]:
    """A queue is a fair-share queue or it is not; once for each. Source: SubmitJob,
    shareIdentifier."""
    by_queue: dict[str, list[Request]] = {}
    for request in requests:
        by_queue.setdefault(request.text("jobQueue"), []).append(request)
    for queue, same in by_queue.items():
        shared = [request for request in same if request.text("shareIdentifier")]
        others = [request for request in same if not request.text("shareIdentifier")]
        if queue and shared and others:
            more = len({request.step for request in others} - {others[0].step})
            and_more = f" (nor do {more} more)" if more else ""
            problem = (
                f"{others[0].step} gives no shareIdentifier{and_more}, but {shared[0].step} does, "
                f"to the same job queue {queue}: AWS Batch wants one of every job of a fair-share "
                "queue, and none of any other"
            )
            yield others[0], problem
