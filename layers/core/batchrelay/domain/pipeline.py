"""The definition: what a pipeline file says, once it is known to be right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter

from batchrelay.domain.budget import Budget
from batchrelay.domain.errors import InvalidPipeline, PipelineNotFound
from batchrelay.domain.failures import RetryFailed, Tolerate
from batchrelay.domain.values import NAME, NAME_CHARS_MAX, Json, step_label


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


class ListFormat(StrEnum):
    """How a file lists items."""

    JSON = "json"
    """The list at a path of a JSON document."""
    JSONL = "jsonl"
    CSV = "csv"
    """With a header; an item is a mapping of its columns."""
    TSV = "tsv"
    """The same, separated by tabs."""
    LINES = "lines"
    """An item is a text; blank lines are skipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFile:
    """The items that an S3 object lists, gzipped or not."""

    file: str
    """S3 URI, with `${…}`."""
    format: ListFormat | None = None
    """None: what the object's name says, once it is known."""
    items: str = ""
    """Of JSON, a dotted path; empty for the document."""
    separator: str = ""
    """Of CSV's columns, one character; empty for a comma."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The objects below a prefix: {"bucket", "key", "size"}."""

    prefix: str
    """S3 URI, with `${…}`."""
    suffix: str = ""
    match: str = ""
    """A glob over what follows the prefix; `*` stops at a `/`, `**` does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Every combination of the values of several axes; the last axis changes fastest."""

    axes: Mapping[str, tuple[Json, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class InlineItems:
    """Items that stand in the pipeline itself."""

    items: tuple[Json, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOutputs:
    """What the items of another step left: {"output", "number"}."""

    step: str


ForEach = ListFile | Listing | Matrix | InlineItems | StepOutputs
"""What a step fans out over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A resource class: the items for which `when` holds, and what their request changes."""

    when: str | None
    """None: all that no group before it took."""
    overrides: Mapping[str, Json]
    """Fields of SubmitJob, merged over the step's request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """Tree reduction of another step's outputs, level by level, until one is left."""

    of: str
    fan_in: int
    """Inputs of one child."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A node of the graph. `request` is a SubmitJob request without jobName and dependsOn."""

    name: str
    needs: tuple[str, ...] = ()
    n_to_n_needs: frozenset[str] = frozenset()
    """Those of `needs` that are N_TO_N: child i waits for child i only."""
    sequential: bool = False
    """Child i waits for child i - 1."""
    request: Mapping[str, Json]
    for_each: ForEach | None = None
    chunk: int | None = 1
    """Items of one child, or of one message of the queue; None to measure (`auto`)."""
    skip_existing: str | None = None
    """Output URI pattern with `${item.…}`; items whose output is there are left out."""
    groups: tuple[Group, ...] = ()
    aggregate: Aggregate | None = None
    workers: int | None = None
    """Children that share the items through an SQS queue."""
    when: str | None = None
    """A condition; SKIPPED if it does not hold."""
    output: str | None = None
    retry_failed: RetryFailed | None = None
    tolerate: Tolerate | None = None
    is_finally: bool = False
    """Whether it runs once the other steps have ended, whatever became of them."""
    canary: int | None = None
    """Items of each group that run before the rest, which never begins if they fail."""
    fail_fast: bool = False
    """Whether it is stopped once more items failed than it tolerates."""
    unsafe_shell: bool = False
    """Whether its command may have values of items in the code of a shell."""
    max_running: int | None = None
    """Children that may run at the same time; None for as many as there is room for."""

    @property
    def label(self) -> str:
        """The step as it stands in a jobName."""
        return step_label(self.name)

    @property
    def has_items(self) -> bool:
        """Whether it must be prepared: its children are not known before its items are."""
        return self.for_each is not None or self.aggregate is not None

    @property
    def array_size(self) -> int | str | None:
        """arrayProperties.size: a number, or `${params.NAME}` that becomes one."""
        array = self.request.get("arrayProperties")
        if array is None:
            return None
        size = array.get("size") if isinstance(array, Mapping) else None
        return size if isinstance(size, int | str) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRule:
    """An SNS notice at the end of a run: to which topic, after which outcomes, with what link."""

    topic: str
    on: frozenset[str]
    link: str | None = None
    presign_s: int | None = None
    """Seconds of a presigned URL of the link; None for none."""


class Overlap(StrEnum):
    """What a trigger does while a run is open that it, or another such trigger, started."""

    PARALLEL = "parallel"
    """Its run begins at once, whatever else is open."""
    SKIP = "skip"
    """It starts none."""
    QUEUE = "queue"
    """Its run waits in the run queue."""
    CANCEL_RUNNING = "cancelRunning"
    """It cancels that run, and those that wait; its own begins when they have ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Trigger:
    """An object that is created below a prefix, its key ending with a suffix, starts a run."""

    bucket: str
    prefix: str = ""
    suffix: str = ""
    debounce_s: int | None = None
    """Seconds without an upload that end a batch, which is one run; None: each upload is one."""
    overlap: Overlap = Overlap.PARALLEL

    @property
    def variables(self) -> tuple[str, ...]:
        """What `${trigger.…}` may be; `folder` is the URI of what the object lies in, with its `/`,
        `uploads` that of a list of a batch's objects."""
        if self.debounce_s is not None:
            return ("bucket", "uploads", "count")
        return ("bucket", "key", "folder", "size", "versionId")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleTrigger:
    """A run at every time that an expression of EventBridge Scheduler means."""

    expression: str
    timezone: str = "UTC"
    overlap: Overlap = Overlap.PARALLEL

    @property
    def variables(self) -> tuple[str, ...]:
        """What `${trigger.…}` may be."""
        return ("time",)


Trigger = S3Trigger | ScheduleTrigger


def check_pipeline_name(name: str) -> None:
    """Raises: PipelineNotFound: no pipeline can have this name, and no key of a store holds it."""
    if NAME.fullmatch(name) is None:
        raise PipelineNotFound(f"there is no pipeline {name[:NAME_CHARS_MAX]}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """One immutable version of a pipeline.

    Raises:
        InvalidPipeline: two steps share a jobName label, a need is unknown, steps form a cycle, or
            a finally step and another one need each other.
    """

    name: str
    version: int
    steps: tuple[Step, ...]
    params: tuple[Param, ...] = ()
    notify: tuple[NoticeRule, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    timeout_s: int | None = None
    """Seconds after its start when a run is stopped."""
    job_tags: bool = True
    """Whether its jobs have tags of ours, which AWS's bills may be read by."""
    report: bool = False
    """Whether a run leaves its report in S3 when it ends."""
    budget: Budget | None = None
    """How much a run may cost before it waits for a person."""
    _by_name: Mapping[str, Step] = field(init=False, repr=False, compare=False)
    _by_label: Mapping[str, Step] = field(init=False, repr=False, compare=False)
    order: tuple[Step, ...] = field(init=False, repr=False, compare=False)
    """The steps, every one after those that it needs; finally steps come last."""
    ordinary_steps: tuple[Step, ...] = field(init=False, repr=False, compare=False)
    """Those of `order` that are not finally steps."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {step.name: step for step in self.steps})
        object.__setattr__(self, "_by_label", {step.label: step for step in self.steps})
        if len(self._by_label) != len(self.steps):
            raise InvalidPipeline("two steps have the same name (upper and lower case are one)")
        object.__setattr__(self, "order", self._sorted())
        ordinary = tuple(step for step in self.order if not step.is_finally)
        object.__setattr__(self, "ordinary_steps", ordinary)

    def _sorted(self) -> tuple[Step, ...]:
        for step in self.steps:
            for need in step.needs:
                if need not in self._by_name:
                    raise InvalidPipeline(f"step {step.name} depends on unknown step {need}")
                if self._by_name[need].is_finally is not step.is_finally:
                    raise InvalidPipeline(
                        f"step {step.name} depends on {need}, and only one of them is finally"
                    )
        graph = {step.name: step.needs for step in self.steps}
        try:
            order = [self._by_name[name] for name in TopologicalSorter(graph).static_order()]
        except CycleError as error:
            raise InvalidPipeline(f"steps form a cycle: {' -> '.join(error.args[1])}") from None
        return tuple(sorted(order, key=lambda step: step.is_finally))

    @property
    def has_finally_steps(self) -> bool:
        """Whether something runs when the other steps have ended."""
        return len(self.ordinary_steps) < len(self.steps)

    @property
    def content(self) -> Pipeline:
        """Itself but for its number: what two versions have in common if nothing was changed."""
        return replace(self, version=1)

    def step(self, name: str) -> Step:
        """The step of that name; KeyError if there is none."""
        return self._by_name[name]

    def step_of_label(self, label: str) -> Step | None:
        """The step that a jobName means, or None."""
        return self._by_label.get(label)
