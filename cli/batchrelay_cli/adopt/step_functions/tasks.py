"""A Task with batch:submitJob as a SubmitJob request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from batchrelay_cli.adopt.accepted import STOPPED
from batchrelay_cli.adopt.draft import Draft
from batchrelay_cli.adopt.step_functions.rendering import NotKnown, OfItem, text_of
from batchrelay_cli.adopt.step_functions.values import (
    Input,
    Listed,
    Literal,
    Made,
    Parts,
    Struct,
    Value,
    get,
)
from batchrelay_cli.pipeline_file.commands import WORKER
from batchrelay_cli.pipeline_file.shapes import request_shape

_OURS = ("jobName", "dependsOn")
_FAILS = "The step fails until you write its command"
_COMMAND = ("containerOverrides", "command")
_SIZE = ("arrayProperties", "size")
_POSIX_SHELLS = ("sh", "bash", "dash", "ash", "ksh", "zsh")
"""Whose words behind the code are $0, $1 and so on."""
Path = tuple[str, ...]


def needs_of(arguments: Value) -> Iterator[tuple[str | None, str | None]]:
    """The steps whose jobs a request depends on by their ids, each with its type."""
    dependencies = _of_member(arguments, "dependsOn")
    for entry in dependencies.values if isinstance(dependencies, Listed) else ():
        job_id, kind = _of_member(entry, "jobId"), _of_member(entry, "type")
        step = job_id.step if isinstance(job_id, Made) else None
        yield step, kind.value if isinstance(kind, Literal) else None


def _of_member(value: Value, name: str) -> Value:
    """A field in AWS's spelling or in that of Step Functions."""
    fields = value.fields if isinstance(value, Struct) else {}
    return next((inner for key, inner in fields.items() if camel(key) == name), Literal(None))


def camel(key: str) -> str:
    """Step Functions writes JobQueue for jobQueue."""
    return key[:1].lower() + key[1:]


@dataclass(kw_only=True)
class TaskRequest:
    """Makes the request of one step."""

    draft: Draft
    name: str
    line: int
    fields: Mapping[str, str]
    """Names of the items' fields that are others here."""

    def of(self, arguments: Value) -> dict[str, Any]:
        """Everything but its name and its edges."""
        made = self._made(arguments, request_shape("SubmitJob"), (), in_list=False)
        entry: dict[str, Any] = made if isinstance(made, dict) else {}
        self._give_items(entry)
        return entry

    def _leave(self, path: Path, why: str) -> None:
        self.draft.leave(self.line, f"{self.name}: {'.'.join(path)}", why)

    # --- by AWS's model of the request

    def _made(self, value: Value, shape: Shape, path: Path, *, in_list: bool) -> Any:
        match shape:
            case StructureShape():
                return self._structure(value, shape, path, in_list=in_list)
            case ListShape() if path == _COMMAND:
                return self._command(value)
            case ListShape():
                return self._list(value, shape, path)
            case MapShape():
                return self._mapping(value, shape, path)
            case _:
                return self._scalar(value, shape, path)

    def _fields_of(self, value: Value) -> Mapping[str, Value]:
        if isinstance(value, Struct) and value.base is None:
            return value.fields
        if isinstance(value, Made):
            raise NotKnown(f"{value.by} decides it in the run")
        raise NotKnown("only a run knows which fields it has")

    def _structure(
        self, value: Value, shape: StructureShape, path: Path, *, in_list: bool
    ) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, inner in self._fields_of(value).items():
            name = camel(key)
            member = shape.members.get(name)
            if path == () and name in _OURS:
                continue
            if member is None:
                self._leave((*path, key), f"AWS Batch has no such field in {shape.name}")
                continue
            try:
                made[name] = self._made(inner, member, (*path, name), in_list=in_list)
            except NotKnown as error:
                if in_list:
                    raise
                self._leave((*path, name), str(error))
        return made

    def _mapping(self, value: Value, shape: MapShape, path: Path) -> dict[str, Any]:
        made = {}
        for key, inner in self._fields_of(value).items():
            try:
                made[key] = self._made(inner, shape.value, (*path, key), in_list=True)
            except NotKnown as error:
                self._leave((*path, key), str(error))
        return made

    def _list(self, value: Value, shape: ListShape, path: Path) -> list[Any]:
        if not isinstance(value, Listed):
            raise NotKnown("only a run knows its entries")
        made = []
        for number, inner in enumerate(value.values):
            try:
                made.append(self._made(inner, shape.member, path, in_list=True))
            except NotKnown as error:
                self._leave((*path, str(number)), str(error))
        return made

    def _scalar(self, value: Value, shape: Shape, path: Path) -> Any:
        is_text = shape.type_name == "string"
        if isinstance(value, Literal) and not (is_text or isinstance(value.value, str)):
            return value.value
        text = text_of(self.draft, value, self.fields)
        if path == _SIZE and isinstance(value, Input):
            name = ".".join(value.path)
            self.draft.param(f"input:{name}", f"$.{name} of the execution's input", "integer")
        return text

    def _command(self, value: Value) -> list[str]:
        """Whole or not at all: without one word it would do something else."""
        if not isinstance(value, Listed):
            self._leave(_COMMAND, f"only a run knows its words. {_FAILS}")
            return list(STOPPED)
        try:
            return [
                text_of(self.draft, word, self.fields, is_code=_is_code(word))
                for word in _with_arguments(value.values)
            ]
        except NotKnown as error:
            self._leave(_COMMAND, f"{error}. {_FAILS}")
            return list(STOPPED)

    # --- values of an item, which all children of an array have in one request

    def _give_items(self, entry: dict[str, Any]) -> None:
        overrides = entry.get("containerOverrides", {})
        command: list[str] = overrides.get("command", [])
        command = self._with_parameters(entry, command)
        variables = self._variables(overrides, has_command=bool(command))
        if variables or any(isinstance(word, OfItem) for word in command):
            if command[0].startswith("-"):
                why = "it begins with an option: write the program of the image before it"
                self._leave(_COMMAND, why)
            before = ["env", *variables] if variables else []
            command = [WORKER, "run", "--", *before, *command]
        if command:
            overrides["command"] = [str(word) for word in command]
        for key in [key for key, value in overrides.items() if value in ([], {})]:
            del overrides[key]
        self._leave_items(entry)
        if not entry.get("containerOverrides", True):
            del entry["containerOverrides"]

    def _leave_items(self, entry: dict[str, Any]) -> None:
        """Of what cannot differ from item to item: a field, or one of its keys."""
        for key, value in list(entry.items()):
            if key == "containerOverrides" or not _has_item(value):
                continue
            whole = isinstance(value, str)
            for inner in [key] if whole else [name for name in value if _has_item(value[name])]:
                path = (key,) if whole else (key, inner)
                self._leave(path, "it differs from item to item, and an array has one")
                del (entry if whole else value)[inner]
            if not whole and not value:
                del entry[key]

    def _with_parameters(self, entry: dict[str, Any], command: list[str]) -> list[str]:
        """`Ref::name` of a parameter that differs from item to item is that value itself."""
        parameters: dict[str, Any] = entry.get("parameters", {})
        for name, value in list(parameters.items()):
            if not isinstance(value, OfItem):
                continue
            reference = re.compile(rf"Ref::{re.escape(name)}(?![A-Za-z0-9_-])")
            if not any(reference.search(word) for word in command):
                why = "it differs from item to item, and no word of the command here refers to it"
                self._leave(("parameters", name), f"{why}: write {value} there")
            command = [_replaced(reference, word, value) for word in command]
            del parameters[name]
        if parameters == {}:
            entry.pop("parameters", None)
        return command

    def _variables(self, overrides: dict[str, Any], *, has_command: bool) -> list[str]:
        """Variables of the environment that differ from item to item, as `env` takes them."""
        environment = overrides.get("environment", [])
        own = [entry for entry in environment if isinstance(entry.get("value"), OfItem)]
        if not own:
            return []
        overrides["environment"] = [entry for entry in environment if entry not in own]
        texts = [OfItem(f"{entry.get('name')}={entry['value']}") for entry in own]
        if has_command:
            return list(texts)
        for text in texts:
            why = f"its command is not known here: write it behind {WORKER} run -- env"
            self._leave(("containerOverrides", "environment"), f"{text}: {why}")
        return []


def _replaced(reference: re.Pattern[str], word: str, value: str) -> str:
    text = reference.sub(lambda _: value, word)
    return OfItem(text) if text != word or isinstance(word, OfItem) else word


def _has_item(value: Any) -> bool:
    match value:
        case OfItem():
            return True
        case dict():
            return any(map(_has_item, value.values()))
        case list():
            return any(map(_has_item, value))
        case _:
            return False


def _is_code(word: Value) -> bool:
    """A text of several words is read by a shell, whose `${NAME}` it is."""
    text = word.value if isinstance(word, Literal) else ""
    return isinstance(text, str) and re.search(r"\s", text) is not None


def _with_arguments(words: tuple[Value, ...]) -> tuple[Value, ...]:
    """`[sh, -c, CODE]` with values within the code as `[sh, -c, CODE, sh, VALUE…]`.

    A value in code would run as code. Within single quotes of the code nothing can be done.
    """
    if len(words) != 3 or not isinstance(words[2], Parts) or not _is_shell(words[:2]):
        return words
    code = ""
    values: list[Value] = []
    for part in words[2].values:
        if isinstance(part, Literal) and isinstance(part.value, str):
            code += part.value
            continue
        quote = _open_quote(code)
        if quote == "'" or len(values) == 9:
            return words
        values.append(part)
        code += f"${len(values)}" if quote else f'"${len(values)}"'
    shell = get(Listed(words), ("0",))
    return (*words[:2], Literal(code), shell, *values) if values else words


def _is_shell(words: tuple[Value, ...]) -> bool:
    texts = [word.value for word in words if isinstance(word, Literal)]
    return (
        len(texts) == 2
        and all(isinstance(text, str) for text in texts)
        and texts[0].rpartition("/")[2] in _POSIX_SHELLS
        and re.fullmatch(r"-[a-z]*c", texts[1]) is not None
    )


def _open_quote(code: str) -> str:
    """The quote that the next character of a shell's code stands in."""
    quote, at = "", 0
    while at < len(code):
        char = code[at]
        if char == "\\" and quote != "'":
            at += 1
        elif quote == char:
            quote = ""
        elif not quote and char in "'\"":
            quote = char
        at += 1
    return quote
