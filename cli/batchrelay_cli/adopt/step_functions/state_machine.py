"""The ways through a state machine: each job on them is a step.

A way splits at a Choice and in a Parallel. States behind a Choice that several ways lead to stand
once for each way, because a step behind one that is SKIPPED is SKIPPED too: exactly one of them
runs. What a Catch leads to are finally steps.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from batchrelay_cli.adopt.draft import Draft, Step, entries, mapping, with_resources
from batchrelay_cli.adopt.step_functions import jsonata
from batchrelay_cli.adopt.step_functions.choices import NotACondition, rule_condition
from batchrelay_cli.adopt.step_functions.flow_of_data import after, given, selected
from batchrelay_cli.adopt.step_functions.items import items_of
from batchrelay_cli.adopt.step_functions.paths import Scope, templated
from batchrelay_cli.adopt.step_functions.retries import add_retries, add_timeout, add_tolerance
from batchrelay_cli.adopt.step_functions.tasks import TaskRequest, camel, needs_of
from batchrelay_cli.adopt.step_functions.values import Input, Made
from batchrelay_cli.adopt.step_functions.ways import (
    Machine,
    Map,
    Way,
    behind_parallel,
    machine_of,
)
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.pipeline_file.document import Document, Place

STATES_MAX = 2_000
"""States on all ways together: a chain of choices has ways without end."""
WAYS_MAX = 64
"""Ways that meet at the end of a Parallel."""

_SUBMIT_JOB = re.compile(r"arn:[\w-]+:states:::(aws-sdk:)?batch:submitJob(\.[\w:]+)?")
_EQUALS = re.compile(r"""(params\.[\w-]+) == ("[^"]*"|'[^']*')""")
_FAILED = "${run.status} == FAILED"


def fill(draft: Draft, document: Document, resources: tuple[str | None, str | None]) -> None:
    """A step for each job of the definition on each way to it."""
    _Walker(draft=draft, document=document, resources=resources).walk_all()


@dataclass(kw_only=True)
class _Walker:
    draft: Draft
    document: Document
    resources: tuple[str | None, str | None]
    count: int = 0
    ordinary: set[tuple[Place, str]] = field(default_factory=set)
    """States that some way without a failure leads to."""
    made: set[tuple[Place, str]] = field(default_factory=set)
    """States that are steps already."""
    handlers: dict[tuple[Place, str], tuple[Machine, Way, list[str]]] = field(default_factory=dict)
    """Where failures lead to, and from which states."""

    def walk_all(self) -> None:
        data = self.document.data
        seconds = data.get("TimeoutSeconds")
        if isinstance(seconds, int) and not isinstance(seconds, bool):
            self.draft.timeout = f"{max(seconds, 60)}s"
        machine = machine_of(data, ())
        self._walk(machine, data.get("StartAt"), Way(scope=Scope(data=Input())))
        for key, (handler_machine, way, names) in list(self.handlers.items()):
            before = len(self.draft.steps)
            self._walk(handler_machine, key[1], way)
            made = len(self.draft.steps) - before
            steps = f"its {made} steps run" if made > 1 else "its step runs"
            why = f"{steps} whatever step failed" if made else "it leads to no job"
            line = self._line(handler_machine, names[0])
            self.draft.leave(line, f"Catch of {', '.join(dict.fromkeys(names))}", why)

    def _line(self, machine: Machine, name: str) -> int:
        return self.document.line((*machine.place, "States", name))

    def _leave(self, machine: Machine, name: str, why: str) -> None:
        kind = (machine.state(name) or {}).get("Type")
        self.draft.leave(self._line(machine, name), f"{kind} {name}", why)

    # --- ways

    def _walk(self, machine: Machine, name: Any, way: Way) -> list[Way]:
        """The ways that come to the end of this machine."""
        while True:
            state = machine.state(name)
            if state is None:
                self.draft.leave(1, f"the state {name}", "there is no such state")
                return []
            self.count += 1
            if self.count > STATES_MAX:
                raise UsageProblem(f"{self.draft.source}: there are too many ways through its "
                                   "choices: adopt a part of it")  # fmt: skip
            key = (machine.place, name)
            if key in way.states or (way.is_finally and key in self.ordinary):
                self._leave(machine, name, _LOOP if key in way.states else _GOES_ON)
                return []
            if not way.is_finally:
                self.ordinary.add(key)
            way = replace(way, states=way.states | {key}, scope=replace(way.scope, state=name))
            if state.get("Type") == "Choice":
                return self._choice(machine, name, state, way)
            ways = self._state(machine, name, state, way)
            if len(ways) != 1 or "Next" not in state:
                return (
                    ways
                    if "Next" not in state
                    else [end for one in ways for end in self._walk(machine, state["Next"], one)]
                )
            way, name = ways[0], state["Next"]

    def _state(self, machine: Machine, name: str, state: Mapping[str, Any], way: Way) -> list[Way]:
        match state.get("Type"):
            case "Task":
                return [self._task(machine, name, state, way)]
            case "Parallel":
                return self._parallel(machine, name, state, way)
            case "Map":
                return self._map(machine, name, state, way)
            case "Fail":
                if not way.is_finally:
                    self._leave(machine, name, "no step fails a run on purpose: a job can")
                return []
            case "Wait":
                self._leave(machine, name, "steps do not wait for a time: start the run then")
                return [way]
            case "Pass":
                is_jsonata = self._is_jsonata(state)
                scope = given(state, way.scope, is_jsonata=is_jsonata, selector=False)
                data = selected(state, scope, is_jsonata=is_jsonata)
                return [self._behind(state, way, data)]
            case "Succeed":
                return [way]
            case _:
                self._leave(machine, name, "there is no such type of state")
                return [way]

    def _is_jsonata(self, state: Mapping[str, Any]) -> bool:
        language = state.get("QueryLanguage", self.document.data.get("QueryLanguage"))
        return bool(language == "JSONata")

    def _behind(self, state: Mapping[str, Any], way: Way, result: Any) -> Way:
        scope = after(state, way.scope, result, is_jsonata=self._is_jsonata(state))
        return replace(way, scope=scope)

    # --- states

    def _choice(self, machine: Machine, name: str, state: Mapping[str, Any], way: Way) -> list[Way]:
        rules = [rule for rule in entries(state.get("Choices")) if isinstance(rule, dict)]
        targets = [rule.get("Next") for rule in rules]
        targets += [state["Default"]] if "Default" in state else []
        try:
            conditions, note = self._conditions(rules, state, way, len(targets)), None
        except NotACondition as error:
            conditions, text = self._asked(name, targets)
            note = f"{error}: the parameter {text} decides instead"
            note += ", for all items" if way.inside else ""
        before = len(self.draft.steps)
        ends: list[Way] = []
        for target, condition in zip(targets, conditions, strict=True):
            one = replace(way, conditions=(*way.conditions, condition))
            ends += self._walk(machine, target, one)
        if note is not None:
            has_steps = len(self.draft.steps) > before
            self._leave(machine, name, note if has_steps else "no job follows it")
        return ends

    def _conditions(
        self, rules: list[Any], state: Mapping[str, Any], way: Way, count: int
    ) -> list[str]:
        """Of each target, so that one of them holds at most. Raises: NotACondition."""
        is_jsonata = self._is_jsonata(state)
        texts = [
            rule_condition(self.draft, rule, way.scope, is_jsonata=is_jsonata) for rule in rules
        ]
        conditions = list(texts)
        if not _exclude_each_other(texts):
            for number in range(1, len(texts)):
                others = [f"not ({other})" for other in texts[:number]]
                conditions[number] = " and ".join([f"({texts[number]})", *others])
        if count > len(texts):
            conditions.append(" and ".join(f"not ({text})" for text in texts) or "true")
        return conditions

    def _asked(self, name: str, targets: list[Any]) -> tuple[list[str], str]:
        """Conditions of a parameter that names what follows, and its name."""
        choices = [re.sub(r"[^A-Za-z0-9_-]+", "-", str(target)) for target in targets]
        description = f"what follows the Choice {name}: {', '.join(choices)}"
        text = self.draft.param(f"choice:{name}", description)
        return [f'{text} == "{choice}"' for choice in choices], text[9:-1]

    def _parallel(
        self, machine: Machine, name: str, state: Mapping[str, Any], way: Way
    ) -> list[Way]:
        scope = given(state, way.scope, is_jsonata=self._is_jsonata(state))
        branches: list[list[Way]] = []
        for number, branch in enumerate(entries(state.get("Branches"))):
            inner = machine_of(branch, (*machine.place, "States", name, "Branches", number))
            start = mapping(branch).get("StartAt")
            branches.append(self._walk(inner, start, replace(way, scope=scope)))
        self._catch(machine, name, state, way)
        made = Made(f"the Parallel {name}")
        if not branches:
            return [self._behind(state, way, made)]
        meetings = 1
        for ends in branches:
            meetings *= len(ends)
        if meetings > WAYS_MAX:
            raise UsageProblem(f"{self.draft.source}: more than {WAYS_MAX} ways lead out of the "
                               f"Parallel {name}: adopt a part of it")  # fmt: skip
        return [
            self._behind(state, behind_parallel(way, ends), made) for ends in product(*branches)
        ]

    def _map(self, machine: Machine, name: str, state: Mapping[str, Any], way: Way) -> list[Way]:
        made = Made(f"the Map {name}")
        if way.inside is not None:
            self._leave(machine, name, "a Map in a Map: list all items in one file")
            return [self._behind(state, way, made)]
        is_jsonata = self._is_jsonata(state)
        before = len(self.draft.steps)
        scope = given(state, way.scope, is_jsonata=is_jsonata, selector=False)
        items = items_of(self.draft, name, state, scope)
        inner_scope = selected(state, replace(scope, in_map=True), is_jsonata=is_jsonata)
        key = "ItemProcessor" if "ItemProcessor" in state else "Iterator"
        inner = machine_of(state.get(key), (*machine.place, "States", name, key))
        inside = replace(
            way,
            scope=replace(scope, data=inner_scope, in_map=True),
            inside=Map(state=state, items=items),
        )
        ends = self._walk(inner, mapping(state.get(key)).get("StartAt"), inside)
        if len(self.draft.steps) == before:
            self._leave(machine, name, "nothing in it is a job of AWS Batch")
        elif items.note is not None:
            self._leave(machine, name, items.note)
        self._catch(machine, name, state, way)
        outside = [replace(end, scope=way.scope, inside=None, is_continued=False) for end in ends]
        return [self._behind(state, end, made) for end in outside]

    def _task(self, machine: Machine, name: str, state: Mapping[str, Any], way: Way) -> Way:
        is_jsonata = self._is_jsonata(state)
        scope = given(state, way.scope, is_jsonata=is_jsonata, selector=False)
        if is_jsonata:
            arguments = jsonata.templated(state.get("Arguments"), scope)
        else:
            arguments = templated(state.get("Parameters"), scope)
        self._catch(machine, name, state, way)
        if not _is_job(state):
            why = f"{state.get('Resource')} is no job of AWS Batch: make it one, or do without"
            self._leave(machine, name, why)
            return self._behind(state, way, Made(f"the state {name}"))
        step = self._step(machine, name, state)
        request = TaskRequest(
            draft=self.draft,
            name=step.name,
            line=step.line,
            fields=way.inside.items.fields if way.inside else {},
        )
        step.entry |= request.of(arguments)
        with_resources(step.entry, *self.resources)
        self._connect(step, way, list(needs_of(arguments)))
        self._add_flow(step, state, way)
        self.draft.add(step)
        behind = self._behind(state, way, Made(f"the state {name}", step.name))
        return replace(
            behind, needs=(step.name,), conditions=(), is_continued=way.inside is not None
        )

    def _step(self, machine: Machine, name: str, state: Mapping[str, Any]) -> Step:
        line = self._line(machine, name)
        step_name = self.draft.step_name(name, line, is_noted=False)
        for key in state:
            if key not in _OF_A_TASK:
                self.draft.leave(line, f"{step_name}: {key}", "a Task has no such field")
        where = (machine.place, name)
        origin = f"the state {name}, on another way" if where in self.made else f"the state {name}"
        self.made.add(where)
        return Step(entry={"jobName": step_name}, line=line, origin=origin)

    def _connect(self, step: Step, way: Way, jobs: list[tuple[str | None, str | None]]) -> None:
        kind = {"type": "N_TO_N"} if way.is_continued else {}
        edges = [{"jobName": need} | kind for need in way.needs]
        for need, native in jobs:
            if native == "SEQUENTIAL":
                edges.append({"type": native})
            elif need is None:
                why = "no state before it submits this job"
                self.draft.leave(step.line, f"{step.name}: dependsOn", why)
            elif need not in way.needs:
                edges.append({"jobName": need} | ({"type": native} if native else {}))
        if edges:
            step.entry["dependsOn"] = edges

    def _add_flow(self, step: Step, state: Mapping[str, Any], way: Way) -> None:
        flow: dict[str, Any] = {}
        if way.inside is not None and not way.is_continued:
            flow["forEach"] = way.inside.items.for_each
        if way.conditions:
            texts = [f"({text})" for text in way.conditions]
            flow["when"] = " and ".join(texts) if len(texts) > 1 else way.conditions[0]
        if way.is_finally:
            flow["finally"] = True
        if flow:
            step.entry["flow"] = flow
        add_retries(self.draft, step.line, step.entry, state)
        add_timeout(self.draft, step.line, step.entry, state)
        if way.inside is not None:
            add_tolerance(self.draft, step.line, step.entry, way.inside.state)
        if step.entry.get("flow") == {}:
            del step.entry["flow"]

    def _catch(self, machine: Machine, name: str, state: Mapping[str, Any], way: Way) -> None:
        for catcher in map(mapping, entries(state.get("Catch"))):
            target = catcher.get("Next")
            if way.is_finally or not isinstance(target, str):
                continue
            failure = Made("the failure")
            scope = Scope(data=failure)
            if way.inside is None and not self._is_jsonata(state):
                result = {"ResultPath": catcher.get("ResultPath", "$")}
                scope = after(result, way.scope, failure, is_jsonata=False)
            start = Way(scope=scope, conditions=(_FAILED,), is_finally=True)
            key = (machine.place, target)
            self.handlers.setdefault(key, (machine, start, []))[2].append(name)


_LOOP = "the states go round in a loop here: a pipeline has none"
_GOES_ON = "after a failure the states go on here: the steps behind one that failed do not run"
_OF_A_TASK = frozenset(
    {"Type", "Comment", "Resource", "Parameters", "Arguments", "Next", "End", "InputPath"}
    | {"OutputPath", "ResultPath", "ResultSelector", "Retry", "Catch", "TimeoutSeconds"}
    | {"TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath", "Credentials"}
    | {"QueryLanguage", "Output", "Assign"}
)


def _is_job(state: Mapping[str, Any]) -> bool:
    """By its resource, or by what it asks for if the resource is filled in later."""
    resource = state.get("Resource")
    if isinstance(resource, str) and _SUBMIT_JOB.fullmatch(resource):
        return True
    asked = mapping(state.get("Arguments", state.get("Parameters")))
    fields = {camel(key.removesuffix(".$")) for key in asked}
    return "${" in str(resource) and {"jobDefinition", "jobQueue"} <= fields


def _exclude_each_other(texts: list[str]) -> bool:
    """Whether they compare one value with different ones."""
    matches = [_EQUALS.fullmatch(text) for text in texts]
    pairs = [(match[1], match[2][1:-1]) for match in matches if match is not None]
    same = len({name for name, _ in pairs}) == 1
    return same and len({value for _, value in pairs}) == len(texts)
