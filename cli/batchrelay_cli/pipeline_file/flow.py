"""`flow:`: what AWS Batch does not have."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from batchrelay.domain.conditions import Condition, parse_condition
from batchrelay.domain.errors import InvalidItems, InvalidPipeline
from batchrelay.domain.limits import ARRAY_SIZE_MAX
from batchrelay.domain.pipeline import (
    Aggregate,
    ForEach,
    Group,
    InlineItems,
    ListFile,
    ListFormat,
    Listing,
    Matrix,
    StepOutputs,
)
from batchrelay.preparation.items.glob import glob
from batchrelay_cli.pipeline_file.document import Document, Place
from batchrelay_cli.pipeline_file.early_stops import read_canary
from batchrelay_cli.pipeline_file.max_running import read_max_running
from batchrelay_cli.pipeline_file.overrides import read_overrides
from batchrelay_cli.pipeline_file.retries import read_retry_failed, read_tolerate
from batchrelay_cli.pipeline_file.shapes import unknown_key

KEYS = (
    "forEach", "chunk", "skipExisting", "groups", "aggregate", "queue", "retryFailed",
    "tolerate", "canary", "failFast", "when", "output", "finally", "unsafeShell",
    "maxRunning",
)  # fmt: skip
_NEED_ITEMS = ("chunk", "skipExisting", "groups", "queue")
SEPARATOR = r"[^A-Za-z0-9\"\s]|\t"
"""One character between the columns of a CSV file."""
FAN_IN_MIN, FAN_IN_MAX = 2, 1_000
"""Inputs of one child of an aggregate: they stand on one line of the manifest."""


def read_flow(document: Document, place: Place, value: Any) -> dict[str, Any]:
    """The fields of a Step that `flow:` decides."""
    if not isinstance(value, dict):
        document.wrong(place, "flow must be a mapping")
        return {}
    for key in value:
        if key not in KEYS:
            document.wrong_key((*place, key), unknown_key(key, KEYS, "flow"))
    fields = {
        "for_each": _for_each(document, (*place, "forEach"), value.get("forEach")),
        "chunk": _chunk(document, (*place, "chunk"), value.get("chunk", 1)),
        "skip_existing": _pattern(document, (*place, "skipExisting"), value.get("skipExisting")),
        "groups": tuple(_groups(document, (*place, "groups"), value.get("groups", []))),
        "aggregate": _aggregate(document, (*place, "aggregate"), value.get("aggregate")),
        "workers": _workers(document, (*place, "queue"), value.get("queue")),
        "retry_failed": read_retry_failed(document, (*place, "retryFailed"), value),
        "tolerate": read_tolerate(document, (*place, "tolerate"), value),
        "canary": read_canary(document, (*place, "canary"), value.get("canary")),
        "fail_fast": _flag(document, (*place, "failFast"), value.get("failFast", False)),
        "when": _when(document, (*place, "when"), value.get("when")),
        "output": _output(document, (*place, "output"), value.get("output")),
        "is_finally": _flag(document, (*place, "finally"), value.get("finally", False)),
        "unsafe_shell": _flag(document, (*place, "unsafeShell"), value.get("unsafeShell", False)),
        "max_running": read_max_running(document, (*place, "maxRunning"), value.get("maxRunning")),
    }
    _check_together(document, place, value)
    return fields


def _check_together(document: Document, place: Place, value: Mapping[str, Any]) -> None:
    for key in _NEED_ITEMS:
        if key in value and "forEach" not in value:
            document.wrong_key((*place, key), f"{key} needs a forEach, whose items it shares out")
    if "aggregate" in value:
        for key in ("forEach", *_NEED_ITEMS):
            if key in value:
                problem = f"{key} and aggregate do not go together"
                document.wrong_key((*place, key), problem)
        if "output" not in value:
            document.wrong_key((*place, "aggregate"), "aggregate needs an output: where the last "
                               "level leaves the one result")  # fmt: skip
    if "queue" in value and "groups" in value:
        document.wrong_key((*place, "groups"), "groups and queue do not go together: each group "
                           "is an array of its own, a queue has one array of workers")  # fmt: skip


# --- forEach -----------------------------------------------------------------


def _for_each(document: Document, place: Place, value: Any) -> ForEach | None:
    if value is None:
        return None
    keys = set(value) if isinstance(value, dict) else set()
    for lead, members, reader in _KINDS:
        if lead in keys and not (lead == "items" and "file" in keys):
            for key in sorted(keys - set(members)):
                document.wrong_key((*place, key), unknown_key(key, members, "this forEach"))
            return reader(document, place, value)
    document.wrong(
        place,
        "forEach must be one of {file: S3URI, items: PATH}, {prefix: S3URI}, "
        "{matrix: {NAME: [...]}}, {items: [...]}, {steps: STEP}",
    )
    return None


def _file(document: Document, place: Place, value: Mapping[str, Any]) -> ForEach | None:
    file, items, form_name = value["file"], value.get("items"), value.get("format")
    if not isinstance(file, str) or not isinstance(items, str | None):
        document.wrong(
            place,
            "forEach needs a file (an S3 URI) and, for JSON, items (the path of the list, such "
            "as Items)",
        )
        return None
    if form_name is not None and form_name not in list(ListFormat):
        document.wrong((*place, "format"), f"format must be one of {', '.join(ListFormat)}")
        return None
    separator = _separator(document, place, value)
    form = None if form_name is None else ListFormat(form_name)
    if form is None and items is not None:
        form = ListFormat.JSON
    elif form is None and separator:
        form = ListFormat.CSV
    if items and form is not ListFormat.JSON:
        document.wrong((*place, "items"), f"items is a path in JSON; this file is {form}")
    if separator and form is not ListFormat.CSV:
        problem = f"separator is CSV's; this file is {form}: leave it out, or write format: csv"
        document.wrong_key((*place, "separator"), problem)
    return ListFile(file=file, format=form, items=items or "", separator=separator)


def _separator(document: Document, place: Place, value: Mapping[str, Any]) -> str:
    """What separates columns; empty if the file does not say it."""
    separator = value.get("separator")
    if separator is None:
        return ""
    if not isinstance(separator, str) or not re.fullmatch(SEPARATOR, separator):
        document.wrong(
            (*place, "separator"),
            'separator must be one character that stands between columns, such as ";" or "|": no '
            "letter, digit, quote, blank or line end; for tabs write format: tsv",
        )
        return ""
    return separator


def _listing(document: Document, place: Place, value: Mapping[str, Any]) -> ForEach | None:
    texts = {key: value.get(key, "") for key in ("prefix", "suffix", "match")}
    for key, text in texts.items():
        if not isinstance(text, str):
            document.wrong((*place, key), f"{key} must be a text")
            return None
    if not texts["prefix"].startswith(("s3://", "${")):
        document.wrong((*place, "prefix"), "prefix must be an S3 URI, such as s3://bucket/folder/")
    try:
        glob(texts["match"])
    except InvalidItems as error:
        document.wrong((*place, "match"), str(error))
    return Listing(**texts)


def _matrix(document: Document, place: Place, value: Mapping[str, Any]) -> ForEach | None:
    axes = value["matrix"]
    right = isinstance(axes, dict) and axes
    if not right or not all(isinstance(values, list) and values for values in axes.values()):
        document.wrong((*place, "matrix"), "matrix must be a mapping of names to lists of values")
        return None
    return Matrix(axes={name: tuple(values) for name, values in axes.items()})


def _inline(document: Document, place: Place, value: Mapping[str, Any]) -> ForEach | None:
    items = value["items"]
    if not isinstance(items, list):
        document.wrong((*place, "items"), "items must be a list; a path in a file needs a `file`")
        return None
    return InlineItems(items=tuple(items))


def _steps(document: Document, place: Place, value: Mapping[str, Any]) -> ForEach | None:
    if not isinstance(value["steps"], str):
        document.wrong((*place, "steps"), "steps must be the name of a step")
        return None
    return StepOutputs(step=value["steps"])


_KINDS: tuple[
    tuple[str, tuple[str, ...], Callable[[Document, Place, Mapping[str, Any]], ForEach | None]], ...
] = (
    ("file", ("file", "items", "format", "separator"), _file),
    ("prefix", ("prefix", "suffix", "match"), _listing),
    ("matrix", ("matrix",), _matrix),
    ("items", ("items",), _inline),
    ("steps", ("steps",), _steps),
)
"""How each form is known, what else it may say, and its reader."""


# --- the rest ----------------------------------------------------------------


def _chunk(document: Document, place: Place, value: Any) -> int | None:
    if value == "auto":
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        document.wrong(place, "chunk must be a number of items, 1 or more, or auto")
        return 1
    return value


def _pattern(document: Document, place: Place, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or "${item" not in value:
        document.wrong(
            place,
            "skipExisting must be the URI of an item's output, with ${item.…} in it, such as "
            "s3://bucket/out/${item.name}",
        )
        return None
    if "${item.number}" in value:
        document.wrong(place, "an item's number is not known before it is known what is skipped")
    return value


def _groups(document: Document, place: Place, value: Any) -> list[Group]:
    if not isinstance(value, list):
        document.wrong(place, "groups must be a list of {when: CONDITION, containerOverrides: …}")
        return []
    groups = []
    for number, entry in enumerate(value):
        inner = (*place, number)
        if not isinstance(entry, dict):
            document.wrong(inner, "a group must be {when: CONDITION, containerOverrides: …}")
            continue
        overrides = read_overrides(document, inner, entry, ("when",), "a group")
        if "when" not in entry and number < len(value) - 1:
            document.wrong(inner, "only the last group may leave out when: it takes all the rest")
        when = _condition(document, (*inner, "when"), entry.get("when"))
        for name in sorted(when.names if when else ()):
            if name.partition(".")[0] != "item":
                problem = (
                    f"{name} means nothing in a group: write item.size or item.FIELD; a text "
                    f"stands in quotes: '{name}'"
                )
                document.wrong((*inner, "when"), problem)
        groups.append(Group(when=when.text if when else None, overrides=overrides))
    return groups


def _aggregate(document: Document, place: Place, value: Any) -> Aggregate | None:
    if value is None:
        return None
    of = value.get("of") if isinstance(value, dict) else None
    fan_in = value.get("fanIn") if isinstance(value, dict) else None
    is_number = isinstance(fan_in, int) and not isinstance(fan_in, bool)
    if not isinstance(of, str) or fan_in is None or not is_number or set(value) - {"of", "fanIn"}:
        document.wrong(place, "aggregate must be {of: STEP, fanIn: NUMBER}")
        return None
    if not FAN_IN_MIN <= fan_in <= FAN_IN_MAX:
        problem = f"fanIn must be {FAN_IN_MIN} to {FAN_IN_MAX:,}, not {fan_in:,}"
        document.wrong((*place, "fanIn"), problem)
    return Aggregate(of=of, fan_in=fan_in)


def _workers(document: Document, place: Place, value: Any) -> int | None:
    if value is None:
        return None
    workers = value.get("workers") if isinstance(value, dict) else None
    if not isinstance(workers, int) or isinstance(workers, bool) or set(value) != {"workers"}:
        document.wrong(place, "queue must be {workers: NUMBER}")
        return None
    if not 1 <= workers <= ARRAY_SIZE_MAX:
        document.wrong((*place, "workers"), f"workers must be 1 to {ARRAY_SIZE_MAX:,}")
    return workers


def _when(document: Document, place: Place, value: Any) -> str | None:
    condition = _condition(document, place, value)
    return None if condition is None else condition.text


def _condition(document: Document, place: Place, value: Any) -> Condition | None:
    if value is None:
        return None
    if not isinstance(value, str):
        document.wrong(place, 'a condition is a text, such as "params.mode == full"')
        return None
    try:
        return parse_condition(value)
    except InvalidPipeline as error:
        document.wrong(place, str(error))
        return None


def _flag(document: Document, place: Place, value: Any) -> bool:
    if not isinstance(value, bool):
        document.wrong(place, f"{place[-1]} must be true or false")
    return value is True


def _output(document: Document, place: Place, value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        document.wrong(place, "output must be a text: the URI where the step leaves its result")
        return None
    return value
