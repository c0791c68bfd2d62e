"""YAML (and so JSON) with the line and column of every value."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from batchrelay_cli.pipeline_file.problems import Problem

VALUES_MAX = 200_000
"""Values of a document: 500 steps of 400. Aliases of aliases would make it grow without end."""

Place = tuple[str | int, ...]
"""Where a value is: ("steps", 0, "jobName")."""


@dataclass
class Document:
    """The data, where each part of it stands, and what is wrong with it."""

    data: Any = None
    positions: dict[Place, tuple[int, int]] = field(default_factory=dict)
    key_positions: dict[Place, tuple[int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _seen: set[Problem] = field(default_factory=set)

    def wrong(self, place: Place, message: str) -> None:
        """Something is wrong with the value there."""
        self._note(self.positions, place, message)

    def wrong_key(self, place: Place, message: str) -> None:
        """Something is wrong with the key there."""
        self._note(self.key_positions, place, message)

    def warn(self, place: Place, message: str) -> None:
        """Something there works, but not as well as it could."""
        line, column = self._nearest(self.positions, place)
        self._add(Problem(line=line, column=column, message=message, is_warning=True))

    @property
    def errors(self) -> list[Problem]:
        """Errors, in the order of the file."""
        wrong = [problem for problem in self.problems if not problem.is_warning]
        return sorted(wrong, key=lambda problem: (problem.line, problem.column))

    @property
    def warnings(self) -> list[Problem]:
        """Warnings."""
        return [problem for problem in self.problems if problem.is_warning]

    def _note(self, positions: Mapping[Place, tuple[int, int]], place: Place, message: str) -> None:
        line, column = self._nearest(positions, place)
        self._add(Problem(line=line, column=column, message=message))

    def _add(self, problem: Problem) -> None:
        """Once: every step that is merged over a mistake of `defaults` comes upon it."""
        if problem not in self._seen:
            self._seen.add(problem)
            self.problems.append(problem)

    def means(self, wrong: str, right_key: str) -> None:
        """A key at the top is another one's misspelling: its values are found under both."""
        for positions in (self.positions, self.key_positions):
            below = [place for place in positions if place[:1] == (wrong,)]
            positions.update({(right_key, *place[1:]): positions[place] for place in below})

    def line(self, place: Place) -> int:
        """The line of the value there."""
        return self._nearest(self.positions, place)[0]

    def _nearest(self, positions: Mapping[Place, tuple[int, int]], place: Place) -> tuple[int, int]:
        for length in range(len(place), -1, -1):
            if place[:length] in positions:
                return positions[place[:length]]
            positions = self.positions
        return 1, 1


class _Loader(yaml.SafeLoader):
    """JSON's scalars and no more: `on` and `no` are texts, as in YAML 1.2, and so are dates."""


_Loader.yaml_implicit_resolvers = {}


for _tag, _pattern, _first in (
    ("bool", r"true|false", "tf"),
    ("null", r"null|~|", ["n", "~", ""]),
    ("int", r"-?(0|[1-9][0-9]*)", "-0123456789"),
    ("float", r"-?(0|[1-9][0-9]*)(\.[0-9]*)?([eE][-+]?[0-9]+)?", "-0123456789"),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first)
    )


def parse(text: str, *, is_json: bool = False) -> Document:
    """The document; what is no YAML is a problem of it.

    JSON is read as YAML, which keeps the places; its errors are those of JSON.
    """
    document = Document()
    if is_json:
        not_json = _json_problem(text)
        if not_json is not None:
            document.problems.append(not_json)
            return document
        text = text.translate(_BLANKS)  # a tab indents JSON, and never stands in one of its texts
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            document.wrong((), "the file is empty")
        else:
            document.data = _value(loader, node, (), document)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problem = f"this is not YAML: {error.problem or error.context}"
        document.problems.append(Problem(line=line, column=column, message=problem))
    except yaml.YAMLError as error:
        document.wrong((), f"this is not YAML: {' '.join(str(error).split())}")
    except RecursionError:
        document.wrong((), "the document is nested too deeply")
    return document


def parse_nodes(text: str, *, is_json: bool) -> yaml.Node | None:
    """The nodes of a file that is right, with the places where each begins and ends in its text."""
    node: yaml.Node | None = _Loader(text.translate(_BLANKS) if is_json else text).get_single_node()
    return node


_HALF = re.compile("[\ud800-\udfff]")
_BLANKS = {ord("\t"): " "}


def _json_problem(text: str) -> Problem | None:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        message = f"this is not JSON: {error.msg[:1].lower()}{error.msg[1:]}"
        return Problem(line=error.lineno, column=error.colno, message=message)
    except (ValueError, RecursionError) as error:
        is_deep = isinstance(error, RecursionError)
        message = "the document is nested too deeply" if is_deep else f"this is not JSON: {error}"
        return Problem(line=1, column=1, message=message)
    return None


def _value(loader: _Loader, node: yaml.Node, place: Place, document: Document) -> Any:
    if len(document.positions) > VALUES_MAX:
        raise yaml.YAMLError(f"more than {VALUES_MAX:,} values")
    document.positions.setdefault(place, (node.start_mark.line + 1, node.start_mark.column + 1))
    match node:
        case yaml.MappingNode():
            return dict(_members(loader, node, place, document))
        case yaml.SequenceNode():
            return [
                _value(loader, inner, (*place, index), document)
                for index, inner in enumerate(node.value)
            ]
        case _:
            return _scalar(loader, node, place, document)


def _scalar(loader: _Loader, node: yaml.Node, place: Place, document: Document) -> Any:
    """A value that JSON has too; a tag such as !!timestamp makes others."""
    try:
        value = loader.construct_object(node)
    except (ValueError, LookupError, AttributeError):  # of Python's readers of numbers and dates
        value = b""
    if isinstance(value, str):
        return _whole(value, place, document)
    if isinstance(value, float) and not math.isfinite(value):
        problem = "this number is beyond what a double holds: write it as a text, in quotes"
        document.wrong(place, problem)
    elif not isinstance(value, int | float | None):
        document.wrong(place, "this is no value of JSON: write it as a text, in quotes")
    return value


def _whole(text: str, place: Place, document: Document) -> str:
    """JSON escapes a character beyond 16 bits as two halves, which YAML leaves as they are."""
    if _HALF.search(text) is None:
        return text
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        document.wrong(place, "half of a character: write both halves, such as \\ud83d\\ude00")
        return _HALF.sub("?", text)


def _members(
    loader: _Loader, node: yaml.MappingNode, place: Place, document: Document
) -> Iterator[tuple[str, Any]]:
    for key_node, value_node in node.value:
        key = _whole(str(key_node.value), place, document)
        inner = (*place, key)
        position = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
        if inner in document.key_positions:
            problem = f"{key} is given twice"
            document.problems.append(Problem(line=position[0], column=position[1], message=problem))
        document.key_positions[inner] = position
        yield key, _value(loader, value_node, inner, document)
