"""`triggers:`: uploads and schedules that start a run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from batchrelay.domain.limits import DEBOUNCE_S_MAX, DEBOUNCE_S_MIN
from batchrelay.domain.pipeline import (
    Overlap,
    Param,
    S3Trigger,
    ScheduleTrigger,
    Trigger,
)
from batchrelay_cli.pipeline_file.document import Document, Place
from batchrelay_cli.pipeline_file.fields import seconds_of
from batchrelay_cli.pipeline_file.shapes import unknown_key
from batchrelay_local.schedules.times import flaws

_KINDS = ("s3", "schedule")
_KEYS = {
    "s3": ("bucket", "prefix", "suffix", "debounce", "overlap"),
    "schedule": ("expression", "timezone", "overlap"),
}
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def read_triggers(document: Document, value: Any) -> tuple[Trigger, ...]:
    """A list of {s3: …} or {schedule: …}."""
    if not isinstance(value, list):
        document.wrong(("triggers",), "triggers must be a list of {s3: …} and {schedule: …}")
        return ()
    triggers = (_trigger(document, ("triggers", n), entry) for n, entry in enumerate(value))
    return tuple(trigger for trigger in triggers if trigger is not None)


def trigger_variables(triggers: tuple[Trigger, ...]) -> set[str]:
    """What the triggers of a file give: a run is started by one of them."""
    return {f"trigger.{name}" for trigger in triggers for name in trigger.variables}


EVERY_TRIGGER: tuple[Trigger, ...] = (
    S3Trigger(bucket="b"),
    S3Trigger(bucket="b", debounce_s=DEBOUNCE_S_MIN),
    ScheduleTrigger(expression="rate(1 day)"),
)
"""One of each, for a file in which one is wrong: who knows what it was meant to give."""


def _trigger(document: Document, place: Place, entry: Any) -> Trigger | None:
    kinds = [kind for kind in _KINDS if isinstance(entry, dict) and kind in entry]
    if len(kinds) != 1 or len(entry) != 1 or not isinstance(entry[kinds[0]], dict):
        hint = ""
        if len(kinds) > 1:
            hint = ": write two entries"
        elif isinstance(entry, dict) and kinds and len(entry) > 1:
            beside = next(key for key in entry if key != kinds[0])
            hint = f": {beside} belongs inside {kinds[0]}"
        forms = "a trigger is {s3: {bucket: …}} or {schedule: {expression: …}}"
        document.wrong(place, forms + hint)
        return None
    [kind] = kinds
    fields: Mapping[str, Any] = entry[kind]
    for key, value in fields.items():
        inner = (*place, kind, key)
        if key not in _KEYS[kind]:
            document.wrong_key(inner, unknown_key(key, _KEYS[kind], f"a trigger's {kind}"))
        elif not isinstance(value, str) and key != "debounce":
            document.wrong(inner, f"{key} must be a text")
    texts = {key: value for key, value in fields.items() if isinstance(value, str)}
    place = (*place, kind)
    overlap = _overlap(document, place, texts)
    if kind == "schedule":
        return _schedule(document, place, texts, overlap)
    debounce_s = _debounce(document, place, fields.get("debounce"))
    return _s3(document, place, texts, debounce_s, overlap)


def _overlap(document: Document, place: Place, texts: Mapping[str, str]) -> Overlap:
    policy = texts.get("overlap", Overlap.PARALLEL)
    if policy not in list(Overlap):
        document.wrong(
            (*place, "overlap"), f"overlap is one of {', '.join(Overlap)}; got {policy!r}"
        )
        return Overlap.PARALLEL
    return Overlap(policy)


def _debounce(document: Document, place: Place, value: Any) -> int | None:
    if value is None:
        return None
    seconds = seconds_of(value)
    if seconds is None or not DEBOUNCE_S_MIN <= seconds <= DEBOUNCE_S_MAX:
        document.wrong(
            (*place, "debounce"),
            "debounce is the time without an upload that ends a batch, 1 s to 1 h: write "
            f"seconds, or `debounce: 60s`, `debounce: 5m`; got {value!r}",
        )
        return None
    return seconds


def check_params(
    document: Document, triggers: tuple[Trigger, ...], params: tuple[Param, ...]
) -> None:
    """A run that a trigger starts is given no parameter."""
    for param in params if triggers else ():
        if param.default is None:
            document.wrong(
                ("params", param.name),
                f"a trigger starts runs, and {param.name} has no default: write one, such as "
                '"s3://${trigger.bucket}/${trigger.key}"',
            )


def _s3(
    document: Document,
    place: Place,
    texts: Mapping[str, str],
    debounce_s: int | None,
    overlap: Overlap,
) -> Trigger | None:
    for key in ("prefix", "suffix"):
        if texts.get(key, "").startswith(("s3://", "*")) or texts.get(key, "").endswith("*"):
            document.wrong(
                (*place, key),
                f"{key} is a plain part of the key, without s3://BUCKET/ and without *",
            )
    bucket = texts.get("bucket", "")
    if _BUCKET.fullmatch(bucket) is None:
        document.wrong(
            place, f"bucket must be the name of a bucket, such as my-inbox; got {bucket!r}"
        )
        return None
    prefix, suffix = texts.get("prefix", ""), texts.get("suffix", "")
    return S3Trigger(
        bucket=bucket, prefix=prefix, suffix=suffix, debounce_s=debounce_s, overlap=overlap
    )


def _schedule(
    document: Document, place: Place, texts: Mapping[str, str], overlap: Overlap
) -> Trigger | None:
    expression, timezone = texts.get("expression", ""), texts.get("timezone", "UTC")
    schedule_flaws = flaws(expression, timezone)
    for key, flaw in schedule_flaws.items():
        document.wrong((*place, key), flaw)
    if schedule_flaws:
        return None
    return ScheduleTrigger(expression=expression, timezone=timezone, overlap=overlap)
