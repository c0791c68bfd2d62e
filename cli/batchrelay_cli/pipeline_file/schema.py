"""The pipeline file as a JSON Schema, for editors: what `lint` knows of one place alone.

AWS's requests come from botocore's model, with its sentences.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from batchrelay.domain.failure_names import EXIT_CODE_CLASS
from batchrelay.domain.limits import (
    ARRAY_SIZE_MAX,
    ARRAY_SIZE_MIN,
    ATTEMPTS_MAX,
    BUDGET_USD_MAX,
    DEBOUNCE_S_MAX,
    DEBOUNCE_S_MIN,
    MAX_RUNNING_MAX,
    PRIORITY_MAX,
    RETRY_RULES_MAX,
    STEPS_MAX,
    TIMEOUT_S_MIN,
)
from batchrelay.domain.pipeline import ListFormat, Overlap, ParamType
from batchrelay.domain.values import NAME
from batchrelay_cli.pipeline_file.definitions import DESCRIBED
from batchrelay_cli.pipeline_file.fields import PARAM_NAME
from batchrelay_cli.pipeline_file.flow import FAN_IN_MAX, FAN_IN_MIN, SEPARATOR
from batchrelay_cli.pipeline_file.notices import OUTCOMES
from batchrelay_cli.pipeline_file.overrides import OF_THE_STEP
from batchrelay_cli.pipeline_file.retries import (
    MEMORY_FACTOR,
    RETRIED_CLASSES,
    ROUNDS_MAX,
)
from batchrelay_cli.pipeline_file.shapes import request_shape

Schema = dict[str, Any]

_TYPES = {"string": "string", "integer": "integer", "long": "integer", "boolean": "boolean"}
_TEXT: Schema = {"type": "string"}
_NAME: Schema = {"type": "string", "pattern": f"^{NAME.pattern}$"}
_DURATION: Schema = {
    "anyOf": [{"type": "integer"}, {"type": "string", "pattern": "^[0-9]+[smhd]?$"}]
}
_DEBOUNCE: Schema = {
    "anyOf": [
        {"type": "integer", "minimum": DEBOUNCE_S_MIN, "maximum": DEBOUNCE_S_MAX},
        {"type": "string", "pattern": "^0*[1-9][0-9]*[smh]?$"},
    ]
}
_LIMITS: Mapping[tuple[str, str], Schema] = {
    ("RetryStrategy", "attempts"): {"minimum": 1, "maximum": ATTEMPTS_MAX},
    ("RetryStrategy", "evaluateOnExit"): {"maxItems": RETRY_RULES_MAX},
    ("JobTimeout", "attemptDurationSeconds"): {"minimum": TIMEOUT_S_MIN},
    ("SubmitJobRequest", "schedulingPriorityOverride"): {"minimum": 0, "maximum": PRIORITY_MAX},
    ("RegisterJobDefinitionRequest", "schedulingPriority"): {"minimum": 0, "maximum": PRIORITY_MAX},
}
"""What the model does not say of a member, by its shape and name."""
_VALUE: Schema = {"type": ["string", "number", "boolean"]}


def pipeline_schema() -> Schema:
    """JSON Schema, draft 2020-12."""
    shapes = _Shapes()
    submit = request_shape("SubmitJob")
    steps = {"type": "array", "minItems": 1, "maxItems": STEPS_MAX, "items": _step(shapes)}
    defaults = _members(shapes, submit, without=("jobName", "dependsOn"))
    document = _object(
        required=("pipeline", "steps"),
        pipeline=_described("Its name.", _NAME),
        params=_described(
            "Name: default, or {type, default, description}. Without a default a run must give it.",
            {"type": "object", "propertyNames": {"pattern": f"^{PARAM_NAME.pattern}$"}}
            | {"additionalProperties": {"anyOf": [_VALUE, _param()]}},
        ),
        defaults=_described(
            "SubmitJob fields that are merged under every step.", _object(**defaults)
        ),
        steps=_described("SubmitJob requests, each with a `flow`.", steps),
        notify=_described("SNS notices at the end of a run.", _list(_notice())),
        triggers=_described("What starts runs: uploads and schedules.", _list(_trigger())),
        timeout=_described("How long a run may take, such as 6h.", _DURATION),
        jobTags=_described(
            "Whether jobs have tags of their pipeline, run and step.", {"type": "boolean"}
        ),
        report=_described(
            "Whether a run leaves its report in S3 when it ends.", {"type": "boolean"}
        ),
        budget=_described("How much a run may cost before it waits for you.", _budget()),
        jobDefinitions=_described("RegisterJobDefinition requests.", _list(_definition(shapes))),
    )
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A pipeline of batchrelay",
    }
    return head | document | {"$defs": dict(sorted(shapes.defs.items()))}


def _budget() -> Schema:
    price: Schema = {"type": "number", "minimum": 0}
    rate = _object(required=("vcpuHour", "gibHour"), vcpuHour=price, gibHour=price)
    return _object(
        required=("usd",),
        usd=_described(
            "US dollars.", {"type": "number", "exclusiveMinimum": 0, "maximum": BUDGET_USD_MAX}
        ),
        rates=_described(
            "By job queue: what an hour costs that has no listed price.",
            {"type": "object", "additionalProperties": rate},
        ),
    )


def _definition(shapes: _Shapes) -> Schema:
    register = request_shape("RegisterJobDefinition")
    return _object(
        required=register.required_members,
        **_members(shapes, register),
        **{
            name: {"description": "DescribeJobDefinitions returns it; batchrelay ignores it."}
            for name in DESCRIBED
        },
    )


class _Shapes:
    """Shapes of botocore's model as definitions, each once."""

    def __init__(self) -> None:
        self.defs: dict[str, Schema] = {}

    def of(self, shape: Shape) -> Schema:
        match shape:
            case StructureShape():
                if shape.name not in self.defs:
                    self.defs[shape.name] = {}  # it may hold itself
                    members = _members(self, shape)
                    self.defs[shape.name] = _object(required=shape.required_members, **members)
                return {"$ref": f"#/$defs/{shape.name}"}
            case ListShape():
                return _list(self.of(shape.member))
            case MapShape():
                return {"type": "object", "additionalProperties": self.of(shape.value)}
            case _:
                schema: Schema = {"type": _TYPES.get(shape.type_name, "number")}
                choices = getattr(shape, "enum", None)
                return schema | ({"enum": list(choices)} if choices else {})


def _members(shapes: _Shapes, shape: StructureShape, without: Iterable[str] = ()) -> Schema:
    return {
        name: _described(_sentence(member.documentation), shapes.of(member))
        | _LIMITS.get((shape.name, name), {})
        for name, member in shape.members.items()
        if name not in without
    }


def _step(shapes: _Shapes) -> Schema:
    submit = request_shape("SubmitJob")
    size = {"type": "integer", "minimum": ARRAY_SIZE_MIN, "maximum": ARRAY_SIZE_MAX}
    param = {"type": "string", "pattern": r"^\$\{params\.[^}]+\}$"}
    edge = [
        _object(required=("jobName",), jobName=_TEXT, type={"enum": ["N_TO_N"]}),
        _object(required=("type",), type={"enum": ["SEQUENTIAL"]}),
    ]
    ours = {
        "jobName": _described("The step's name in the pipeline.", _NAME),
        "dependsOn": _described("Steps that it waits for.", _list({"anyOf": edge})),
        "arrayProperties": _described(
            "A size that is known; one that is found out is `flow.forEach`.",
            _object(required=("size",), size={"anyOf": [size, param]}),
        ),
        "flow": _described("What AWS Batch has no word for.", _flow(shapes)),
    }
    members = _members(shapes, submit) | ours
    return _object(required=("jobName",), **members)


def _flow(shapes: _Shapes) -> Schema:
    submit = _members(shapes, request_shape("SubmitJob"), OF_THE_STEP)
    one = {"type": "integer", "minimum": 1}
    of, fan_in = _TEXT, {"type": "integer", "minimum": FAN_IN_MIN, "maximum": FAN_IN_MAX}
    workers = {"type": "integer", "minimum": 1, "maximum": ARRAY_SIZE_MAX}
    return _object(
        forEach=_described("What it fans out over: a child for each item.", {"anyOf": _for_each()}),
        chunk=_described("Items of one child; auto measures.", {"anyOf": [one, {"const": "auto"}]}),
        skipExisting=_described("Leave items out whose output, this URI, is there.", _TEXT),
        groups=_described(
            "Resource classes: the first that holds takes the item.",
            _list(_object(when=_TEXT, **submit)),
        ),
        aggregate=_described(
            "Tree reduction of another step's outputs.",
            _object(required=("of", "fanIn"), of=of, fanIn=fan_in),
        ),
        queue=_described(
            "The items go into a queue that so many children pull from.",
            _object(required=("workers",), workers=workers),
        ),
        retryFailed=_described(
            "Further rounds, over the items that failed in the one before.", _retry_failed(submit)
        ),
        tolerate=_described("Failed items with which it ends PARTIAL.", {"anyOf": _tolerate()}),
        canary=_described("So many items of each group run before the rest.", one),
        failFast=_described(
            "Stopped once more items failed than it tolerates.", {"type": "boolean"}
        ),
        when=_described("SKIPPED if this condition does not hold.", _TEXT),
        output=_described("Where it leaves its result.", _TEXT),
        **{"finally": _described("Runs when the other steps have ended.", {"type": "boolean"})},
        unsafeShell=_described("Values may stand in the code of a shell.", {"type": "boolean"}),
        maxRunning=_described(
            "So many of its children run at a time, whatever there is room for.",
            one | {"maximum": MAX_RUNNING_MAX},
        ),
    )


def _retry_failed(submit: Schema) -> Schema:
    named = {
        "anyOf": [{"enum": list(RETRIED_CLASSES)}, _TEXT | {"pattern": f"^{EXIT_CODE_CLASS}$"}]
    }
    return _object(
        required=("rounds",),
        rounds={"type": "integer", "minimum": 1, "maximum": ROUNDS_MAX},
        when=_described("The classes of failures that run again.", _list(named) | {"minItems": 1}),
        memory=_described(
            "By what an item's memory grows each time that it ran out of memory.",
            _TEXT | {"pattern": f"^{MEMORY_FACTOR}$"},
        ),
        **submit,
    )


def _tolerate() -> list[Schema]:
    return [
        _object(required=("count",), count={"type": "integer", "minimum": 0}),
        _object(required=("percent",), percent={"type": "number", "minimum": 0, "maximum": 100}),
    ]


def _for_each() -> list[Schema]:
    axes = {"type": "object", "minProperties": 1, "additionalProperties": {"type": "array"}}
    return [
        _object(
            required=("file",),
            file=_TEXT,
            items=_TEXT,
            format=_described(
                "Needed if the name of the file does not show it.", {"enum": list(ListFormat)}
            ),
            separator=_described(
                "Of CSV's columns; a comma by default.",
                _TEXT | {"pattern": f"^(?:{SEPARATOR})$"},
            ),
        ),
        _object(required=("prefix",), prefix=_TEXT, suffix=_TEXT, match=_TEXT),
        _object(required=("matrix",), matrix=axes),
        _object(required=("items",), items={"type": "array"}),
        _object(required=("steps",), steps=_TEXT),
    ]


def _param() -> Schema:
    return _object(type={"enum": list(ParamType)}, default=_VALUE, description=_TEXT)


def _notice() -> Schema:
    on = _list({"enum": list(OUTCOMES)})
    presign = _described("How long a presigned URL of the link is valid.", _DURATION)
    return _object(required=("topicArn",), topicArn=_TEXT, on=on, link=_TEXT, presign=presign)


def _trigger() -> Schema:
    overlap = {"enum": list(Overlap)}
    upload = _object(
        required=("bucket",),
        bucket=_TEXT,
        prefix=_TEXT,
        suffix=_TEXT,
        debounce=_described("Uploads become one run, once no other came for this time.", _DEBOUNCE),
        overlap=_described("What happens while a run is open.", overlap),
    )
    schedule = _object(
        required=("expression",),
        expression=_described("rate(…), cron(…) or at(…) of EventBridge Scheduler.", _TEXT),
        timezone=_TEXT,
        overlap=_described("What happens while a run is open.", overlap),
    )
    return {
        "anyOf": [
            _object(required=("s3",), s3=upload),
            _object(required=("schedule",), schedule=schedule),
        ]
    }


def _object(*, required: Iterable[str] = (), **properties: Schema) -> Schema:
    schema: Schema = {"type": "object", "additionalProperties": False, "properties": properties}
    names = list(required)
    return schema | ({"required": names} if names else {})


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _described(description: str, schema: Schema) -> Schema:
    return {"description": description, **schema} if description else schema


def _sentence(documentation: str) -> str:
    """The first sentence of AWS's own documentation."""
    text = html.unescape(re.sub(r"<[^>]+>", "", documentation)).strip()
    return re.split(r"(?<=[a-z)]\.)\s", text, maxsplit=1)[0]
