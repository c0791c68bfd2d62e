"""What a run says to the world: a SubmitJob request, a notice. Pure text from state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from batchrelay.domain.errors import Refused
from batchrelay.domain.failures import ITEM_NUMBERS
from batchrelay.domain.limits import NOTICE_BYTES_MAX
from batchrelay.domain.memory_growth import grown, memory_factor
from batchrelay.domain.n_to_n import upstream_failures, upstream_parts
from batchrelay.domain.pipeline import ListFile, Step
from batchrelay.domain.request_rules import size_violations
from batchrelay.domain.run import JobOutcome, Part, Run, RunStatus, StepState, StepStatus
from batchrelay.domain.templates import Reference, expand, expand_document, references
from batchrelay.domain.values import (
    RUNS_PREFIX,
    JobKey,
    Json,
    manifest_uri,
    merged,
    numbers_uri,
    printable,
)
from batchrelay.domain.variables import FAILURE_LISTS, variables_of


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
    request = complete_request(run, key, expanded_request(run, key, variables_of(run)))
    violation = next(size_violations(request), None)
    if violation is not None:
        raise Refused(str(violation))
    return request


def expanded_request(run: Run, key: JobKey, known: Mapping[str, str]) -> Mapping[str, Json]:
    """What the pipeline says of a part, with its `${…}` expanded; `known` are the run's variables.

    Raises:
        InvalidPipeline: a `${…}` has no value.
    """
    step = step_of(run, key)
    state = run.state(step.name)
    part = state.parts[key.part]
    items_file = _items_file(run, step, state, part, known)
    variables = known if items_file is None else {**known, "items.file": items_file}
    expanded = expand_document(_own_request(run, step, state, part), variables)
    assert isinstance(expanded, Mapping)
    return grown(expanded, memory_factor(run, step, state, part), step.retry_failed)


def complete_request(run: Run, key: JobKey, expanded: Mapping[str, Json]) -> Mapping[str, Json]:
    """With what we add: the job's name, its variables, its size, the jobs that it waits for."""
    step = step_of(run, key)
    state = run.state(step.name)
    overrides = _overrides(expanded, _environment(run, step, state, key))
    request = {**expanded, "jobName": key.name, "containerOverrides": overrides}
    request.pop("arrayProperties", None)
    size = state.parts[key.part].size
    if size > 1:
        request["arrayProperties"] = {"size": size}
    depends_on = _depends_on(run, step, key.part)
    if depends_on:
        request["dependsOn"] = depends_on
    return request


def _own_request(run: Run, step: Step, state: StepState, part: Part) -> Mapping[str, Json]:
    """The step's request, what the part's group changes of it, and what its round does."""
    group = part.group % (len(step.groups) + 1)
    request = step.request
    if group < len(step.groups):
        request = merged(request, step.groups[group].overrides)
    if not state.is_retry:
        return request
    if step.retry_failed is not None:
        request = merged(request, step.retry_failed.overrides)
    queue = "" if run.redrive is None or not state.is_redriven else run.redrive.queue
    return {**request, "jobQueue": queue} if queue else request


def _items_file(
    run: Run, step: Step, state: StepState, part: Part, variables: Mapping[str, str]
) -> str | None:
    """`${items.file}`: the very file that forEach lists while child i still is its entry i, else
    the manifest."""
    if step.n_to_n_needs and not step.has_items and not state.is_retry:
        lead = run.pipeline.step(min(step.n_to_n_needs))
        return _items_file(run, lead, run.state(lead.name), part, variables)
    if state.manifest is None:
        return None
    listed = listed_file(run, step)
    folder = state.failures if state.is_retry else state.manifest
    if listed is None:
        return manifest_uri(folder, part.group)
    if state.is_retry:
        return retry_list_uri(listed, folder, part.group, variables)
    return expand(listed.file, variables)


def listed_file(run: Run, step: Step) -> ListFile | None:
    """The file of which a step's child i is entry i; None if its manifest is the only such list."""
    while step.n_to_n_needs and not step.has_items:
        step = run.pipeline.step(min(step.n_to_n_needs))
    as_it_is = not step.groups and step.skip_existing is None
    return step.for_each if isinstance(step.for_each, ListFile) and as_it_is else None


def retry_list_uri(listed: ListFile, folder: str, group: int, variables: Mapping[str, str]) -> str:
    """Where the failed items of such a file are listed as it lists them, under a name that ends as
    its own."""
    name = expand(listed.file, variables).rpartition("/")[2]
    start = name.find(".")
    suffix = name[start:] if start >= 0 else ""
    return f"{folder}list{suffix}" if group == 0 else f"{folder}list-{group}{suffix}"


def _depends_on(run: Run, step: Step, number: int) -> list[Json]:
    """AWS Batch's own dependencies: on N_TO_N parts that have not ended, and between children."""
    entries: list[Json] = []
    for upstream in upstream_parts(run, step, number):
        if upstream.job_id is not None and upstream.outcome is not JobOutcome.SUCCEEDED:
            dependency_type = {"type": "N_TO_N"} if upstream.size > 1 else {}
            entries.append({"jobId": upstream.job_id, **dependency_type})
    if step.sequential and run.state(step.name).parts[number].size > 1:
        entries.append({"type": "SEQUENTIAL"})
    return entries


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
    part = state.parts[key.part]
    folder = state.failures if state.is_retry else state.manifest
    if state.manifest is not None:
        values["BATCHRELAY_MANIFEST"] = manifest_uri(folder or "", part.group)
        values["BATCHRELAY_CHUNK"] = str(state.chunk)
    if state.is_retry:
        values[ITEM_NUMBERS] = numbers_uri(state.failures, part.group)
    if folder is not None and part.size == 1:
        values["BATCHRELAY_INDEX"] = "0"
    if folder is not None or part.size > 1:
        values["BATCHRELAY_OFFSET"] = str(state.part_offset(key.part))
    if part.group > 0:
        values["BATCHRELAY_GROUP_OFFSET"] = str(state.group_offset(part.group))
    if state.queue is not None:
        values["BATCHRELAY_QUEUE"] = state.queue
    if step.unsafe_shell:
        values["BATCHRELAY_UNSAFE_SHELL"] = "1"
    values["BATCHRELAY_RESULTS"] = results_uri(run, step.name, state.round)
    return [{"name": name, "value": value} for name, value in values.items()]


def round_uri(run: Run, step: str, round_number: int) -> str:
    """The folder of everything that one round of a step keeps in S3."""
    return f"s3://{run.environment['bucket']}/{RUNS_PREFIX}{run.id}/{step}/r{round_number}/"


def results_uri(run: Run, step: str, round_number: int) -> str:
    """The folder of a round's result records."""
    return round_uri(run, step, round_number) + "results/"


def notice_of(run: Run, rule_number: int) -> Notice:
    """The notice of one rule of a run that has ended."""
    rule = run.pipeline.notify[rule_number]
    variables = variables_of(run)
    there = rule.link is not None and all(_is_there(run, ref) for ref in references(rule.link))
    link = expand(rule.link, variables) if rule.link is not None and there else None
    return Notice(
        topic=expand(rule.topic, variables),
        id=_notice_id(run, rule_number),
        subject=_ascii(f"{run.pipeline.name} {run.status}: run {run.id}"),
        message=_fitting(list(map(printable, _message(run, link)))),
        attributes={"pipeline": run.pipeline.name, "run_id": run.id, "status": run.status},
    )


def _notice_id(run: Run, rule_number: int) -> str:
    """Of every end of a run another one."""
    again = "" if run.redrive is None else f"-{run.redrive.number}"
    return f"{run.id}-{rule_number}-{run.status.lower()}{again}"


def _fitting(lines: list[str]) -> str:
    """As many of the lines as SNS takes, and how many are left out."""
    size = 0
    for number, line in enumerate(lines):
        size += len(line.encode()) + 1
        if size > NOTICE_BYTES_MAX:
            return "\n".join([*lines[:number], f"  … and {len(lines) - number:,} more lines"])
    return "\n".join(lines)


def _is_there(run: Run, reference: Reference) -> bool:
    """Whether what a link refers to is there: a step that was SKIPPED left no output, unless all
    of its items were there before; a step without failures left no list of them."""
    kind, _, rest = reference.name.partition(".")
    name, _, what = rest.rpartition(".")
    if kind == "steps" and what in FAILURE_LISTS:
        return run.state(name).status is StepStatus.PARTIAL
    state = run.state(name)
    return kind != "steps" or state.status is not StepStatus.SKIPPED or state.existing > 0


def _ascii(subject: str) -> str:
    return subject.encode("ascii", "replace").decode()[:100]


def _message(run: Run, link: str | None) -> list[str]:
    ended = run.ended_at or run.started_at
    seconds = (ended - run.started_at).total_seconds()
    lines = [f"Pipeline {run.pipeline.name}, run {run.id}: {run.status} after {seconds:.0f} s."]
    if run.stop is not None:
        lines.append(f"It was stopped: {run.stop.reason}.")
    if link is not None and run.status in (RunStatus.SUCCEEDED, RunStatus.PARTIAL):
        lines.append(f"Output: {link}")
    with_failures = [s.name for s in run.pipeline.order if run.state(s.name).status in _FAILED]
    if with_failures:
        lines.append(f"Why items failed: batchrelay failures {run.id}")
        lines.append(f"Run one here: batchrelay spin {run.id}/{with_failures[0]}:ITEM")
        lines.append(f"Run them again: batchrelay redrive {run.id}")
    lines.append("")
    lines.extend(_step_line(run, step) for step in run.pipeline.order)
    return lines


_FAILED = (StepStatus.FAILED, StepStatus.PARTIAL)


def _step_line(run: Run, step: Step) -> str:
    state = run.state(step.name)
    line = f"  {step.name}: {state.status}"
    if state.children is not None and state.status is not StepStatus.SKIPPED:
        line += f", {state.succeeded} of {state.children} children succeeded"
    stopped = sum(part.stopped for part in state.parts)
    if stopped:
        line += f", {stopped} stopped"
    if state.failed_items:
        items = "1 item" if state.failed_items == 1 else f"{state.failed_items:,} items"
        line += f", {items} failed"
    upstream = upstream_failures(run, step)
    if upstream:
        line += f", {upstream} failed upstream"
    return line + (f" ({state.reason})" if state.reason else "")
