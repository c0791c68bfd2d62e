"""Values of a state machine as texts of a pipeline file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from batchrelay_cli.adopt.draft import Draft, literal
from batchrelay_cli.adopt.step_functions.values import (
    Input,
    Item,
    ItemNumber,
    Literal,
    Made,
    Parts,
    RunFact,
    Value,
)

_PLACEHOLDER = re.compile(r"\$\$\{|\$\{([^}]*)\}")
"""What CloudFormation or Terraform fills in; `$${` is a literal one there too."""

_NUMBER = "number"
"""`{item.number}` is an item's place, whatever field it has."""


class NotKnown(Exception):
    """Why a value has no text before a run, or none that is the same for all children."""


class OfItem(str):
    """A text with `{item.…}`: only batchrelay-worker knows it."""

    __slots__ = ()


def text_of(
    draft: Draft, value: Value, fields: Mapping[str, str] | None = None, *, is_code: bool = False
) -> str:
    """The text of a value; an OfItem if it differs from item to item.

    Args:
        fields: names of an item's fields that are others here.
        is_code: whether `${…}` in it belongs to the shell.

    Raises:
        NotKnown: with the reason.
    """
    match value:
        case Literal(value=str() as text):
            return literal(text) if is_code else _filled_in(draft, text)
        case Literal(value=bool() | int() | float() as number):
            return json.dumps(number)
        case Input(path=path) if path:
            name = ".".join(path)
            return draft.param(f"input:{name}", f"$.{name} of the execution's input")
        case RunFact():
            return f"${{{value.name}}}"
        case ItemNumber():
            return OfItem("{item.number}")
        case Item():
            return _of_item(value.path, fields or {})
        case Parts():
            return _joined(draft, value, fields, is_code=is_code)
        case Made():
            raise NotKnown(f"{value.by} decides it in the run")
        case Input():
            raise NotKnown("the whole input of the execution is no text")
        case _:
            raise NotKnown("it must be a text")


def _joined(draft: Draft, value: Parts, fields: Mapping[str, str] | None, *, is_code: bool) -> str:
    texts = [text_of(draft, part, fields, is_code=is_code) for part in value.values]
    joined = "".join(texts)
    return OfItem(joined) if any(isinstance(text, OfItem) for text in texts) else joined


def _of_item(path: tuple[str, ...], fields: Mapping[str, str]) -> str:
    names = [fields.get(path[0], path[0]), *path[1:]] if path else []
    if any(not name or set(name) & set("{}.") for name in names):
        raise NotKnown(f"the field {'.'.join(path)} of an item has no name here")
    if names[:1] == [_NUMBER]:
        raise NotKnown("{item.number} is an item's place, not its field `number`")
    return OfItem("{" + ".".join(["item", *names]) + "}")


def _filled_in(draft: Draft, text: str) -> str:
    """Each `${NAME}` is a parameter: who deploys the definition fills it in."""

    def parameter(match: re.Match[str]) -> str:
        name = match[1]
        if not name:
            return "$${" if name is None else "$${}"
        return draft.param(
            f"template:{name}", f"{name}, which is filled in before Step Functions reads it"
        )

    filled = _PLACEHOLDER.sub(parameter, text)
    return filled if _PLACEHOLDER.sub("", filled).count("${") == 0 else literal(text)
