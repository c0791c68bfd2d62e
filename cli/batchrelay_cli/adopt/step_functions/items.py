"""The items of a Map as `forEach`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from batchrelay_cli.adopt.draft import Draft, literal_document, mapping
from batchrelay_cli.adopt.step_functions import jsonata
from batchrelay_cli.adopt.step_functions.paths import Scope, at_path, templated
from batchrelay_cli.adopt.step_functions.rendering import NotKnown, text_of
from batchrelay_cli.adopt.step_functions.values import Input, Listed, Struct, Value, get, plain

_FORMATS = {"CSV": "csv", "JSON": "json", "JSONL": "jsonl"}
_SEPARATORS = {"COMMA": None, "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}
_OF_AN_OBJECT = {"Key": "key", "Size": "size"}
"""Fields of an object in a listing of S3, and what they are called here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """What a Map goes over."""

    for_each: dict[str, Any]
    fields: Mapping[str, str] = field(default_factory=dict)
    note: str | None = None
    """What was done instead, if the items are not known."""


def items_of(draft: Draft, name: str, state: Mapping[str, Any], scope: Scope) -> Items:
    """The items of the Map `name`, from a file, a listing, the execution's input or itself."""
    reader = mapping(state.get("ItemReader"))
    if reader:
        try:
            return _read(draft, reader, scope)
        except NotKnown as error:
            return _given(draft, name, str(error))
    return _of_value(draft, name, _items_value(state, scope))


def _items_value(state: Mapping[str, Any], scope: Scope) -> Value:
    if "Items" in state:
        return jsonata.templated(state["Items"], scope)
    path = state.get("ItemsPath", "$")
    return at_path(path if isinstance(path, str) else "", scope)


def _of_value(draft: Draft, name: str, value: Value) -> Items:
    if isinstance(value, Listed):
        try:
            return Items(for_each={"items": literal_document(plain(value))})
        except ValueError:
            return _given(draft, name, "only a run knows all of them")
    if isinstance(value, Input) and not any("." in part or not part for part in value.path):
        file = draft.param(
            "execution:execution-input", "the execution's input, a JSON document in S3", "s3uri"
        )
        return Items(for_each={"file": file, "items": ".".join(value.path)})
    by = getattr(value, "by", "something that is no list")
    return _given(draft, name, f"{by} decides them in the run")


def _given(draft: Draft, name: str, why: str) -> Items:
    description = f"the items of the Map {name}, a JSON list in S3"
    file = draft.param(f"items:{name}-items", description, "s3uri")
    note = f"{why}: give the URI of a JSON list, or write one in a step before and name its output"
    return Items(for_each={"file": file, "items": ""}, note=note)


def _read(draft: Draft, reader: Mapping[str, Any], scope: Scope) -> Items:
    """Raises: NotKnown."""
    resource = str(reader.get("Resource"))
    if "Arguments" in reader:
        arguments = jsonata.templated(reader["Arguments"], scope)
    else:
        arguments = templated(reader.get("Parameters"), scope)
    if not isinstance(arguments, Struct):
        raise NotKnown("it does not say which file")
    bucket = text_of(draft, get(arguments, ("Bucket",)))
    if resource.endswith(":s3:listObjectsV2"):
        has_prefix = "Prefix" in arguments.fields
        prefix = text_of(draft, get(arguments, ("Prefix",))) if has_prefix else ""
        return Items(for_each={"prefix": f"s3://{bucket}/{prefix}"}, fields=_OF_AN_OBJECT)
    if not resource.endswith(":s3:getObject"):
        raise NotKnown(f"the reader {resource} has no equal")
    file = f"s3://{bucket}/{text_of(draft, get(arguments, ('Key',)))}"
    return _of_file(file, mapping(reader.get("ReaderConfig")))


def _of_file(file: str, config: Mapping[str, Any]) -> Items:
    kind = str(config.get("InputType", "JSON"))
    form = _FORMATS.get(kind)
    if form is None:
        raise NotKnown(f"a file of type {kind} has no equal")
    for_each: dict[str, Any] = {"file": file}
    if form == "json":
        pointer = config.get("ItemsPointer", "")
        path = str(pointer).strip("/").replace("/", ".") if isinstance(pointer, str) else ""
        return Items(for_each=for_each | {"items": path})
    if config.get("CSVHeaderLocation", "FIRST_ROW") != "FIRST_ROW":
        raise NotKnown("a CSV file without a header has no equal: write one into it")
    delimiter = str(config.get("CSVDelimiter", "COMMA"))
    if delimiter not in _SEPARATORS:
        raise NotKnown(f"the delimiter {delimiter} has no equal")
    separator = _SEPARATORS[delimiter]
    for_each["format"] = form
    return Items(for_each=for_each | ({} if separator is None else {"separator": separator}))
