"""An item's values: what `${item.key}` means in a pattern, and `item.size` in a condition.

An item is any JSON value. Beside what it holds itself, an item that says where it lies (a text,
or a mapping with `key`, `uri` or `output`) has a `name` (after the last slash), a `stem` (the name
without what follows its last dot) and, with `bucket` and `key`, a `uri`. The worker knows the same
(docs/reference/manifest.md).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from batchrelay.domain.errors import InvalidItems
from batchrelay.domain.templates import ITEM_TOKEN
from batchrelay.domain.values import Json

_INDEX = re.compile(r"[0-9]{1,9}")


def item_value(item: Json, path: str) -> Json:
    """The value at `item` or `item.a.b`; None if there is none."""
    value = item
    for name in path.split(".")[1:]:
        if isinstance(value, Mapping) and name in value:
            value = value[name]
        elif isinstance(value, list) and _INDEX.fullmatch(name) and int(name) < len(value):
            value = value[int(name)]
        else:
            return _derived(item, name) if path == f"item.{name}" else None
    return value


def _derived(item: Json, name: str) -> Json:
    where = _where(item)
    if name == "uri" and isinstance(item, Mapping) and "bucket" in item and "key" in item:
        return f"s3://{item['bucket']}/{item['key']}"
    if where is None or name not in ("name", "stem"):
        return None
    last = where.rstrip("/").rpartition("/")[2]
    return last if name == "name" else (last.rpartition(".")[0] or last)


def _where(item: Json) -> str | None:
    if isinstance(item, str):
        return item
    if isinstance(item, Mapping):
        for name in ("key", "uri", "output"):
            value = item.get(name)
            if isinstance(value, str):
                return value
    return None


def expand_item(pattern: str, item: Json, number: int) -> str:
    """A pattern with every `${item…}` replaced; `${item.number}` is its place in the step.

    Raises:
        InvalidItems: the item has no such value.
    """

    def value(path: str) -> str:
        field = number if path == "item.number" else item_value(item, path)
        if field is None:
            name = path.removeprefix("item.")
            raise InvalidItems(f"item {number} has no {name}, or it is null")
        return field if isinstance(field, str) else json.dumps(field, separators=(",", ":"))

    return ITEM_TOKEN.sub(lambda match: value(match[1]), pattern)


def literal_prefix(pattern: str) -> str:
    """What stands before the first `${item…}`: the folder of a step's outputs."""
    match = ITEM_TOKEN.search(pattern)
    return pattern if match is None else pattern[: match.start()]
