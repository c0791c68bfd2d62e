"""What AWS Batch is asked for: a SubmitJob request. Pure text from state."""

from __future__ import annotations

from collections.abc import Mapping

from batchrelay.domain.consumable_resources import resource_needed, with_resource
from batchrelay.domain.containers import merged_requests, with_variables
from batchrelay.domain.errors import Refused
from batchrelay.domain.failures import ITEM_NUMBERS
from batchrelay.domain.finally_steps import ordinary_status
from batchrelay.domain.job_tags import with_job_tags, with_valid_tags
from batchrelay.domain.memory_growth import grown, memory_factor
from batchrelay.domain.n_to_n import upstream_parts
from batchrelay.domain.pipeline import ListFile, Step
from batchrelay.domain.request_rules import size_violations
from batchrelay.domain.run import Run
from batchrelay.domain.step_state import JobOutcome, Part, StepState
from batchrelay.domain.templates import expand, expand_document
from batchrelay.domain.values import (
    RUNS_PREFIX,
    JobKey,
    Json,
    manifest_uri,
    numbers_uri,
)
from batchrelay.domain.variables import variables_of


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
    request = grown(expanded, memory_factor(run, step, state, part), step.retry_failed)
    return with_valid_tags(request)


def complete_request(run: Run, key: JobKey, expanded: Mapping[str, Json]) -> Mapping[str, Json]:
    """With what we add: the job's name, its variables, its tags, its size, the jobs that it waits
    for."""
    step = step_of(run, key)
    state = run.state(step.name)
    named = {**expanded, "jobName": key.name}
    request = with_variables(named, _environment(run, step, state, key))
    request.pop("arrayProperties", None)
    size = state.parts[key.part].size
    if size > 1:
        request["arrayProperties"] = {"size": size}
    depends_on = _depends_on(run, step, key.part)
    if depends_on:
        request["dependsOn"] = depends_on
    resource = resource_needed(run, step)
    if resource is not None:
        request = with_resource(request, resource)
    if not run.pipeline.job_tags:
        return request
    return with_job_tags(request, pipeline=run.pipeline.name, run_id=run.id, step=step.name)


def _own_request(run: Run, step: Step, state: StepState, part: Part) -> Mapping[str, Json]:
    """The step's request, what the part's group changes of it, and what its round does."""
    group = part.group % (len(step.groups) + 1)
    request = step.request
    if group < len(step.groups):
        request = merged_requests(request, step.groups[group].overrides)
    if not state.is_retry:
        return request
    if step.retry_failed is not None:
        request = merged_requests(request, step.retry_failed.overrides)
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
    is_array = folder is not None or len(state.parts) > 1
    if is_array and part.size == 1:
        values["BATCHRELAY_INDEX"] = "0"
    if is_array or part.size > 1:
        values["BATCHRELAY_OFFSET"] = str(state.part_offset(key.part))
    if part.group > 0:
        values["BATCHRELAY_GROUP_OFFSET"] = str(state.group_offset(part.group))
    if state.queue is not None:
        values["BATCHRELAY_QUEUE"] = state.queue
    if step.is_finally:
        values["BATCHRELAY_RUN_STATUS"] = str(ordinary_status(run))
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


def results_of_round(results: str, latest: int, round_number: int) -> str:
    """The same of another round, from that of the latest one."""
    start, _, end = results.rpartition(f"/r{latest}/")
    return f"{start}/r{round_number}/{end}"
