"""SubmitJob requests: JSON for `--cli-input-json`, or the arguments of boto3; one or a list."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from batchrelay_cli.adopt.draft import (
    Draft,
    Path,
    Step,
    entries,
    literal_document,
    with_resources,
)
from batchrelay_cli.pipeline_file.document import Document, Place

_OF_A_REQUEST = ("jobQueue", "jobDefinition")
_JOB_ID = re.compile(r"[_\-. ]?(job)?[_\-. ]?id", re.IGNORECASE)
"""What examples write behind a job's name for its id: `JobA_job_ID`."""


def requests_of(data: Any) -> list[tuple[Place, Mapping[str, Any]]] | None:
    """The requests, each with its place; None if it is something else."""
    many = data if isinstance(data, list) else [data]
    right = [entry for entry in many if isinstance(entry, dict) and _is_request(entry)]
    if not right or len(right) != len(many):
        return None
    places: list[Place] = [(n,) for n in range(len(many))] if isinstance(data, list) else [()]
    return list(zip(places, right, strict=True))


def _is_request(entry: Mapping[str, Any]) -> bool:
    return any(key in entry for key in _OF_A_REQUEST) and "jobId" not in entry


def fill(draft: Draft, document: Document, resources: tuple[str | None, str | None]) -> None:
    """A step for each request; `dependsOn` between them by the names that their ids hold."""
    requests = requests_of(document.data) or []
    names: list[str] = []
    for place, request in requests:
        text = request.get("jobName")
        line = document.line((*place, "jobName"))
        names.append(draft.step_name(text if isinstance(text, str) else "", line))
    texts = [str(request.get("jobName")) for _, request in requests]
    for name, (place, request) in zip(names, requests, strict=True):
        step = _step(document, place, name, request)
        with_resources(step.entry, *resources)
        _depend(draft, step, request.get("dependsOn"), dict(zip(texts, names, strict=True)))
        draft.add(step)


def _step(document: Document, place: Place, name: str, request: Mapping[str, Any]) -> Step:
    kept = {
        key: literal_document(value)
        for key, value in request.items()
        if key not in ("jobName", "dependsOn") and value not in ({}, [], None)
    }

    def line_of(path: Path) -> int:
        return document.line((*place, *path))

    where = f"request {place[0]}" if place else "the request"
    return Step(
        entry={"jobName": name, **kept}, line=document.line(place), origin=where, line_of=line_of
    )


def _depend(draft: Draft, step: Step, value: Any, names: Mapping[str, str]) -> None:
    edges: list[dict[str, str]] = []
    for number, dependency in enumerate(entries(value)):
        line = step.line_at(("dependsOn", number))
        entry = dependency if isinstance(dependency, dict) else {}
        kind = {"type": entry["type"]} if isinstance(entry.get("type"), str) else {}
        job_id = entry.get("jobId")
        if job_id is None and kind.get("type") == "SEQUENTIAL":
            edges.append(kind)
            continue
        other = _named(str(job_id), names)
        if other is None or other == step.name:
            what = f"{step.name}: dependsOn {job_id}"
            draft.leave(line, what, "no request here has this id: write {jobName: STEP}")
        elif all(edge.get("jobName") != other for edge in edges):
            edges.append({"jobName": other} | kind)
    if edges:
        step.entry["dependsOn"] = edges


def _named(job_id: str, names: Mapping[str, str]) -> str | None:
    """The step that an id stands for: ids are not known in a file, so it holds the job's name."""
    if job_id in names:
        return names[job_id]
    matches = [
        step
        for text, step in names.items()
        if text and job_id.startswith(text) and _JOB_ID.fullmatch(job_id[len(text) :])
    ]
    return matches[0] if len(matches) == 1 else None
