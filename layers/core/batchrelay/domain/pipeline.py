"""The definition: what a pipeline file says, once it is known to be right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter

from batchrelay.domain.errors import InvalidPipeline
from batchrelay.domain.values import Json, step_label


class ParamType(StrEnum):
    """What a parameter's text must look like."""

    STRING = "string"
    S3URI = "s3uri"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """A parameter of a pipeline. Without a default a run must give it."""

    name: str
    type: ParamType = ParamType.STRING
    default: str | None = None
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForEach:
    """What a step fans out over: the JSON list at the path `items` of the object `file`.

    `file` is an S3 URI that may hold `${…}`; `items` is a dotted path, empty for the document.
    """

    file: str
    items: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A node of the graph. `request` is a SubmitJob request without jobName and dependsOn."""

    name: str
    needs: tuple[str, ...] = ()
    request: Mapping[str, Json]
    for_each: ForEach | None = None
    output: str | None = None

    @property
    def label(self) -> str:
        """The step as it stands in a jobName."""
        return step_label(self.name)

    @property
    def fixed_children(self) -> int:
        """Children of a step that does not fan out over items: its array size, or 1."""
        array = self.request.get("arrayProperties")
        size = array.get("size") if isinstance(array, Mapping) else None
        return size if isinstance(size, int) else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRule:
    """An SNS notice at the end of a run: to which topic, after which outcomes, with what link."""

    topic: str
    on: frozenset[str]
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """One immutable version of a pipeline.

    Raises:
        InvalidPipeline: two steps share a jobName label, a need is unknown, or steps form a cycle.
    """

    name: str
    version: int
    steps: tuple[Step, ...]
    params: tuple[Param, ...] = ()
    notify: tuple[NoticeRule, ...] = ()
    _by_name: Mapping[str, Step] = field(init=False, repr=False, compare=False)
    _by_label: Mapping[str, Step] = field(init=False, repr=False, compare=False)
    order: tuple[Step, ...] = field(init=False, repr=False, compare=False)
    """The steps, every one after those that it needs."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {step.name: step for step in self.steps})
        object.__setattr__(self, "_by_label", {step.label: step for step in self.steps})
        if len(self._by_label) != len(self.steps):
            raise InvalidPipeline("two steps have the same name (upper and lower case are one)")
        object.__setattr__(self, "order", self._sorted())

    def _sorted(self) -> tuple[Step, ...]:
        for step in self.steps:
            for need in step.needs:
                if need not in self._by_name:
                    raise InvalidPipeline(f"step {step.name} depends on unknown step {need}")
        graph = {step.name: step.needs for step in self.steps}
        try:
            return tuple(self._by_name[name] for name in TopologicalSorter(graph).static_order())
        except CycleError as error:
            raise InvalidPipeline(f"steps form a cycle: {' -> '.join(error.args[1])}") from None

    def step(self, name: str) -> Step:
        """The step of that name; KeyError if there is none."""
        return self._by_name[name]

    def step_of_label(self, label: str) -> Step | None:
        """The step that a jobName means, or None."""
        return self._by_label.get(label)
