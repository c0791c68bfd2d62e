"""What is ours in a pipeline file, outside its steps: params, timeout, `${…}`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from batchrelay.domain.limits import RUN_TIMEOUT_S_MIN
from batchrelay.domain.pipeline import Param, ParamType
from batchrelay.domain.templates import references
from batchrelay.domain.values import NAME
from batchrelay.domain.variables import FAILURE_LISTS, RUN_STATUS, looks_right
from batchrelay_cli.pipeline_file.document import Document, Place
from batchrelay_cli.pipeline_file.shapes import unknown_key

PARAM_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_DURATION = re.compile(r"(?P<number>[0-9]{1,9})(?P<unit>[smhd]?)")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_TOKENS = re.compile(r"\$\$\{|\$\{[^}]*\}")
_PARAM_KEYS = ("type", "default", "description")

RUN_VARIABLES = ("run.id", "run.startedAt", "env.bucket", "env.topicArn")

ONLY_FINALLY = (
    "${run.status} is known once the ordinary steps have ended: only a step with "
    "flow: {finally: true} may ask for it"
)


def read_params(document: Document, value: Any) -> tuple[Param, ...]:
    """`params:`: a default, or {type, default, description}."""
    if not isinstance(value, dict):
        document.wrong(("params",), "params must be a mapping of names to defaults")
        return ()
    return tuple(_param(document, name, definition) for name, definition in value.items())


def _param(document: Document, name: str, definition: Any) -> Param:
    place: Place = ("params", name)
    if not PARAM_NAME.fullmatch(name):
        document.wrong_key(place, f"the parameter name {name!r} may hold letters, digits, - and _")
    if not isinstance(definition, dict):
        return Param(name=name, default=_text(document, place, definition))
    for key in definition:
        if key not in _PARAM_KEYS:
            document.wrong_key((*place, key), unknown_key(key, _PARAM_KEYS, "a parameter"))
    kind = definition.get("type", "string")
    if kind not in list(ParamType):
        document.wrong((*place, "type"), f"type must be one of {', '.join(ParamType)}")
        kind = "string"
    default = definition.get("default")
    text = None if default is None else _text(document, (*place, "default"), default)
    if text is not None and "${" not in text and not looks_right(ParamType(kind), text):
        document.wrong((*place, "default"), f"the default {text!r} is not of type {kind}")
    return Param(
        name=name,
        type=ParamType(kind),
        default=text,
        description=str(definition.get("description", "")),
    )


def _text(document: Document, place: Place, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    document.wrong(place, "a parameter's default must be a text or a number")
    return ""


def seconds_of(value: Any) -> int | None:
    """Seconds, or a number with its unit; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    match = _DURATION.fullmatch(str(value))
    return None if match is None else int(match["number"]) * _SECONDS[match["unit"] or "s"]


def read_timeout(document: Document, value: Any) -> int | None:
    """`timeout:`: seconds, or a number with its unit."""
    if value is None:
        return None
    seconds = seconds_of(value)
    if seconds is None or seconds < RUN_TIMEOUT_S_MIN:
        document.wrong(
            ("timeout",),
            f"timeout is how long a run may take, at least {RUN_TIMEOUT_S_MIN} s: write seconds, "
            f"or a number with s, m, h or d, such as `timeout: 6h`; got {value!r}",
        )
        return None
    return seconds


SWITCHES: Mapping[str, tuple[bool, str]] = {
    "jobTags": (True, "whether jobs have our tags"),
    "report": (False, "whether a run leaves its report in S3 when it ends"),
}
"""Keys at the top that are true or false: what they are unless written, and what they say."""


def read_switch(document: Document, data: Mapping[str, Any], name: str) -> bool:
    """One of SWITCHES."""
    usual, meaning = SWITCHES[name]
    value = data.get(name, usual)
    if not isinstance(value, bool):
        document.wrong((name,), f"{name} is true or false: {meaning}; got {value!r}")
        return usual
    return value


def _bad_name(what: str, name: str) -> str:
    return (
        f"{what} {name!r} must begin with a letter or digit and go on with letters, digits, - "
        "and _, 128 characters at most"
    )


def check_name(document: Document, place: Place, what: str, name: str) -> None:
    """A name must be one that AWS Batch takes."""
    if not NAME.fullmatch(name):
        document.wrong(place, _bad_name(what, name))


def check_variables(
    document: Document, value: Any, place: Place, names: Collection[str], *, items: bool = False
) -> None:
    """Every `${…}` in a value's strings must mean something there; with `items`, of an item too."""
    for inner, text in strings(value, place):
        if "${" in _TOKENS.sub("", text):
            document.wrong(inner, "a ${ without its }: close it, or write $${ for a literal ${")
        for reference in references(text):
            is_item = reference.name.partition(".")[0] == "item"
            if reference.name not in names and not (is_item and items):
                document.wrong(inner, _unknown_variable(reference.name, names))


def strings(value: Any, place: Place) -> Iterator[tuple[Place, str]]:
    """Every string of a document with its place; keys are not values."""
    match value:
        case str():
            yield place, value
        case dict():
            for key, inner in value.items():
                yield from strings(inner, (*place, key))
        case list():
            for index, inner in enumerate(value):
                yield from strings(inner, (*place, index))


def _unknown_variable(name: str, names: Collection[str]) -> str:
    if name.startswith("trigger."):
        trigger_names = ", ".join(sorted(variable for variable in names if "trigger." in variable))
        return (
            f"${{{name}}}: no trigger of this file gives it; they give {trigger_names or 'nothing'}"
        )
    if name == RUN_STATUS:
        return ONLY_FINALLY
    if name == "items.file":
        return "${items.file} is known only inside a step with flow.forEach"
    parts = name.split(".")
    if len(parts) == 3 and parts[0] == "steps" and parts[2] == "output" and name not in names:
        close = difflib.get_close_matches(name, names, n=1, cutoff=0.85)
        hint = f"; did you mean ${{{close[0]}}}?" if close else ""
        return f"${{{name}}}: {parts[1]} is no step before this one that has a flow.output{hint}"
    if len(parts) == 3 and parts[0] == "steps" and parts[2] in FAILURE_LISTS:
        return (
            f"${{{name}}}: {parts[1]} is no step that has ended before this one begins (an N_TO_N "
            "step has not) and has flow.tolerate or flow.retryFailed"
        )
    if name.partition(".")[0] == "item":
        return (
            f"${{{name}}}: the children of an array share one request, which knows no item: write "
            f"{{{name}}} behind `batchrelay-worker run --`"
        )
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f"${{{name}}} means nothing here: did you mean ${{{close[0]}}}?"
    names_text = ", ".join(sorted(names)) or "nothing"
    return f"${{{name}}} means nothing here; known are {names_text} (write $${{ for a literal ${{)"
