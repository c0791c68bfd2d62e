"""What is decided when a run starts is judged when it starts, and not when its step is reached.

The check reads the run once with what is known: its parameters, the stack's values, the steps'
own texts. What only comes later (items, job ids, queues) is left out, or stands there as short as
it can be, so that a request here is a lower bound: what is refused here would surely be refused.
A step that this run surely skips is not judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from batchrelay.domain.array_split import children_of_items, own_size, split
from batchrelay.domain.conditions import parse_condition
from batchrelay.domain.errors import InvalidItems, InvalidPipeline, InvalidStart
from batchrelay.domain.limits import STATE_BYTES_MAX
from batchrelay.domain.pipeline import ListFile, Listing, Step
from batchrelay.domain.request_rules import size_violations, submit_violations
from batchrelay.domain.requests import complete_request, expanded_request, round_uri
from batchrelay.domain.run import Run
from batchrelay.domain.run_size import state_bytes
from batchrelay.domain.step_state import Part, StepState, StepStatus
from batchrelay.domain.templates import expand
from batchrelay.domain.values import JobKey, counted
from batchrelay.domain.variables import FAILURE_LISTS, RUN_STATUS, variables_of

PROBLEMS_MAX = 20
"""Problems of one refusal: 500 steps may share one wrong parameter."""

UNKNOWN_SIZES = (2, 1)
"""Children of a step that are not known yet: an array, or a plain job."""

_URI = re.compile(r"s3://[^/]+(/.*)?", re.DOTALL)
_OBJECT = re.compile(r"s3://[^/]+/.+", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartProblem:
    """What is wrong with one step, or with the run's notices."""

    step: str | None
    message: str

    def __str__(self) -> str:
        return self.message if self.step is None else f"step {self.step}: {self.message}"


def check_start(run: Run) -> None:
    """Judge a run that is not stored yet.

    Raises: InvalidStart, with every problem.
    """
    problems = [str(problem) for problem in start_problems(run)]
    if len(problems) > PROBLEMS_MAX:
        problems[PROBLEMS_MAX:] = [f"and {len(problems) - PROBLEMS_MAX:,} more"]
    if problems:
        raise InvalidStart("; ".join(problems))


def start_problems(run: Run) -> Iterator[StartProblem]:
    """Everything that is wrong with a run before it begins."""
    check = _Check(run=replace(run, steps={}), variables=_with_failure_lists(run))
    for step in run.pipeline.order:
        for message in dict.fromkeys(check.problems(step)):
            yield StartProblem(step=step.name, message=message)
    yield from _size_problems(check)
    for rule in run.pipeline.notify:
        topic = expand(rule.topic, check.variables)
        if not topic.startswith("arn:"):
            message = f"notify: topicArn {topic[:200]!r} is not an ARN, such as ${{env.topicArn}}"
            yield StartProblem(step=None, message=message)


def _with_failure_lists(run: Run) -> Mapping[str, str]:
    """The run's variables as if every step had failures: a step that reads their list is checked as
    it is then, and its request is no longer in any run."""
    ended = {
        step.name: StepState(
            status=StepStatus.PARTIAL, failures=f"{round_uri(run, step.name, 1)}{_STAMP}/"
        )
        for step in run.pipeline.steps
    }
    return variables_of(replace(run, steps=ended))


_FAILURE_ENDS = tuple(f".{what}" for what in FAILURE_LISTS)

_STAMP = "20260131t120000000000"
"""As long as the time in such a folder's name."""


@dataclass(slots=True, kw_only=True)
class _Check:
    """One walk through the steps, in their order."""

    run: Run
    """With a first state for every step that was passed."""
    variables: Mapping[str, str]
    _skipped: set[str] = field(default_factory=set)
    _uncertain: set[str] = field(default_factory=set)
    """Steps that this run may skip."""
    _children: dict[str, int | None] = field(default_factory=dict)
    """Of the steps that were passed; None if only the run will know."""

    def problems(self, step: Step) -> Iterator[str]:
        if not self._skipped.isdisjoint(step.needs):
            self._skipped.add(step.name)
            return
        if step.when is not None or not self._uncertain.isdisjoint(step.needs):
            self._uncertain.add(step.name)
        if step.when is not None:
            yield from self._condition_problems(step, step.when)
            if step.name in self._skipped:
                return
        yield from _source_problems(step, self.variables)
        try:
            children = self._known_child_count(step)
        except InvalidItems as error:
            yield str(error)
            children = None
        if any(self._children[name] == 0 for name in step.n_to_n_needs):
            children = 0
        self._children[step.name] = children
        yield from self._n_to_n_problems(step, children)
        yield from self._request_problems(step, children)

    def _condition_problems(self, step: Step, text: str) -> Iterator[str]:
        condition = parse_condition(text)
        for name, value, number in condition.not_numbers(self.variables.get):
            yield f"when: {name} is {str(value)[:60]!r}, and is compared with the number {number}"
        is_certain = not any(map(self._is_of_the_end, condition.names))
        if is_certain and not condition.holds(self.variables.get):
            self._skipped.add(step.name)

    def _is_of_the_end(self, name: str) -> bool:
        """Whether only the end of a step, or of all, says what a name means."""
        is_list = name.startswith("steps.") and name.endswith(_FAILURE_ENDS)
        return is_list or name == RUN_STATUS or name not in self.variables

    def _known_child_count(self, step: Step) -> int | None:
        """Raises: InvalidItems: a size that is no number, or that no arrays hold."""
        if step.has_items:
            return children_of_items(step)
        if step.array_size is not None:
            children = own_size(step, self.variables)
            split(children)
            return children
        return self._children[min(step.n_to_n_needs)] if step.n_to_n_needs else 1

    def certain_children(self) -> dict[str, int]:
        """Of the steps that were passed, have a known size, and are not skipped."""
        known = self._children.items()
        return {name: size for name, size in known if size and name not in self._uncertain}

    def _n_to_n_problems(self, step: Step, children: int | None) -> Iterator[str]:
        for name in sorted(step.n_to_n_needs):
            there = self._children[name]
            if children and there and children != there:
                yield (
                    f"N_TO_N needs equal sizes: {counted(children, 'children')} here, "
                    f"{there:,} of {name}; "
                    f"give both the same size, or leave the type out to wait for all of {name}"
                )

    def _request_problems(self, step: Step, children: int | None) -> Iterator[str]:
        """Of the request of each group; with an unknown size, what is wrong with every size."""
        lead = (
            self.run.state(min(step.n_to_n_needs))
            if step.n_to_n_needs and step.array_size is None
            else None
        )
        sizes = UNKNOWN_SIZES if children is None else split(children)[:1]
        for group in range(_groups(step)):
            found = []
            for size in sizes:
                state = _first_state(self.run, step, Part(size=size, group=group), lead)
                self.run = self.run.with_step(step.name, state)
                found.append(self._violations(step))
            yield from min(found, key=len, default=())

    def _violations(self, step: Step) -> list[str]:
        key = JobKey(run_id=self.run.id, label=step.label, round=0, part=0)
        try:
            expanded = expanded_request(self.run, key, self.variables)
        except InvalidPipeline as error:
            return [str(error)]
        complete = complete_request(self.run, key, expanded)
        return [*map(str, submit_violations(expanded)), *map(str, size_violations(complete))]


def _size_problems(check: _Check) -> Iterator[StartProblem]:
    """Of the run's state: as it begins, and as it surely becomes if all goes well."""
    waiting = replace(check.run, steps={})
    size = state_bytes(waiting)
    if size > STATE_BYTES_MAX:
        problem = f"the run's state may take {size:,} bytes, over {STATE_BYTES_MAX:,}: write "
        yield StartProblem(step=None, message=f"{problem}shorter parameters, or fewer steps")
        return
    ended = {step.name: StepState(status=StepStatus.SUCCEEDED) for step in check.run.pipeline.steps}
    for name, children in check.certain_children().items():
        with suppress(InvalidItems):  # which is a problem of its own
            parts = tuple(Part(size=part) for part in split(children))
            ended[name] = replace(ended[name], parts=parts)
    size = state_bytes(replace(waiting, steps=ended))
    if size > STATE_BYTES_MAX:
        jobs = sum(len(state.parts) for state in ended.values())
        problem = f"with {jobs:,} jobs the run's state takes {size:,} bytes, over "
        yield StartProblem(
            step=None,
            message=f"{problem}{STATE_BYTES_MAX:,}: write smaller arrays, or use several runs",
        )


def _groups(step: Step) -> int:
    """The step's groups, and its own request behind them, unless the last takes all the rest."""
    takes_all = bool(step.groups) and step.groups[-1].when is None
    return len(step.groups) + (not takes_all)


def _first_state(run: Run, step: Step, part: Part, lead: StepState | None) -> StepState:
    """The state of a step when its first job is submitted, everything unknown left out."""
    state = StepState(status=StepStatus.SUBMITTING, parts=(part,))
    if lead is not None and not step.has_items:
        return replace(state, manifest=lead.manifest, chunk=lead.chunk)
    if not step.has_items:
        return state
    folder = round_uri(run, step.name, 0)
    queue = "" if step.workers is not None else None
    return replace(state, manifest=folder, chunk=step.chunk or 1, queue=queue)


# --- sources -------------------------------------------------------------------


def source_uris(step: Step) -> Iterator[tuple[tuple[str, ...], str, bool]]:
    """Where in `flow` the S3 URIs stand that are read before a step begins, and whether each must
    be that of an object."""
    each = step.for_each
    if isinstance(each, ListFile):
        yield ("forEach", "file"), each.file, True
    if isinstance(each, Listing):
        yield ("forEach", "prefix"), each.prefix, False
    if step.skip_existing is not None:
        yield ("skipExisting",), step.skip_existing, False


def is_uri(text: str, *, of_object: bool) -> bool:
    """Whether a text is an S3 URI."""
    return (_OBJECT if of_object else _URI).fullmatch(text) is not None


def _source_problems(step: Step, variables: Mapping[str, str]) -> Iterator[str]:
    for place, pattern, of_object in source_uris(step):
        text = expand(pattern, variables)
        if not is_uri(text, of_object=of_object):
            example = "s3://bucket/list.json" if of_object else "s3://bucket/folder/"
            yield f"{'.'.join(place)}: {text[:200]!r} is not an S3 URI, such as {example}"
