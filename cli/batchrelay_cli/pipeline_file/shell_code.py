"""Values inside the code of a shell or interpreter: refused, because they would run as code.

A parameter, an item or what a trigger says comes from outside: the name of an uploaded object may
hold `;id;`. An environment variable or an argument of its own is a value whatever it holds.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from batchrelay.domain.templates import references
from batchrelay.domain.values import merged
from batchrelay_cli.pipeline_file.code_words import SHELLS, code_words
from batchrelay_cli.pipeline_file.commands import ENTRYPOINT_TAG, WORKER
from batchrelay_cli.pipeline_file.container_words import commands_of
from batchrelay_cli.pipeline_file.document import Document, Place

OURS = ("run", "env")
"""`${run.…}` and `${env.…}` are letters, digits and a few marks that no shell knows."""

_ITEM = re.compile(r"\{(item(?:\.[^}]+)?)\}")
_REFERENCE = re.compile(r"Ref::([A-Za-z0-9_-]+)")
_NAME_OF_VARIABLE = re.compile(r"item\.([A-Za-z0-9_ -]+)")


def check_code(
    document: Document, steps: Any, defaults: Mapping[str, Any], definitions: Any
) -> None:
    """Refuse every value from outside in code, but in steps with `flow: {unsafeShell: true}`."""
    definitions_by_name = {
        entry["jobDefinitionName"]: (number, entry)
        for number, entry in enumerate(definitions if isinstance(definitions, list) else [])
        if isinstance(entry, dict) and isinstance(entry.get("jobDefinitionName"), str)
    }
    problems: dict[tuple[Place, str], None] = {}
    for number, step in enumerate(steps if isinstance(steps, list) else []):
        if isinstance(step, dict) and _mapping(step, "flow").get("unsafeShell") is not True:
            for layers in _requests(number, step, defaults):
                for command in _commands(layers, definitions_by_name):
                    problems.update(dict.fromkeys(_problems(command)))
    for place, problem in problems:
        document.wrong(place, problem)


@dataclass(frozen=True, kw_only=True)
class _Command:
    """The words of one job, as far as the file says them."""

    entrypoint: list[str]
    entrypoint_place: Place
    words: list[str]
    place: Place
    is_expanded: bool
    """Whether `${…}` means something in its words: not in a job definition."""
    parameters: Mapping[str, Any]
    """What `Ref::name` means."""
    may_have_worker: bool
    """Whether `{item.…}` may be filled in."""


_Layers = list[tuple[Mapping[str, Any], Place]]
"""Requests, each over the ones behind it, and where each stands."""


def _requests(
    number: int, step: Mapping[str, Any], defaults: Mapping[str, Any]
) -> Iterator[_Layers]:
    """The step's own request, and its variants (see `overrides.variants`), as they are written."""
    own: _Layers = [(step, ("steps", number)), (defaults, ("defaults",))]
    flow, place = _mapping(step, "flow"), ("steps", number, "flow")
    groups = flow.get("groups")
    bases = [own]
    for index, group in enumerate(groups if isinstance(groups, list) else []):
        if isinstance(group, dict):
            bases.append([(group, (*place, "groups", index)), *own])
    yield from bases
    retry = _mapping(flow, "retryFailed")
    for base in bases if retry else ():
        yield [(retry, (*place, "retryFailed")), *base]


def _commands(
    layers: _Layers, definitions_by_name: Mapping[str, tuple[int, Mapping[str, Any]]]
) -> Iterator[_Command]:
    """Of each container."""
    reference = next((r["jobDefinition"] for r, _ in layers if "jobDefinition" in r), "")
    name = reference.partition(":")[0] if isinstance(reference, str) else ""
    number, definition = definitions_by_name.get(name, (0, {}))
    entrypoint = _split(_mapping(definition, "tags").get(ENTRYPOINT_TAG))
    parameters = _mapping(definition, "parameters")
    for request, _ in reversed(layers):
        parameters = merged(parameters, _mapping(request, "parameters"))
    home: Place = ("jobDefinitions", number)
    for words, place in commands_of(layers, definition, home):
        yield _Command(
            entrypoint=entrypoint,
            entrypoint_place=(*home, "tags", ENTRYPOINT_TAG),
            words=words,
            place=place,
            is_expanded=place[:1] != home[:1],
            parameters=parameters,
            may_have_worker=not definition
            or any(word.endswith(WORKER) for word in (*entrypoint, *words)),
        )


def _problems(command: _Command) -> Iterator[tuple[Place, str]]:
    words, offset = [*command.entrypoint, *command.words], len(command.entrypoint)
    for at, program in code_words([_with_parameters(word, command) for word in words]).items():
        place = (*command.place, at - offset) if at >= offset else command.entrypoint_place
        for value in _values(words[at], command, is_expanded=command.is_expanded and at >= offset):
            yield place, _problem(value, program)


def _with_parameters(word: str, command: _Command) -> str:
    """`Ref::shell` may be the shell."""
    return _REFERENCE.sub(lambda match: str(command.parameters.get(match[1], match[0])), word)


def _values(word: str, command: _Command, *, is_expanded: bool) -> Iterator[str]:
    """The values from outside in a word: `{item.x}`, `${params.x}`, `Ref::x` that holds one."""
    if command.may_have_worker:
        yield from (match[0] for match in _ITEM.finditer(word))
    if is_expanded:
        names = (reference.name for reference in references(word))
        yield from (f"${{{name}}}" for name in names if _is_foreign(name))
    for match in _REFERENCE.finditer(word):
        text = command.parameters.get(match[1])
        if isinstance(text, str) and any(_values_of_parameter(text, command)):
            yield match[0]


def _values_of_parameter(text: str, command: _Command) -> Iterator[bool]:
    yield from (_is_foreign(reference.name) for reference in references(text))
    yield command.may_have_worker and _ITEM.search(text) is not None


def _is_foreign(name: str) -> bool:
    """`${item.…}` is refused elsewhere: a request knows no item."""
    return name.partition(".")[0] not in (*OURS, "item")


def _problem(value: str, program: str) -> str:
    return (
        f"{value} is in the code of {program}: what it holds would run as code. "
        f"Write {_instead(value, program)}; `flow: {{unsafeShell: true}}` allows it"
    )


_OWN_ARGUMENT = {
    "python": "sys.argv[1]",
    "perl": "$ARGV[0]",
    "ruby": "ARGV[0]",
    "node": "process.argv[1]",
    "Rscript": "commandArgs(TRUE)[1]",
    "php": "$argv[1]",
}
_OF_ONE_TEXT = ("ssh", "rsh", "eval", "watch", "parallel", "hyperfine", "bsub")


def _instead(value: str, program: str) -> str:
    if program in _OF_ONE_TEXT:
        return f"a script that reads the value from a file or its input: {program} joins its words"
    if program in SHELLS:
        variable = _NAME_OF_VARIABLE.fullmatch(value.strip("{}"))
        name = re.sub(r"[^A-Za-z0-9]", "_", variable[1]).upper() if variable else ""
        variable_text = f'"$ITEM_{name}" there, or ' if variable and value[0] == "{" else ""
        behind = f"[{program}, -c, CODE, {program}, '{value}']"
        return f'{variable_text}"$1" there and the value behind it: {behind}'
    own = f"{_OWN_ARGUMENT[program]} there and " if program in _OWN_ARGUMENT else ""
    return f"{own}the value as an argument of its own, or as a variable of the environment"


def _split(text: Any) -> list[str]:
    """As the local AWS Batch reads the tag; what is no command is refused there."""
    try:
        return shlex.split(text) if isinstance(text, str) else []
    except ValueError:
        return []


def _mapping(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    inner = value.get(key)
    return inner if isinstance(inner, dict) else {}
