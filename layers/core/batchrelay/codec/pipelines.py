"""Pipelines as documents."""

from __future__ import annotations

from typing import Any

from batchrelay.codec.reader import Reader, enum, maybe_number, overlap, without_none
from batchrelay.codec.spending import decode_budget, encode_budget
from batchrelay.codec.upgrades import SCHEMA, upgraded_pipeline
from batchrelay.domain.errors import CodecError, InvalidPipeline
from batchrelay.domain.failures import RetryFailed, Tolerate
from batchrelay.domain.pipeline import (
    Aggregate,
    ForEach,
    Group,
    InlineItems,
    ListFile,
    ListFormat,
    Listing,
    Matrix,
    NoticeRule,
    Overlap,
    Param,
    ParamType,
    Pipeline,
    S3Trigger,
    ScheduleTrigger,
    Step,
    StepOutputs,
    Trigger,
)
from batchrelay.domain.values import Json

AUTO = "auto"
"""A chunk that is measured."""


def encode_pipeline(pipeline: Pipeline) -> dict[str, Json]:
    """The definition as a JSON document, without its version: same content, same document."""
    return without_none(
        {
            "schema": SCHEMA,
            "pipeline": pipeline.name,
            "params": [_encode_param(param) for param in pipeline.params],
            "steps": [_encode_step(step) for step in pipeline.steps],
            "notify": [
                without_none(
                    {"topic": rule.topic, "on": sorted(rule.on)},
                    {"link": rule.link, "presign": rule.presign_s},
                )
                for rule in pipeline.notify
            ],
        },
        {
            "timeout": pipeline.timeout_s,
            "jobTags": None if pipeline.job_tags else False,
            "report": pipeline.report or None,
            "budget": None if pipeline.budget is None else encode_budget(pipeline.budget),
            "triggers": [_encode_trigger(trigger) for trigger in pipeline.triggers],
        },
    )


def _encode_trigger(trigger: Trigger) -> dict[str, Json]:
    match trigger:
        case S3Trigger():
            document: dict[str, Json] = {"bucket": trigger.bucket, "prefix": trigger.prefix}
            document["suffix"] = trigger.suffix
        case ScheduleTrigger():
            document = {"expression": trigger.expression, "timezone": trigger.timezone}
    debounce_s = trigger.debounce_s if isinstance(trigger, S3Trigger) else None
    is_default = trigger.overlap is Overlap.PARALLEL
    named = None if is_default else str(trigger.overlap)
    return without_none(document, {"debounce": debounce_s, "overlap": named})


def _encode_param(param: Param) -> dict[str, Json]:
    document: dict[str, Json] = {"name": param.name, "type": str(param.type)}
    if param.default is not None:
        document["default"] = param.default
    if param.description:
        document["description"] = param.description
    return document


def _encode_step(step: Step) -> dict[str, Json]:
    return without_none(
        {"name": step.name, "request": step.request},
        {
            "needs": list(step.needs),
            "nToN": sorted(step.n_to_n_needs),
            "sequential": step.sequential or None,
            "forEach": None if step.for_each is None else _encode_for_each(step.for_each),
            "chunk": None if step.chunk == 1 else (step.chunk or AUTO),
            "skipExisting": step.skip_existing,
            "groups": [
                without_none({"overrides": group.overrides}, {"when": group.when})
                for group in step.groups
            ],
            "aggregate": None
            if step.aggregate is None
            else {"of": step.aggregate.of, "fanIn": step.aggregate.fan_in},
            "workers": step.workers,
            "when": step.when,
            "output": step.output,
            "retryFailed": None
            if step.retry_failed is None
            else _encode_retry_failed(step.retry_failed),
            "canary": step.canary,
            "failFast": step.fail_fast or None,
            "tolerate": None
            if step.tolerate is None
            else without_none({}, {"count": step.tolerate.count, "percent": step.tolerate.percent}),
            "finally": step.is_finally or None,
            "maxRunning": step.max_running,
            "unsafeShell": step.unsafe_shell or None,
        },
    )


def _encode_retry_failed(retry: RetryFailed) -> dict[str, Json]:
    return without_none(
        {"rounds": retry.rounds},
        {
            "when": sorted(retry.when),
            "overrides": dict(retry.overrides),
            "memoryFactor": retry.memory_factor,
            "memoryMib": retry.memory_mib,
        },
    )


def _encode_for_each(each: ForEach) -> dict[str, Json]:
    match each:
        case ListFile():
            form = None if each.format is None else str(each.format)
            separator = {"separator": each.separator} if each.separator else {}
            return {"file": each.file, "format": form, "items": each.items, **separator}
        case Listing():
            return {"prefix": each.prefix, "suffix": each.suffix, "match": each.match}
        case Matrix():
            return {"matrix": {name: list(values) for name, values in each.axes.items()}}
        case InlineItems():
            return {"list": list(each.items)}
        case StepOutputs():
            return {"steps": each.step}


def decode_pipeline(document: Any, version: int) -> Pipeline:
    """The reverse of `encode_pipeline`. Raises: CodecError, its message starting with a path."""
    reader = Reader(upgraded_pipeline(document), "pipeline")
    reader.check_schema()
    try:
        return Pipeline(
            name=reader.take("pipeline", str),
            version=version,
            params=tuple(_decode_param(param) for param in reader.list("params")),
            steps=tuple(_decode_step(step) for step in reader.list("steps")),
            notify=tuple(_decode_rule(rule) for rule in reader.list("notify")),
            timeout_s=reader.maybe("timeout", int),
            job_tags=reader.maybe("jobTags", bool) is not False,
            report=reader.maybe("report", bool) or False,
            budget=None
            if reader.document.get("budget") is None
            else decode_budget(reader.inner("budget")),
            triggers=tuple(_decode_trigger(trigger) for trigger in reader.list("triggers")),
        )
    except InvalidPipeline as error:
        raise CodecError(f"pipeline.steps: {error}") from None


def _decode_param(reader: Reader) -> Param:
    return Param(
        name=reader.take("name", str),
        type=enum(reader, "type", ParamType),
        default=reader.maybe("default", str),
        description=reader.maybe("description", str) or "",
    )


def _decode_step(reader: Reader) -> Step:
    document = reader.document
    groups = reader.list("groups")
    aggregate = reader.inner("aggregate") if document.get("aggregate") is not None else None
    return Step(
        name=reader.take("name", str),
        needs=_names(reader, "needs"),
        n_to_n_needs=frozenset(_names(reader, "nToN")),
        sequential=reader.maybe("sequential", bool) or False,
        request=reader.inner("request").document,
        for_each=None
        if document.get("forEach") is None
        else _decode_for_each(reader.inner("forEach")),
        chunk=None if document.get("chunk") == AUTO else reader.maybe("chunk", int) or 1,
        skip_existing=reader.maybe("skipExisting", str),
        groups=tuple(
            Group(when=group.maybe("when", str), overrides=group.inner("overrides").document)
            for group in groups
        ),
        aggregate=None
        if aggregate is None
        else Aggregate(of=aggregate.take("of", str), fan_in=aggregate.take("fanIn", int)),
        workers=reader.maybe("workers", int),
        when=reader.maybe("when", str),
        output=reader.maybe("output", str),
        retry_failed=None
        if document.get("retryFailed") is None
        else _decode_retry_failed(reader.inner("retryFailed")),
        canary=reader.maybe("canary", int),
        fail_fast=reader.maybe("failFast", bool) or False,
        tolerate=None
        if document.get("tolerate") is None
        else _decode_tolerate(reader.inner("tolerate")),
        is_finally=reader.maybe("finally", bool) or False,
        max_running=reader.maybe("maxRunning", int),
        unsafe_shell=reader.maybe("unsafeShell", bool) or False,
    )


def _decode_retry_failed(reader: Reader) -> RetryFailed:
    return RetryFailed(
        rounds=reader.take("rounds", int),
        when=frozenset(str(named) for named in reader.maybe("when", list) or []),
        overrides=reader.inner("overrides").document,
        memory_factor=maybe_number(reader, "memoryFactor"),
        memory_mib=reader.maybe("memoryMib", int),
    )


def _decode_tolerate(reader: Reader) -> Tolerate:
    """Raises: CodecError unless it is one of the two."""
    count, percent = reader.maybe("count", int), maybe_number(reader, "percent")
    if (count is None) is (percent is None):
        raise CodecError(f"{reader.path}: expected either count or percent")
    return Tolerate(count=count, percent=percent)


def _names(reader: Reader, field: str) -> tuple[str, ...]:
    names = reader.maybe(field, list) or []
    for name in names:
        if not isinstance(name, str):
            raise CodecError(f"{reader.path}.{field}: expected step names, got {name!r}")
    return tuple(names)


def _decode_for_each(reader: Reader) -> ForEach:
    document = reader.document
    if "file" in document:
        return ListFile(
            file=reader.take("file", str),
            format=None if document.get("format") is None else enum(reader, "format", ListFormat),
            items=reader.take("items", str),
            separator=reader.maybe("separator", str) or "",
        )
    if "prefix" in document:
        return Listing(
            prefix=reader.take("prefix", str),
            suffix=reader.take("suffix", str),
            match=reader.take("match", str),
        )
    if "matrix" in document:
        axes = reader.inner("matrix")
        return Matrix(axes={name: tuple(axes.take(name, list)) for name in axes.document})
    if "list" in document:
        return InlineItems(items=tuple(reader.take("list", list)))
    return StepOutputs(step=reader.take("steps", str))


def _decode_trigger(reader: Reader) -> Trigger:
    if "bucket" in reader.document:
        return S3Trigger(
            bucket=reader.take("bucket", str),
            prefix=reader.take("prefix", str),
            suffix=reader.take("suffix", str),
            debounce_s=reader.maybe("debounce", int),
            overlap=overlap(reader),
        )
    return ScheduleTrigger(
        expression=reader.take("expression", str),
        timezone=reader.take("timezone", str),
        overlap=overlap(reader),
    )


def _decode_rule(reader: Reader) -> NoticeRule:
    return NoticeRule(
        topic=reader.take("topic", str),
        on=frozenset(str(status) for status in reader.take("on", list)),
        link=reader.maybe("link", str),
        presign_s=reader.maybe("presign", int),
    )
