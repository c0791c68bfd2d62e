"""What of an account a file names: job queues, job definitions, topics, and the buckets of lists
and of presigned links.

The functions of the stack go there with their own role. Where a parameter decides, a caller who may
start a run chooses among all that the role may do, which is more than the file says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from batchrelay.domain.n_to_n_chains import outputs_to_skip
from batchrelay.domain.pipeline import ListFile, Listing, Pipeline, S3Trigger, Step
from batchrelay.domain.templates import references
from batchrelay.domain.variables import FAILURE_LISTS
from batchrelay_cli.pipeline_file.document import Document, Place
from batchrelay_cli.pipeline_file.layers import DEFAULTS, Layer, source
from batchrelay_cli.pipeline_file.overrides import variants

_S3 = "s3://"
_EXPANSIONS_MAX = 100
"""Of one text: parameters whose defaults name parameters. A circle is refused elsewhere."""


class Kind(StrEnum):
    """A kind of resource that the functions use by the name that a file gives."""

    QUEUE = "job queue"
    DEFINITION = "job definition"
    BUCKET = "bucket"
    TOPIC = "topic"
    PRESIGNED = "bucket of a presigned link"


_OF_S3 = (Kind.BUCKET, Kind.PRESIGNED)

_INSTEAD: Mapping[Kind, str] = {
    Kind.QUEUE: "write the queue's name, or narrow JobQueueArns of the stack",
    Kind.DEFINITION: "write the definition's name: then the file's own revision of it is used",
    Kind.BUCKET: (
        "write the bucket, and the parameter behind it, such as s3://${{env.bucket}}/${{params.{}}}"
    ),
    Kind.TOPIC: "write the topic's ARN, or ${{env.topicArn}}",
    Kind.PRESIGNED: (
        "who reads the notice may download it: write the bucket and folder, and the parameter "
        "behind them, such as s3://${{env.bucket}}/results/${{params.{}}}"
    ),
}
"""What to write; of a bucket, and of a link, with the parameter's name."""

_WHOLE_URI = (
    "a whole URI reaches every bucket that {} of the stack allows. To fix one, make {} a parameter "
    "without a type, and write the bucket before it, such as s3://${{env.bucket}}/${{params.{}}}"
)
"""Of a parameter of the type s3uri, behind which nothing can be written but a path."""

_ALLOWED_BY = {Kind.BUCKET: "ItemsBucketArn", Kind.PRESIGNED: "PresignArns"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """One place of a file that names such a resource."""

    kind: Kind
    place: Place
    names: tuple[str, ...]
    """With the parameters' defaults and `${env.…}` as it is; empty if only a run knows."""
    params: tuple[str, ...]
    """The parameters that decide it."""


def check_reach(
    document: Document, pipeline: Pipeline, entries: Any, defaults: Mapping[str, Any]
) -> None:
    """Warn of every resource that a caller's parameter chooses."""
    types = {param.name: param.type for param in pipeline.params}
    for reach in reaches(pipeline, entries, defaults):
        if reach.params:
            names = " and ".join(reach.params)
            last = reach.params[-1]
            advice = _INSTEAD[reach.kind].format(last)
            if types.get(last) == "s3uri" and reach.kind in _ALLOWED_BY:
                advice = _WHOLE_URI.format(_ALLOWED_BY[reach.kind], last, last)
            document.warn(
                reach.place, f"a caller's parameter, {names}, chooses the {reach.kind}: {advice}"
            )


def reaches(
    pipeline: Pipeline, entries: Sequence[Any], defaults: Mapping[str, Any]
) -> Iterator[Reach]:
    """All of them. The steps' entries and the defaults are those of the file."""
    texts = _Texts(pipeline)
    for number, step in enumerate(pipeline.steps):
        layers = (
            Layer(place=("steps", number), values=entries[number]),
            Layer(place=DEFAULTS, values=defaults),
        )
        for key, kind in (("jobQueue", Kind.QUEUE), ("jobDefinition", Kind.DEFINITION)):
            yield texts.reach(kind, source(layers, (key,)), str(step.request[key]))
            for overrides in variants(step.groups, step.retry_failed):
                path, values = overrides[0]
                if len(overrides) == 1 and key in values:
                    yield texts.reach(kind, ("steps", number, *path, key), str(values[key]))
        for where, text in _uris(pipeline, number, step):
            yield texts.reach(Kind.BUCKET, where, text)
    for number, rule in enumerate(pipeline.notify):
        yield texts.reach(Kind.TOPIC, ("notify", number, "topicArn"), rule.topic)
        if rule.presign_s is not None and rule.link is not None:
            yield texts.reach(Kind.PRESIGNED, ("notify", number, "link"), rule.link)


def _uris(pipeline: Pipeline, number: int, step: Step) -> Iterator[tuple[Place, str]]:
    """What a preparation reads or lists: the list, and the outputs that may be there."""
    flow: Place = ("steps", number, "flow")
    match step.for_each:
        case ListFile():
            yield (*flow, "forEach", "file"), step.for_each.file
        case Listing():
            yield (*flow, "forEach", "prefix"), step.for_each.prefix
    steps = {other.name: other for other in pipeline.steps}
    for pattern in outputs_to_skip(steps, step):
        yield (*flow, "skipExisting"), pattern


@dataclass(frozen=True, slots=True)
class _Texts:
    """Knows what `${…}` means before there is a run."""

    pipeline: Pipeline

    def reach(self, kind: Kind, place: Place, text: str) -> Reach:
        buckets = {t.bucket for t in self.pipeline.triggers if isinstance(t, S3Trigger)}
        names: dict[str, None] = {}
        params: dict[str, None] = {}
        for bucket in sorted(buckets) or [""]:
            name, by = self._decided(kind, text, bucket)
            params.update(dict.fromkeys(by))
            names.update({} if name is None else {name: None})
        return Reach(kind=kind, place=place, names=tuple(names), params=tuple(params))

    def _decided(self, kind: Kind, text: str, bucket: str) -> tuple[str | None, list[str]]:
        """The name for runs of one trigger's bucket, and the parameters that decide it."""
        params: list[str] = []
        for _ in range(_EXPANSIONS_MAX):
            end = _end(kind, text)
            reference = next(
                (r for r in references(text[:end]) if not r.name.startswith("env.")), None
            )
            if reference is None:
                return _name(kind, text[:end]), params
            value = self._value(reference.name, bucket)
            params += [reference.name.removeprefix("params.")] * reference.name.startswith(
                "params."
            )
            if value is None:
                break
            behind = reference.offset + len(f"${{{reference.name}}}")
            text = text[: reference.offset] + value + text[behind:]
        return None, params

    def _value(self, name: str, bucket: str) -> str | None:
        """A parameter's default, a step's output, what a trigger gives; None: only a run knows."""
        lead, _, rest = name.partition(".")
        if lead == "params":
            return next((p.default for p in self.pipeline.params if p.name == rest), None)
        if lead == "steps":
            step, _, what = rest.rpartition(".")
            is_own = what in FAILURE_LISTS
            return f"{_S3}${{env.bucket}}/" if is_own else self.pipeline.step(step).output
        trigger_values = {
            "bucket": bucket,
            "folder": f"{_S3}{bucket}/",
            "uploads": f"{_S3}${{env.bucket}}/",
        }
        return trigger_values.get(rest) if lead == "trigger" and bucket else None


def _name(kind: Kind, text: str) -> str | None:
    if kind not in _OF_S3:
        return text
    return text.removeprefix(_S3) if text.startswith(_S3) else None


def _end(kind: Kind, text: str) -> int:
    """Where the name ends in a text: of a bucket, at the first slash behind `s3://`."""
    slash = text.find("/", len(_S3)) if kind in _OF_S3 and text.startswith(_S3) else -1
    return len(text) if slash < 0 else slash
