"""A file in, a checked pipeline out; or every problem at once."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchrelay.codec import pipeline_text
from batchrelay.domain.budget import Budget
from batchrelay.domain.conditions import END_STATUSES, parse_condition
from batchrelay.domain.errors import InvalidPipeline
from batchrelay.domain.pipeline import Param, ParamType, Pipeline, Step, Trigger
from batchrelay.domain.templates import references
from batchrelay.domain.variables import FAILURE_LISTS, RUN_STATUS
from batchrelay_cli.pipeline_file.budget import check_budget, read_budget
from batchrelay_cli.pipeline_file.commands import check_commands
from batchrelay_cli.pipeline_file.container_use import with_containers_named
from batchrelay_cli.pipeline_file.definition_use import check_use
from batchrelay_cli.pipeline_file.definitions import read_definitions
from batchrelay_cli.pipeline_file.document import Document, Place, parse
from batchrelay_cli.pipeline_file.early_stops import check_early_stops
from batchrelay_cli.pipeline_file.edges import check_graph, cycles, has_file, is_array
from batchrelay_cli.pipeline_file.fields import (
    ONLY_FINALLY,
    RUN_VARIABLES,
    SWITCHES,
    check_name,
    check_variables,
    read_params,
    read_switch,
    read_timeout,
)
from batchrelay_cli.pipeline_file.finally_use import (
    check_finally,
    outcome_names,
    own_variables,
    visible_steps,
)
from batchrelay_cli.pipeline_file.first_run import check_first_run
from batchrelay_cli.pipeline_file.max_running import check_max_running
from batchrelay_cli.pipeline_file.notices import check_presigned, read_notices
from batchrelay_cli.pipeline_file.order import collecting_steps, ended_before, steps_before
from batchrelay_cli.pipeline_file.problems import PipelineFileError, Problem
from batchrelay_cli.pipeline_file.reach import check_reach
from batchrelay_cli.pipeline_file.retry_use import check_queues, check_rounds, with_memory
from batchrelay_cli.pipeline_file.shapes import meant_key, unknown_key
from batchrelay_cli.pipeline_file.shell_code import check_code
from batchrelay_cli.pipeline_file.steps import read_defaults, read_steps
from batchrelay_cli.pipeline_file.tag_use import check_tags
from batchrelay_cli.pipeline_file.triggers import (
    EVERY_TRIGGER,
    check_params,
    read_triggers,
    trigger_variables,
)

_TOP = (
    "pipeline",
    "params",
    "defaults",
    "steps",
    "notify",
    "triggers",
    "timeout",
    "jobTags",
    "report",
    "budget",
    "jobDefinitions",
)


_NEVER_NUMBERS = (ParamType.BOOLEAN, ParamType.S3URI)


@dataclass(frozen=True, kw_only=True)
class PipelineFile:
    """A pipeline file that is right."""

    path: Path
    pipeline: Pipeline
    definitions: tuple[Mapping[str, Any], ...]
    """RegisterJobDefinition requests."""
    warnings: tuple[Problem, ...]
    document: Document
    """For those who find more problems later and know only where."""


def read(path: Path) -> PipelineFile:
    """Read and check a file.

    Raises:
        PipelineFileError: with every problem that was found.
    """
    try:
        text = path.read_text(encoding="utf-8").removeprefix("\ufeff")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise PipelineFileError(
            path, [Problem(line=1, column=1, message=f"cannot be read: {reason}")]
        ) from None
    document = parse(text, is_json=path.suffix == ".json")
    if document.data is None and document.errors:
        raise PipelineFileError(path, document.errors)
    pipeline, definitions = read_document(document)
    if document.errors or pipeline is None:
        raise PipelineFileError(path, document.errors)
    return PipelineFile(
        path=path,
        pipeline=pipeline,
        definitions=definitions,
        warnings=tuple(document.warnings),
        document=document,
    )


def read_document(document: Document) -> tuple[Pipeline | None, tuple[Mapping[str, Any], ...]]:
    """The pipeline, unless something is wrong, and the job definitions. No check stops another."""
    data = document.data
    if not isinstance(data, dict):
        document.wrong((), "a pipeline file is a mapping that begins with `pipeline: NAME`")
        return None, ()
    data = _check_top(document, data)
    params = read_params(document, data.get("params", {}))
    defaults = read_defaults(document, data.get("defaults", {}))
    steps = read_steps(document, data.get("steps"), defaults)
    notify = read_notices(document, data.get("notify", []))
    triggers, assumed = _read_triggers(document, data.get("triggers", []), params)
    timeout_s, budget = _read_bounds(document, data)
    job_tags, report = (read_switch(document, data, name) for name in SWITCHES)
    definitions = read_definitions(document, data.get("jobDefinitions", []))
    entries: Any = data.get("steps")
    steps = _checked_steps(document, data, steps, defaults, definitions, job_tags=job_tags)
    _check_all_variables(document, data, params, steps, trigger_variables(assumed))
    if document.errors:
        return None, definitions
    pipeline = Pipeline(
        name=data["pipeline"],
        version=1,
        steps=tuple(step for _, step in steps),
        params=params,
        notify=notify,
        triggers=triggers,
        timeout_s=timeout_s,
        job_tags=job_tags,
        report=report,
        budget=budget,
    )
    _check_pipeline(document, pipeline, entries, defaults)
    return pipeline, definitions


def _checked_steps(
    document: Document,
    data: Mapping[str, Any],
    steps: tuple[tuple[int, Step], ...],
    defaults: Mapping[str, Any],
    definitions: tuple[Mapping[str, Any], ...],
    *,
    job_tags: bool,
) -> tuple[tuple[int, Step], ...]:
    """The steps beside job definitions and each other; with what they take from these."""
    entries: Any = data.get("steps")
    for check in (check_commands, check_code):
        check(document, entries, defaults, data.get("jobDefinitions"))
    steps = with_containers_named(document, steps, entries, defaults, definitions)
    steps = with_memory(document, steps, definitions)
    _check_steps(document, steps, definitions)
    check_use(document, steps, entries, defaults, definitions)
    check_tags(document, steps, entries, defaults, definitions, job_tags=job_tags)
    _check_order(document, steps, entries)
    return steps


def _check_order(document: Document, steps: tuple[tuple[int, Step], ...], entries: Any) -> None:
    check_graph(document, steps, entries)
    check_finally(document, steps, entries)


def _read_bounds(document: Document, data: Mapping[str, Any]) -> tuple[int | None, Budget | None]:
    """How long a run may take, and what it may cost."""
    timeout_s = read_timeout(document, data.get("timeout"))
    return timeout_s, read_budget(document, data.get("budget"))


def _read_triggers(
    document: Document, value: Any, params: tuple[Param, ...]
) -> tuple[tuple[Trigger, ...], tuple[Trigger, ...]]:
    """The triggers, and those that variables are judged by: of a wrong one, all may be meant."""
    before = len(document.errors)
    triggers = read_triggers(document, value)
    assumed = triggers if len(document.errors) == before else EVERY_TRIGGER
    check_params(document, assumed, params)
    return triggers, assumed


def _check_steps(
    document: Document,
    steps: tuple[tuple[int, Step], ...],
    definitions: tuple[Mapping[str, Any], ...],
) -> None:
    """That what they do about failures fits them."""
    check_rounds(document, steps, definitions)
    check_queues(document, steps, definitions)
    check_early_stops(document, steps, definitions)
    check_max_running(document, steps, definitions)


def _check_pipeline(
    document: Document, pipeline: Pipeline, entries: Any, defaults: Mapping[str, Any]
) -> None:
    """That a run may start, that links can be presigned, that the definition can be stored."""
    check_first_run(document, pipeline)
    check_reach(document, pipeline, entries, defaults)
    check_presigned(document, pipeline)
    check_budget(document, pipeline)
    try:
        pipeline_text(pipeline)
    except InvalidPipeline as error:
        document.wrong(("steps",), str(error))


def _check_top(document: Document, data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The keys at the top. One that is misspelt is one mistake: it is read as it was meant."""
    top: dict[str, Any] = {}
    for key in data:
        if key not in _TOP:
            document.wrong_key((key,), unknown_key(key, _TOP, "a pipeline file"))
            right = meant_key(key, _TOP)
            if right is not None and right not in data:
                document.means(key, right)
                top[right] = data[key]
    data = {**data, **top}
    name = data.get("pipeline")
    if isinstance(name, str):
        check_name(document, ("pipeline",), "the pipeline's name", name)
    else:
        document.wrong(("pipeline",), "the file needs a name: write `pipeline: NAME`")
    return data


# --- `${…}` ------------------------------------------------------------------


def _check_all_variables(
    document: Document,
    data: Mapping[str, Any],
    params: tuple[Param, ...],
    steps: tuple[tuple[int, Step], ...],
    triggers: Collection[str],
) -> None:
    base = {*RUN_VARIABLES, *triggers, *(f"params.{param.name}" for param in params)}
    _check_param_circle(document, params)
    check_variables(document, data.get("params", {}), ("params",), base)
    upstream = steps_before([step for _, step in steps])
    outputs = {step.name for _, step in steps if step.output is not None}
    ended = ended_before([step for _, step in steps], upstream)
    collecting = collecting_steps([step for _, step in steps])
    check_variables(document, data.get("defaults", {}), ("defaults",), base)
    by_name = {step.name: step for _, step in steps}
    every_step = list(by_name.values())
    for number, step in steps:
        before = outputs & visible_steps(step, upstream[step.name], every_step)
        variable_names = {*base, *own_variables(step)}
        variable_names |= {f"steps.{name}.output" for name in before}
        variable_names |= _failure_lists(collecting & ended[step.name])
        here = {*variable_names, "items.file"} if has_file(step, by_name) else variable_names
        _check_step_variables(
            document, ("steps", number), data["steps"][number], step, variable_names, here
        )
        when: Place = ("steps", number, "flow", "when")
        _check_when(document, when, step, variable_names | outcome_names(step, every_step))
        _check_orders(document, when, step, params)
    everything = {*base, *(f"steps.{name}.output" for name in outputs)}
    everything |= _failure_lists(collecting)
    check_variables(document, data.get("notify", []), ("notify",), everything)


def _failure_lists(names: Collection[str]) -> set[str]:
    return {f"steps.{name}.{what}" for name in names for what in FAILURE_LISTS}


def _check_step_variables(
    document: Document,
    place: Place,
    entry: Mapping[str, Any],
    step: Step,
    variable_names: Collection[str],
    here: Collection[str],
) -> None:
    """`here` is what its requests may say; it is known once the step is prepared."""
    request = {key: value for key, value in entry.items() if key != "flow"}
    check_variables(document, request, place, here)
    flow = entry.get("flow", {})
    for key, value in flow.items() if isinstance(flow, dict) else ():
        inner = (*place, "flow", key)
        if key == "when":
            continue
        if key in ("output", "skipExisting"):
            check_variables(document, value, inner, variable_names, items=is_array(step))
        elif key == "groups":
            check_variables(document, [g.overrides for g in step.groups], inner, here)
        elif key == "retryFailed":
            check_variables(document, value, inner, here)
        else:
            check_variables(document, value, inner, variable_names)


def _check_when(document: Document, place: Place, step: Step, names: Collection[str]) -> None:
    if step.when is None:
        return
    for name in sorted(parse_condition(step.when).names - set(names)):
        if name == RUN_STATUS:
            document.wrong(place, ONLY_FINALLY)
            continue
        close = difflib.get_close_matches(name, [*names, *END_STATUSES], n=1)
        hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(sorted(names))}"
        hint += f'; a text stands in quotes: "{name}"'
        document.wrong(place, f"{name} means nothing here: {hint}")


def _check_orders(document: Document, place: Place, step: Step, params: tuple[Param, ...]) -> None:
    """What is never a number must not be more or less than one."""
    never = {f"params.{p.name}": p.type for p in params if p.type in _NEVER_NUMBERS}
    for name, kind, number in parse_condition(step.when or "true").not_numbers(never.get):
        problem = f"{name} is of type {kind}, and is compared with the number {number}"
        document.wrong(place, f"{problem}: write {{type: number}}, or compare with a text")


def _check_param_circle(document: Document, params: tuple[Param, ...]) -> None:
    needs = {
        param.name: {
            reference.name.removeprefix("params.")
            for reference in references(param.default or "")
            if reference.name.startswith("params.")
        }
        for param in params
    }
    order = list(needs)
    for names in cycles(needs):
        first = min(names, key=order.index)
        document.wrong(("params", first), f"the default of {first} refers to itself in a circle")
