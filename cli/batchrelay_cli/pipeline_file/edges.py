"""`dependsOn:`: event edges, N_TO_N and SEQUENTIAL; and whether the steps fit together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from batchrelay.domain.array_split import children_of_items
from batchrelay.domain.conditions import parse_condition
from batchrelay.domain.errors import InvalidItems
from batchrelay.domain.n_to_n_chains import counts_problem, skip_problems
from batchrelay.domain.pipeline import Step, StepOutputs
from batchrelay.domain.start_check import is_uri, source_uris
from batchrelay.domain.templates import references
from batchrelay.domain.values import NAME
from batchrelay_cli.pipeline_file.document import Document, Place
from batchrelay_cli.pipeline_file.fields import strings

NATIVE_MAX = 20
"""Entries of a request's dependsOn. Source: Batch User Guide, service quotas. Event edges are ours
and need none."""

CYCLE_STEPS_MAX = 10
"""Steps of a cycle that its problem names."""

_OF_A_CHILD = ("${items.file}", "${item", "{item", "AWS_BATCH_JOB_ARRAY_INDEX", "batchrelay-worker")
"""What only a step says that means to have children."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """What a step waits for."""

    needs: tuple[str, ...] = ()
    n_to_n_needs: frozenset[str] = frozenset()
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
    n_to_n_needs = frozenset(entry["jobName"] for entry in right if entry.get("type") == "N_TO_N")
    sequential = any(entry.get("type") == "SEQUENTIAL" for entry in right)
    if len(n_to_n_needs) + sequential > NATIVE_MAX:
        problem = (
            f"{len(n_to_n_needs) + sequential} N_TO_N and SEQUENTIAL entries; AWS Batch takes "
        )
        document.wrong(place, f"{problem}{NATIVE_MAX} (plain ones are ours: any number)")
    return Edges(
        needs=tuple(dict.fromkeys(needs)), n_to_n_needs=n_to_n_needs, sequential=sequential
    )


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


def check_graph(
    document: Document, steps: Sequence[tuple[int, Step]], entries: Sequence[Mapping[str, Any]]
) -> None:
    """Every step that is named is there, none waits for itself, and those that are tied fit.

    What names a step that is not there is not judged further; everything else is.
    """
    by_name = {step.name: step for _, step in steps}
    for number, step in steps:
        place: Place = ("steps", number)
        _check_names(document, place, entries[number], step, by_name)
        for problem in _misfits(step, by_name):
            document.wrong((*place, "dependsOn"), problem)
        for path, problem in _items_misfits(step):
            document.wrong((*place, "flow", *path), problem)
        if step.n_to_n_needs and not step.has_items and step.array_size is None:
            _warn_of_n_to_n(document, place, entries[number], step)
        _check_outputs(document, place, step, by_name)
    _check_skipping(document, by_name, {step.name: ("steps", number) for number, step in steps})
    _check_cycles(document, {step.name: number for number, step in steps}, by_name)


def _check_skipping(
    document: Document, by_name: Mapping[str, Step], places: Mapping[str, Place]
) -> None:
    """That no result can be missing for good where `skipExisting` leaves items out."""
    for step in by_name.values():
        for name, problem in skip_problems(by_name, step):
            document.wrong(places[name], problem)
        condition_names = parse_condition(step.when).names if step.when is not None else frozenset()
        for need in by_name.keys() & set(step.needs):
            problem_of_when = counts_problem(by_name, need, condition_names)
            if problem_of_when is not None:
                document.wrong((*places[step.name], "flow", "when"), problem_of_when)


def _check_names(
    document: Document,
    place: Place,
    entry: Mapping[str, Any],
    step: Step,
    by_name: Mapping[str, Step],
) -> None:
    step_names = ", ".join(sorted(name for name in by_name if NAME.fullmatch(name)))
    needs = entry.get("dependsOn", [])
    for index, need in enumerate(needs if isinstance(needs, list) else []):
        name = need.get("jobName") if isinstance(need, dict) else None
        if isinstance(name, str) and name not in by_name:
            problem = f"there is no step {name}; the steps are {step_names}"
            document.wrong((*place, "dependsOn", index), problem)
    for name in sources(step):
        if name not in by_name:
            problem = f"there is no step {name}; the steps are {step_names}"
            document.wrong((*place, "flow"), problem)


def _check_cycles(
    document: Document, numbers: Mapping[str, int], by_name: Mapping[str, Step]
) -> None:
    """Each cycle once, at the first of its steps in the file."""
    for cycle in cycles({name: step.needs for name, step in by_name.items()}):
        first = min(range(len(cycle)), key=lambda at: numbers[cycle[at]])
        names = [*cycle[first:], *cycle[:first]]
        place = ("steps", numbers[names[0]], "dependsOn")
        document.wrong(place, _cycle(document, numbers, names))


def cycles(needs: Mapping[str, Collection[str]]) -> Iterator[list[str]]:
    """The names of every cycle, each before one that it needs."""
    graph = {name: set(need_names) & needs.keys() for name, need_names in needs.items()}
    while True:
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            cycle: list[str] = error.args[1][:0:-1]  # it names what is needed first
            yield cycle
            for name in cycle:
                graph[name] -= set(cycle)
            continue
        return


def _cycle(document: Document, numbers: Mapping[str, int], names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"{names[0]} depends on itself: leave that out"
    lines = {name: document.line(("steps", numbers[name])) for name in names}
    labels = [f"{name} (line {lines[name]})" for name in names[:CYCLE_STEPS_MAX]]
    more = len(names) - len(labels)
    labels += [f"{more} more"] if more else []
    return f"steps form a cycle: {' -> '.join((*labels, names[0]))}: leave one of these out"


def sources(step: Step) -> list[str]:
    """The steps whose outputs are a step's items."""
    listed = [step.for_each.step] if isinstance(step.for_each, StepOutputs) else []
    return listed + ([step.aggregate.of] if step.aggregate is not None else [])


def is_array(step: Step) -> bool:
    """Whether it may have several children."""
    return step.has_items or bool(step.n_to_n_needs) or step.array_size is not None


def _warn_of_n_to_n(document: Document, place: Place, entry: Mapping[str, Any], step: Step) -> None:
    """A plain job with N_TO_N elsewhere means one that waits for a whole array; here it is as wide
    as that array. A step that speaks of its child's place means it."""
    if any(word in text for _, text in strings(entry, ()) for word in _OF_A_CHILD):
        return
    lead = min(step.n_to_n_needs)
    needs = entry["dependsOn"]
    index = next(n for n, e in enumerate(needs) if isinstance(e, dict) and e.get("jobName") == lead)
    document.warn(
        (*place, "dependsOn", index),
        f"N_TO_N and no size: {step.name} has a child for each child of {lead}; for one job that "
        f"waits for all of them write {{jobName: {lead}}}",
    )


def _items_misfits(step: Step) -> Iterator[tuple[Place, str]]:
    """Of the items that stand in the file, and of the URIs of those that do not."""
    try:
        children_of_items(step)
    except InvalidItems as error:
        yield (), str(error)
    for path, text, of_object in source_uris(step):
        literal = text[: next((r.offset for r in references(text)), len(text))]
        right = (
            is_uri(text, of_object=of_object) if literal == text else literal.startswith("s3://")
        )
        if literal and not right:
            example = "s3://bucket/list.json" if of_object else "s3://bucket/folder/"
            other = "or a parameter of type s3uri: ${params.NAME}"
            yield tuple(path), f"{path[-1]} must be an S3 URI, such as {example}, {other}"


def _known_size(step: Step) -> int | None:
    """Children as far as the file says; None for a parameter, and for what is counted later."""
    if step.has_items:
        try:
            return children_of_items(step)
        except InvalidItems:
            return None
    return step.array_size if isinstance(step.array_size, int) else None


def has_file(step: Step, by_name: Mapping[str, Step]) -> bool:
    """Whether `${items.file}` means something in a step: it, or the step whose children it
    continues, has items."""
    step_names: set[str] = set()
    while not step.has_items and step.n_to_n_needs and step.name not in step_names:
        step_names.add(step.name)
        step = by_name.get(min(step.n_to_n_needs), step)
    return step.has_items


def _misfits(step: Step, by_name: Mapping[str, Step]) -> Iterator[str]:
    if step.sequential and not is_array(step):
        yield "SEQUENTIAL orders the children of an array: it needs arrayProperties or a forEach"
    for what, value in (("queue", step.workers), ("aggregate", step.aggregate)):
        if value is not None and (step.n_to_n_needs or step.sequential):
            yield f"N_TO_N and SEQUENTIAL do not go together with {what}"
    if step.n_to_n_needs and step.groups:
        yield "N_TO_N and groups do not go together: groups change which child has which item"
    for name in sorted(step.n_to_n_needs & by_name.keys()):
        other = by_name[name]
        if other.aggregate is not None or other.workers is not None:
            yield f"N_TO_N: the children of {name} are not its items one by one"
        elif not is_array(other):
            yield (
                f"N_TO_N is between arrays, and {name} is a single job: leave the type out, write "
                f"{{jobName: {name}}}"
            )
        here, there = _known_size(step), _known_size(other)
        if here is not None and there is not None and here != there:
            yield (
                f"N_TO_N needs equal sizes: {here:,} here, {there:,} of {name}; to wait for all of "
                f"{name} write {{jobName: {name}}}"
            )


def _check_outputs(
    document: Document, place: Place, step: Step, by_name: Mapping[str, Step]
) -> None:
    if step.output is not None and "${item" in step.output and not is_array(step):
        problem = "a single job has no items: write one URI without ${item.…}"
        document.wrong((*place, "flow", "output"), problem)
    for name in sources(step):
        if name not in by_name:
            continue
        output = by_name[name].output
        if output is None:
            problem = f"step {name} has no flow.output: write where each of its items leaves one"
            document.wrong((*place, "flow"), problem)
        elif is_array(by_name[name]) and by_name[name].aggregate is None and "${item" not in output:
            problem = f"{output} is one URI for all items of {name}: write ${{item.…}} into it"
            document.wrong((*place, "flow"), problem)
