"""`flow.finally`: whether ordinary and finally steps stay apart, and what finally steps may ask."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from batchrelay.domain.pipeline import Step
from batchrelay.domain.variables import RUN_STATUS, STEP_OUTCOMES
from batchrelay_cli.pipeline_file.document import Document, Place
from batchrelay_cli.pipeline_file.edges import sources


def check_finally(
    document: Document, steps: Sequence[tuple[int, Step]], entries: Sequence[Mapping[str, Any]]
) -> None:
    """Neither kind needs the other: a finally step waits for all ordinary ones as it is."""
    by_name = {step.name: step for _, step in steps}
    if steps and all(step.is_finally for step in by_name.values()):
        problem = "every step is finally: they wait for ordinary steps, so write at least one"
        document.wrong(("steps",), problem)
    for number, step in steps:
        for place, name in _needs(number, step, entries[number]):
            other = by_name.get(name)
            if other is not None and other.is_finally is not step.is_finally:
                document.wrong(place, _problem(step, name))


def _needs(number: int, step: Step, entry: Mapping[str, Any]) -> list[tuple[Place, str]]:
    """The steps that a step names, each with its place."""
    entries = entry.get("dependsOn", [])
    edges = [
        (("steps", number, "dependsOn", index), edge["jobName"])
        for index, edge in enumerate(entries if isinstance(entries, list) else ())
        if isinstance(edge, dict) and isinstance(edge.get("jobName"), str)
    ]
    return [*edges, *((("steps", number, "flow"), name) for name in sources(step))]


def _problem(step: Step, name: str) -> str:
    if step.is_finally:
        return (
            f"{step.name} is a finally step, which begins when {name} and all ordinary steps have "
            "ended: leave this out; if it needs a list of items, write a listing or a file in "
            "forEach"
        )
    return (
        f"{name} is a finally step, which begins when {step.name} has ended: leave this out, or "
        f"make {step.name} a finally step too"
    )


def visible_steps(step: Step, before: Collection[str], steps: Sequence[Step]) -> set[str]:
    """The steps whose output a step may name: those before it, and all ordinary ones if it runs
    when they have ended."""
    return {*before, *_ordinary(step, steps)}


def outcome_names(step: Step, steps: Sequence[Step]) -> set[str]:
    """What the `when` of a step may ask of other steps."""
    names = {*step.needs, *_ordinary(step, steps)}
    return {f"steps.{name}.{what}" for name in names for what in STEP_OUTCOMES}


def own_variables(step: Step) -> set[str]:
    """What `${…}` means in finally steps only."""
    return {RUN_STATUS} if step.is_finally else set()


def _ordinary(step: Step, steps: Sequence[Step]) -> set[str]:
    return {other.name for other in steps if step.is_finally and not other.is_finally}
