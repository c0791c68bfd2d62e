"""`dependsOn:`: event edges, N_TO_N and SEQUENTIAL; and whether the steps fit together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from batchrelay.domain.chains import counts_problem, skip_problems
from batchrelay.domain.conditions import parse_condition
from batchrelay.domain.pipeline import Step, StepOutputs
from batchrelay_cli.pipeline_file.document import Document, Place

NATIVE_MAX = 20
"""Entries of a request's dependsOn. Source: Batch User Guide, service quotas. Event edges are ours
and need none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """What a step waits for."""

    needs: tuple[str, ...] = ()
    lanes: frozenset[str] = frozenset()
    sequential: bool = False


def read_edges(document: Document, place: Place, value: Any) -> Edges:
    """A list of {jobName: STEP}, {jobName: STEP, type: N_TO_N} and {type: SEQUENTIAL}."""
    if not isinstance(value, list):
        document.wrong(place, "dependsOn must be a list of {jobName: STEP}")
        return Edges()
    right = [
        entry for index, entry in enumerate(value) if _is_right(document, (*place, index), entry)
    ]
    needs = [entry["jobName"] for entry in right if "jobName" in entry]
    for name in sorted({name for name in needs if needs.count(name) > 1}):
        document.wrong(place, f"{name} stands here twice")
    lanes = frozenset(entry["jobName"] for entry in right if entry.get("type") == "N_TO_N")
    sequential = any(entry.get("type") == "SEQUENTIAL" for entry in right)
    if len(lanes) + sequential > NATIVE_MAX:
        problem = f"{len(lanes) + sequential} N_TO_N and SEQUENTIAL entries; AWS Batch takes "
        document.wrong(place, f"{problem}{NATIVE_MAX} (plain ones are ours: any number)")
    return Edges(needs=tuple(dict.fromkeys(needs)), lanes=lanes, sequential=sequential)


def _is_right(document: Document, place: Place, entry: Any) -> bool:
    problem = _problem(entry)
    if problem is not None:
        document.wrong(place, problem)
    return problem is None


def _problem(entry: Any) -> str | None:
    if not isinstance(entry, dict):
        return "write {jobName: STEP}"
    if "jobId" in entry:
        return "a step is meant by its name: write jobName, not jobId"
    kind = entry.get("type")
    if kind == "SEQUENTIAL":
        return "SEQUENTIAL names no other job: write {type: SEQUENTIAL}" if len(entry) > 1 else None
    if kind not in (None, "N_TO_N"):
        return f"dependsOn has the types N_TO_N and SEQUENTIAL, not {kind}"
    if not isinstance(entry.get("jobName"), str) or set(entry) - {"jobName", "type"}:
        return "write {jobName: STEP}, or {jobName: STEP, type: N_TO_N}"
    return None


def check_graph(document: Document, steps: tuple[Step, ...]) -> None:
    """Every step that is named is there, and those that are tied together fit."""
    by_name = {step.name: step for step in steps}
    for number, entry in enumerate(document.data["steps"]):
        name = entry.get("jobName") if isinstance(entry, dict) else None
        step = by_name.get(name) if isinstance(name, str) else None
        if step is None:
            continue
        place: Place = ("steps", number)
        _check_names(document, place, entry, by_name)
        if all(need in by_name for need in step.needs):
            for problem in _misfits(step, by_name):
                document.wrong((*place, "dependsOn"), problem)
            _check_outputs(document, place, step, by_name)
    _check_skipping(document, by_name)


def _check_skipping(document: Document, by_name: Mapping[str, Step]) -> None:
    """That no result can be missing for good where `skipExisting` leaves items out."""
    places = {
        str(entry.get("jobName")): ("steps", number)
        for number, entry in enumerate(document.data["steps"])
        if isinstance(entry, dict)
    }
    for step in by_name.values():
        for name, problem in skip_problems(by_name, step):
            document.wrong(places[name], problem)
        asked = parse_condition(step.when).names if step.when is not None else frozenset()
        for need in step.needs:
            problem_of_when = counts_problem(by_name, need, asked)
            if problem_of_when is not None:
                document.wrong((*places[step.name], "flow", "when"), problem_of_when)


def _check_names(
    document: Document, place: Place, entry: Mapping[str, Any], by_name: Mapping[str, Step]
) -> None:
    listed = ", ".join(sorted(by_name))
    needs = entry.get("dependsOn", [])
    for index, need in enumerate(needs if isinstance(needs, list) else []):
        name = need.get("jobName") if isinstance(need, dict) else None
        if isinstance(name, str) and name not in by_name:
            problem = f"there is no step {name}; the steps are {listed}"
            document.wrong((*place, "dependsOn", index), problem)
    step = by_name[entry["jobName"]]
    for name in _sources(step):
        if name not in by_name:
            problem = f"there is no step {name}; the steps are {listed}"
            document.wrong((*place, "flow"), problem)


def _sources(step: Step) -> list[str]:
    sources = [step.for_each.step] if isinstance(step.for_each, StepOutputs) else []
    return sources + ([step.aggregate.of] if step.aggregate is not None else [])


def is_array(step: Step) -> bool:
    """Whether it may have several children."""
    return step.has_items or bool(step.lanes) or step.array_size is not None


def _misfits(step: Step, by_name: Mapping[str, Step]) -> Iterator[str]:
    if step.sequential and not is_array(step):
        yield "SEQUENTIAL orders the children of an array: it needs arrayProperties or a forEach"
    for what, given in (("queue", step.workers), ("aggregate", step.aggregate)):
        if given is not None and (step.lanes or step.sequential):
            yield f"N_TO_N and SEQUENTIAL do not go together with {what}"
    if step.lanes and step.groups:
        yield "N_TO_N and groups do not go together: groups change which child has which item"
    for name in sorted(step.lanes):
        other = by_name[name]
        if other.aggregate is not None or other.workers is not None:
            yield f"N_TO_N: the children of {name} are not its items one by one"
        elif not is_array(other):
            yield f"N_TO_N is between arrays, and {name} is a single job: leave the type out"
        sizes = step.array_size, other.array_size
        if all(isinstance(size, int) for size in sizes) and sizes[0] != sizes[1]:
            yield f"N_TO_N needs equal sizes: {sizes[0]:,} here, {sizes[1]:,} of {name}"


def _check_outputs(
    document: Document, place: Place, step: Step, by_name: Mapping[str, Step]
) -> None:
    if step.output is not None and "${item" in step.output and not is_array(step):
        problem = "a single job has no items: write one URI without ${item.…}"
        document.wrong((*place, "flow", "output"), problem)
    for name in _sources(step):
        output = by_name[name].output
        if output is None:
            problem = f"step {name} has no flow.output: write where each of its items leaves one"
            document.wrong((*place, "flow"), problem)
        elif is_array(by_name[name]) and by_name[name].aggregate is None and "${item" not in output:
            problem = f"{output} is one URI for all items of {name}: write ${{item.…}} into it"
            document.wrong((*place, "flow"), problem)
