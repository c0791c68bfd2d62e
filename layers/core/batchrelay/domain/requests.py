"""What a run says to the world: a SubmitJob request, a notice. Pure text from state."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from batchrelay.domain.errors import Refused
from batchrelay.domain.expansion import expand, expand_document
from batchrelay.domain.limits import OVERRIDES_CHARS_MAX, REQUEST_BYTES_MAX
from batchrelay.domain.pipeline import Step
from batchrelay.domain.run import Run, RunStatus, StepState, StepStatus
from batchrelay.domain.values import JobKey, Json
from batchrelay.domain.variables import variables_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What SNS is given at the end of a run."""

    topic: str
    """ARN."""
    id: str
    """The same for every sending of one notice: a receiver may drop a repeat."""
    subject: str
    """At most 100 characters of ASCII. Source: SNS Publish, Subject."""
    message: str
    attributes: Mapping[str, str]


def step_of(run: Run, key: JobKey) -> Step:
    """The step that a job belongs to; the key must be one of the run's own."""
    step = run.pipeline.step_of_label(key.label)
    assert step is not None, key
    return step


def submit_request(run: Run, key: JobKey) -> Mapping[str, Json]:
    """The SubmitJob request of one part, every `${…}` expanded.

    Raises:
        Refused: the request is over a limit of AWS Batch, which would refuse or FAIL it.
    """
    step = step_of(run, key)
    state = run.state(step.name)
    part = state.parts[key.part]
    variables = variables_of(run)
    if step.for_each is not None:
        variables["items.file"] = state.items_file or expand(step.for_each.file, variables)
    expanded = expand_document(step.request, variables)
    assert isinstance(expanded, Mapping)
    overrides = _overrides(expanded, _environment(run, step, state, key))
    request = {**expanded, "jobName": key.name, "containerOverrides": overrides}
    request.pop("arrayProperties", None)
    if part.size > 1:
        request["arrayProperties"] = {"size": part.size}
    _check_size(request, overrides)
    return request


def _overrides(
    request: Mapping[str, Json], environment: Sequence[Mapping[str, str]]
) -> Mapping[str, Json]:
    own = request.get("containerOverrides")
    overrides = own if isinstance(own, Mapping) else {}
    given = overrides.get("environment")
    return {**overrides, "environment": [*(given if isinstance(given, list) else ()), *environment]}


def _environment(run: Run, step: Step, state: StepState, key: JobKey) -> list[Mapping[str, str]]:
    """The variables that a job is given beside AWS Batch's own."""
    values = {
        "BATCHRELAY_RUN_ID": run.id,
        "BATCHRELAY_STEP": step.name,
        "BATCHRELAY_ROUND": str(state.round),
        "BATCHRELAY_PART": str(key.part),
    }
    if state.manifest is not None:
        values["BATCHRELAY_MANIFEST"] = state.manifest
        values["BATCHRELAY_OFFSET"] = str(state.part_offset(key.part))
        values["BATCHRELAY_CHUNK"] = "1"
        if state.parts[key.part].size == 1:
            values["BATCHRELAY_INDEX"] = "0"
    return [{"name": name, "value": value} for name, value in values.items()]


def _check_size(request: Mapping[str, Json], overrides: Mapping[str, Json]) -> None:
    size = len(json.dumps(request).encode())
    if size > REQUEST_BYTES_MAX:
        raise Refused(
            f"the request is {size:,} bytes; AWS Batch takes at most {REQUEST_BYTES_MAX:,}: "
            "put long lists into a file in S3 and pass its URI"
        )
    characters = len(json.dumps(overrides))
    if characters > OVERRIDES_CHARS_MAX:
        raise Refused(
            f"the container overrides are {characters:,} characters; above "
            f"{OVERRIDES_CHARS_MAX:,} AWS Batch fails the job: put long lists into a file in S3"
        )


def notice_of(run: Run, rule_number: int) -> Notice:
    """The notice of one rule of a run that has ended."""
    rule = run.pipeline.notify[rule_number]
    variables = variables_of(run)
    link = expand(rule.link, variables) if rule.link is not None else None
    return Notice(
        topic=expand(rule.topic, variables),
        id=f"{run.id}-{rule_number}-{run.status.lower()}",
        subject=_ascii(f"{run.pipeline.name} {run.status}: run {run.id}"),
        message="\n".join(_message(run, link)),
        attributes={"pipeline": run.pipeline.name, "run_id": run.id, "status": run.status},
    )


def _ascii(subject: str) -> str:
    return subject.encode("ascii", "replace").decode()[:100]


def _message(run: Run, link: str | None) -> list[str]:
    ended = run.ended_at or run.started_at
    seconds = (ended - run.started_at).total_seconds()
    lines = [f"Pipeline {run.pipeline.name}, run {run.id}: {run.status} after {seconds:.0f} s."]
    if link is not None and run.status in (RunStatus.SUCCEEDED, RunStatus.PARTIAL):
        lines.append(f"Output: {link}")
    lines.append("")
    lines.extend(_step_line(step.name, run.state(step.name)) for step in run.pipeline.order)
    return lines


def _step_line(name: str, state: StepState) -> str:
    line = f"  {name}: {state.status}"
    if state.children is not None and state.status is not StepStatus.SKIPPED:
        done = sum(part.succeeded for part in state.parts)
        line += f", {done} of {state.children} children succeeded"
    return line + (f" ({state.reason})" if state.reason else "")
