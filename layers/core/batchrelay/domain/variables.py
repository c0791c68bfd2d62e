"""What `${…}` may mean: the run's own values, its parameters, its steps' outputs and failures."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from batchrelay.domain.errors import InvalidParams, ParamsTooLong
from batchrelay.domain.finally_steps import ordinary_status, ordinary_steps_have_ended
from batchrelay.domain.item import literal_prefix
from batchrelay.domain.limits import PARAMS_BYTES_MAX
from batchrelay.domain.pipeline import Param, ParamType, Pipeline
from batchrelay.domain.retry_rounds import is_written_to_go_on
from batchrelay.domain.run import Run
from batchrelay.domain.step_state import StepState, StepStatus
from batchrelay.domain.templates import expand, references
from batchrelay.domain.values import Json, failures_uri, succeeded_uri

_LOOKS_RIGHT: Mapping[ParamType, Callable[[str], bool]] = {
    ParamType.STRING: lambda _: True,
    ParamType.S3URI: lambda text: re.fullmatch(r"s3://[^/]+(/.*)?", text, re.DOTALL) is not None,
    ParamType.INTEGER: lambda text: re.fullmatch(r"[+-]?\d+", text) is not None,
    ParamType.NUMBER: lambda text: (
        re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", text) is not None
    ),
    ParamType.BOOLEAN: lambda text: text in ("true", "false"),
}
_EXAMPLE: Mapping[ParamType, str] = {
    ParamType.STRING: "text",
    ParamType.S3URI: "s3://bucket/prefix/",
    ParamType.INTEGER: "10",
    ParamType.NUMBER: "0.5",
    ParamType.BOOLEAN: "true",
}


def looks_right(kind: ParamType, text: str) -> bool:
    """Whether a text is one of a parameter's type."""
    return _LOOKS_RIGHT[kind](text)


def run_variables(
    run_id: str,
    started_at: datetime,
    environment: Mapping[str, str],
    trigger: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """`run.*`, `env.*` and `trigger.*`: known from the first moment of a run."""
    variables = {"run.id": run_id, "run.startedAt": started_at.strftime("%Y-%m-%dT%H:%M:%SZ")}
    variables |= {f"env.{name}": value for name, value in environment.items()}
    return variables | {f"trigger.{name}": value for name, value in (trigger or {}).items()}


def check_trigger_variables(pipeline: Pipeline, variables: Mapping[str, str]) -> None:
    """That a run has every `${trigger.…}` that its steps and notices refer to.

    Raises: InvalidParams.
    """
    for text in _texts((pipeline.steps, pipeline.notify)):
        for reference in references(text):
            if reference.name.startswith("trigger.") and reference.name not in variables:
                raise InvalidParams(
                    f"this pipeline refers to ${{{reference.name}}}, which only its triggers give: "
                    "to start it by hand too, make it the default of a parameter"
                )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, tuple | list):
        for inner in value:
            yield from _texts(inner)
    elif is_dataclass(value):
        for known in fields(value):
            yield from _texts(getattr(value, known.name))


def resolve_params(
    pipeline: Pipeline, given: Mapping[str, str], variables: Mapping[str, str]
) -> dict[str, str]:
    """The value of every parameter: as given, or its default with `${…}` expanded.

    Raises:
        InvalidParams: unknown, missing or malformed parameters; every one is named.
    """
    trigger = {name: text for name, text in variables.items() if name.startswith("trigger.")}
    _check_size(trigger, given)
    problems = list(_param_problems(pipeline, given))
    if problems:
        raise InvalidParams("; ".join(problems))
    values = {f"params.{name}": value for name, value in given.items()}
    waiting = {param.name: param for param in pipeline.params if param.name not in given}
    while waiting:
        ready = [p for p in waiting.values() if _is_resolvable(p, values, variables)]
        if not ready:
            raise InvalidParams(_unresolvable(waiting.values()))
        for param in ready:
            assert param.default is not None, param
            value = expand(param.default, {**variables, **values})
            if not looks_right(param.type, value):
                raise InvalidParams(_malformed(param, value))
            values[f"params.{param.name}"] = value
            _check_size(trigger, values)  # at once: defaults refer to defaults, and double
            del waiting[param.name]
    return {name.removeprefix("params."): value for name, value in values.items()}


def _check_size(trigger: Mapping[str, str], params: Mapping[str, str]) -> None:
    """Raises: ParamsTooLong."""
    size = sum(
        len(name.removeprefix("params.").removeprefix("trigger.").encode()) + len(text.encode())
        for texts in (trigger, params)
        for name, text in texts.items()
    )
    if size > PARAMS_BYTES_MAX:
        what = "the parameters and the trigger's values" if trigger else "the parameters"
        raise ParamsTooLong(
            f"{what} are {size:,} bytes; a run keeps {PARAMS_BYTES_MAX:,}: put long "
            "lists into a file in S3 and pass its URI"
        )


def _unresolvable(params: Iterable[Param]) -> str:
    for param in params:
        for reference in references(param.default or ""):
            if reference.name.startswith("trigger."):
                return (
                    f"parameter {param.name} is missing: give {param.name}=VALUE "
                    f"(only a trigger gives ${{{reference.name}}})"
                )
    names = ", ".join(param.name for param in params)
    return f"defaults refer to each other in a circle: {names}"


def _is_resolvable(param: Param, values: Mapping[str, str], variables: Mapping[str, str]) -> bool:
    assert param.default is not None, param
    return all(ref.name in values or ref.name in variables for ref in references(param.default))


def _param_problems(pipeline: Pipeline, given: Mapping[str, str]) -> Iterator[str]:
    known = {param.name: param for param in pipeline.params}
    for name, value in given.items():
        if name not in known:
            names = ", ".join(sorted(known)) or "none"
            yield f"unknown parameter {name} (this pipeline has: {names})"
        elif not looks_right(known[name].type, value):
            yield _malformed(known[name], value)
    for param in pipeline.params:
        if param.default is None and param.name not in given:
            about = f" ({param.description})" if param.description else ""
            yield f"parameter {param.name} is missing{about}: give {param.name}=VALUE"


def _malformed(param: Param, value: str) -> str:
    return (
        f"parameter {param.name} must be {_ARTICLE[param.type]}, such as "
        f"{_EXAMPLE[param.type]}; got {value!r}"
    )


_ARTICLE: Mapping[ParamType, str] = {
    ParamType.STRING: "a string",
    ParamType.S3URI: "an S3 URI",
    ParamType.INTEGER: "an integer",
    ParamType.NUMBER: "a number",
    ParamType.BOOLEAN: "true or false",
}


def variables_of(run: Run) -> dict[str, str]:
    """Everything that `${…}` means in a run, but for a step's own `items.file`.

    The output of a step that has one for each item is the folder before the first `${item…}`.
    """
    variables = run_variables(run.id, run.started_at, run.environment, run.trigger)
    variables |= {f"params.{name}": value for name, value in run.params.items()}
    for step in run.pipeline.order:
        if step.output is not None:
            output = literal_prefix(expand(step.output, variables))
            variables[f"steps.{step.name}.output"] = output
        if is_written_to_go_on(run.pipeline, step):
            lists = _failure_lists(run.state(step.name))
            variables |= {f"steps.{step.name}.{what}": uri for what, uri in lists.items()}
    if run.pipeline.has_finally_steps and ordinary_steps_have_ended(run):
        variables[RUN_STATUS] = str(ordinary_status(run))
    return variables


RUN_STATUS = "run.status"
"""What the ordinary steps came to; only finally steps may ask."""


FAILURE_LISTS = ("failures", "succeeded")
"""`steps.NAME.…`: the items of a step that collects its failures, once it has ended."""


def _failure_lists(state: StepState) -> dict[str, str]:
    """URIs; nothing of a step without failures. Behind a step that is FAILED nothing runs."""
    folder = state.failures if state.status is StepStatus.PARTIAL else ""
    uris = (failures_uri(folder), succeeded_uri(folder)) if folder else ("", "")
    return dict(zip(FAILURE_LISTS, uris, strict=True))


def condition_lookup(run: Run) -> Callable[[str], Json]:
    """What the names of a step's `when` mean: the run's variables, and what became of steps."""
    variables = variables_of(run)
    outcomes = {
        f"steps.{name}.{what}": value
        for name, state in run.steps.items()
        for what, value in _outcome(state).items()
    }
    return lambda name: variables.get(name, outcomes.get(name))


STEP_OUTCOMES = ("status", "items", "existing", "children", "failed")
"""What `steps.NAME.…` says of a step in a condition, beside its output."""


def _outcome(state: StepState) -> dict[str, Json]:
    values = (str(state.status), state.items, state.existing, state.children, state.failed)
    return dict(zip(STEP_OUTCOMES, values, strict=True))
