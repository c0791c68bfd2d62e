"""Jobs as DescribeJobs describes them: what each was asked to do, without what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from batchrelay.domain.values import JobKey
from batchrelay_cli.adopt.draft import (
    Draft,
    Path,
    Step,
    entries,
    literal,
    literal_document,
    mapping,
    with_resources,
)
from batchrelay_cli.pipeline_file.document import Document, Place

_AS_THEY_ARE = ("parameters", "retryStrategy", "timeout", "shareIdentifier")
_OVERRIDES = ("command", "environment", "resourceRequirements", "instanceType", "vcpus", "memory")
"""What a request may override of a container. Source: ContainerOverrides, ContainerDetail."""

_BY_AWS = ("MANAGED_BY_AWS",)
_OWNED = ("AWS_BATCH", "BATCHRELAY_")
"""Variables that AWS Batch, Step Functions or we gave to the job, and will again."""

_OTHER_KINDS = {
    "nodeProperties": "a multi-node parallel job",
    "eksProperties": "a job on EKS",
    "ecsProperties": "a job of several containers",
}


def jobs_of(data: Any) -> list[tuple[Place, Mapping[str, Any]]] | None:
    """The jobs, each with its place; None if it is something else."""
    inner = data.get("jobs") if isinstance(data, dict) else data
    lead: Place = ("jobs",) if isinstance(data, dict) else ()
    if not isinstance(inner, list) or not inner:
        return None
    if not all(isinstance(job, dict) and isinstance(job.get("jobId"), str) for job in inner):
        return None
    return [((*lead, number), job) for number, job in enumerate(inner)]


def fill(draft: Draft, document: Document) -> None:
    """A step for each job of a file that is no child of an array."""

    def line_of(place: Place, path: Path) -> int:
        aliased = ("container", *path[1:]) if path[:1] == ("containerOverrides",) else path
        return document.line((*place, *aliased))

    jobs = jobs_of(document.data) or []
    lines = [partial(line_of, place) for place, _ in jobs]
    fill_with(draft, [job for _, job in jobs], lines)


def fill_with(
    draft: Draft, jobs: Sequence[Mapping[str, Any]], lines: Sequence[Callable[[Path], int]]
) -> None:
    """A step for each job, in the order of the list, which need not be that of `dependsOn`."""
    ids = {str(job["jobId"]) for job in jobs}
    steps: dict[str, tuple[Step, Mapping[str, Any]]] = {}
    for job, line_of in zip(jobs, lines, strict=True):
        job_id = str(job["jobId"])
        parent, colon, _ = job_id.partition(":")
        if colon and parent in ids:
            continue  # its parent says all of it
        if job_id in steps:
            draft.leave(line_of(("jobId",)), f"job {job_id}", "it is described twice")
            continue
        steps[job_id] = (_step(draft, job, line_of), job)
    for step, job in steps.values():
        _depend(draft, step, job.get("dependsOn"), {i: s.name for i, (s, _) in steps.items()})
        draft.add(step)


def _step(draft: Draft, job: Mapping[str, Any], line_of: Callable[[Path], int]) -> Step:
    text = job.get("jobName") if isinstance(job.get("jobName"), str) else ""
    key = JobKey.parse(str(text))
    line = line_of(())
    name = draft.step_name(str(text) if key is None else key.label, line)
    entry: dict[str, Any] = {"jobName": name, **_request(job)}
    step = Step(entry=entry, line=line, origin=f"job {job['jobId']}", line_of=line_of)
    with_resources(entry, None, None)
    for kind, what in _OTHER_KINDS.items():
        if job.get(kind):
            why = f"{what}: it runs as its job definition says, without overrides"
            draft.leave(line_of((kind,)), f"{name}: {kind}", why)
    if ":" in str(job["jobId"]):
        why = "it was a child of an array: the step is one job; describe its parent for the array"
        draft.leave(line, f"{name}: arrayProperties", why)
    return step


def _request(job: Mapping[str, Any]) -> dict[str, Any]:
    """The request that would make such a job again."""
    request: dict[str, Any] = {
        "jobQueue": _resource(job.get("jobQueue"), ":job-queue/"),
        "jobDefinition": _resource(job.get("jobDefinition"), ":job-definition/"),
    }
    size = mapping(job.get("arrayProperties")).get("size")
    if size is not None:
        request["arrayProperties"] = {"size": size}
    request |= {key: literal_document(job[key]) for key in _AS_THEY_ARE if job.get(key)}
    strategy = request.get("retryStrategy")
    if isinstance(strategy, dict) and not strategy.get("evaluateOnExit"):
        request["retryStrategy"] = {k: v for k, v in strategy.items() if k != "evaluateOnExit"}
        if request["retryStrategy"] == {"attempts": 1}:
            del request["retryStrategy"]
    if job.get("shareIdentifier") and job.get("schedulingPriority") is not None:
        request["schedulingPriorityOverride"] = job["schedulingPriority"]
    tags = {k: v for k, v in mapping(job.get("tags")).items() if _is_own_tag(k)}
    overrides = _overrides(mapping(job.get("container")))
    request |= {"tags": literal_document(tags)} if tags else {}
    return request | ({"containerOverrides": overrides} if overrides else {})


def _overrides(container: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: literal_document(container[key]) for key in _OVERRIDES if container.get(key)}
    if "resourceRequirements" in kept:  # which says them too
        kept = {key: value for key, value in kept.items() if key not in ("vcpus", "memory")}
    amounts = [
        {"type": kind, "value": str(kept.pop(key))}
        for key, kind in (("vcpus", "VCPU"), ("memory", "MEMORY"))
        if key in kept
    ]
    if amounts:
        kept["resourceRequirements"] = amounts
    environment = [e for e in entries(kept.pop("environment", [])) if not _is_given(e)]
    return kept | ({"environment": environment} if environment else {})


def _is_given(entry: Any) -> bool:
    name = str(mapping(entry).get("name"))
    return name in _BY_AWS or name.startswith(_OWNED)


def _is_own_tag(key: str) -> bool:
    return not key.startswith(("batchrelay:", "aws:")) and key != "resourceArn"


def _resource(value: Any, marker: str) -> Any:
    """The name within an ARN: a pipeline runs in the account that it is deployed to."""
    if not isinstance(value, str):
        return value
    return literal(value.rpartition(marker)[2]) if value.startswith("arn:") else literal(value)


def _depend(draft: Draft, step: Step, value: Any, names: Mapping[str, str]) -> None:
    edges: list[dict[str, str]] = []
    for number, dependency in enumerate(entries(value)):
        entry = mapping(dependency)
        kind = {"type": entry["type"]} if isinstance(entry.get("type"), str) else {}
        job_id = entry.get("jobId")
        if job_id is None and kind.get("type") == "SEQUENTIAL":
            edges.append(kind)
            continue
        other = names.get(str(job_id))
        if other is None:
            why = "this job is not described here: describe it too, or leave the step without it"
            draft.leave(step.line_at(("dependsOn", number)), f"{step.name}: job {job_id}", why)
        elif all(edge.get("jobName") != other for edge in edges):
            edges.append({"jobName": other} | kind)
    if edges:
        step.entry["dependsOn"] = edges
