"""A pipeline file that is being made: its steps, each with its origin, and what was not carried."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from batchrelay.domain.limits import STEPS_MAX
from batchrelay.domain.values import NAME, NAME_CHARS_MAX, step_label
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.terminal import excerpt

Path = tuple[str | int, ...]

_WHY_CHARS_MAX = 600
"""Characters of a reason, which may repeat a text of the input."""

QUEUE, DEFINITION = "your-job-queue", "your-job-definition"
"""Stand where the input names none; `--queue` and `--definition` replace them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotCarried:
    """Something of the input that the pipeline file does not have, or has in another way."""

    line: int
    what: str
    """Whose it is, and its name: `JobB: nodeOverrides`."""
    why: str
    """What was done instead, or what to do."""


@dataclass(kw_only=True)
class Step:
    """One entry of `steps:`, and where it comes from."""

    entry: dict[str, Any]
    line: int
    origin: str
    """What the comment above it says: `jobs[0], job 3286a19c-…`."""
    line_of: Callable[[Path], int] | None = None
    """The line of a value of the entry, if the input has it under the same name."""

    @property
    def name(self) -> str:
        return str(self.entry["jobName"])

    def line_at(self, path: Path) -> int:
        return self.line if self.line_of is None else self.line_of(path)


@dataclass(kw_only=True)
class Draft:
    """All of it. `source` and `form` say what it was made from."""

    source: str
    form: str
    name: str
    steps: list[Step] = field(default_factory=list)
    params: dict[str, dict[str, Any]] = field(default_factory=dict)
    timeout: str | None = None
    not_carried: list[NotCarried] = field(default_factory=list)
    _labels: set[str] = field(default_factory=set)
    _param_names: dict[str, str] = field(default_factory=dict)

    def leave(self, line: int, what: str, why: str) -> None:
        """Note once that something was not carried."""
        entry = NotCarried(line=line, what=excerpt(what), why=excerpt(why, _WHY_CHARS_MAX))
        if entry not in self.not_carried:
            self.not_carried.append(entry)

    def add(self, step: Step) -> None:
        """Raises: UsageProblem, if a pipeline cannot have so many."""
        if len(self.steps) >= STEPS_MAX:
            raise UsageProblem(
                f"{self.source}: more than {STEPS_MAX} steps, which is all that a pipeline may "
                "have: adopt a part of it"
            )
        self.steps.append(step)

    def step_name(self, text: str, line: int, *, is_noted: bool = True) -> str:
        """A name that a step may have and no other has, close to a text of the input."""
        name = _as_name(text) or f"step-{len(self._labels) + 1}"
        unique, number = name, 1
        while step_label(unique) in self._labels:
            number += 1
            ending = f"-{number}"
            unique = name[: NAME_CHARS_MAX - len(ending)] + ending
        self._labels.add(step_label(unique))
        if unique != text and is_noted:
            self.leave(line, text or "a job without a name", f"the step is called {unique}")
        return unique

    def param(self, key: str, description: str, kind: str | None = None) -> str:
        """`${params.NAME}` of the parameter that stands for something of the input.

        Args:
            key: the same key is the same parameter; its end is what the name is made of.
            kind: its type, if it is not a text.
        """
        name = self._param_names.get(key)
        if name is None:
            name = self._new_param_name(key)
            self._param_names[key] = name
            self.params[name] = {"description": literal(excerpt(description))}
        if kind is not None:
            self.params[name] = {"type": kind, **self.params[name]}
        return f"${{params.{name}}}"

    def _new_param_name(self, key: str) -> str:
        text = re.sub(r"[^A-Za-z0-9_]+", "-", key.partition(":")[2]).strip("-_")[:60]
        base = text if re.match(r"[A-Za-z]", text) else f"value-{text}".rstrip("-")
        name, number = base, 1
        while name in self.params:
            number += 1
            name = f"{base}-{number}"
        return name


def literal(text: str) -> str:
    """A text of the input as it stands in a pipeline file, where `${` begins a variable."""
    return text.replace("${", "$${")


def literal_document(value: Any) -> Any:
    """A document with every text of it literal, the keys as they are."""
    match value:
        case str():
            return literal(value)
        case dict():
            return {key: literal_document(inner) for key, inner in value.items()}
        case list():
            return [literal_document(inner) for inner in value]
        case _:
            return value


def pipeline_name(text: str) -> str:
    """A name that a pipeline may have."""
    return _as_name(text) or "adopted"


def _as_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-_")[:NAME_CHARS_MAX]


def is_name(text: Any) -> bool:
    """Whether a step may be called so."""
    return isinstance(text, str) and NAME.fullmatch(text) is not None


def mapping(value: Any) -> Mapping[str, Any]:
    """The value if it is a mapping; else an empty one."""
    return value if isinstance(value, dict) else {}


def entries(value: Any) -> list[Any]:
    """The value if it is a list; else an empty one."""
    return value if isinstance(value, list) else []


def with_resources(entry: dict[str, Any], queue: str | None, definition: str | None) -> None:
    """Write a queue and a definition into a step that has none."""
    for key, value in (("jobQueue", queue or QUEUE), ("jobDefinition", definition or DEFINITION)):
        if not isinstance(entry.get(key), str) or not entry[key]:
            entry[key] = value
