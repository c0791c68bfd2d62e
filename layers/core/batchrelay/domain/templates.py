"""`${…}` in a pipeline's strings. `$${` is a literal `${`; `$NAME` is left to the shell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from batchrelay.domain.errors import InvalidPipeline
from batchrelay.domain.values import Json

_TOKEN = re.compile(r"\$\$\{|\$\{([^}]*)\}")

ITEM_TOKEN = re.compile(r"\$\{(item(?:\.[^}]+)?)\}")
"""`${item}` and `${item.…}`: they stay as they are until there is an item.

A name ends at the first `}`, as in every `${…}`: a field may have a `{` in its name.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One `${…}`: its text without the braces, and where it starts in its string."""

    name: str
    offset: int


def references(text: str) -> Iterator[Reference]:
    """Every `${…}` of a string, in order."""
    for match in _TOKEN.finditer(text):
        if match[1] is not None:
            yield Reference(name=match[1], offset=match.start())


def expand(text: str, variables: Mapping[str, str]) -> str:
    """The string with every `${name}` replaced.

    Raises:
        InvalidPipeline: a name is unknown. The linter finds these before anything starts.
    """

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return "${"
        if name == "item" or name.startswith("item."):
            return match[0]
        if name not in variables:
            raise InvalidPipeline(f"${{{name}}} has no value here")
        return variables[name]

    return _TOKEN.sub(value, text)


def expand_document(document: Json, variables: Mapping[str, str]) -> Json:
    """The document with every string expanded; keys are left as they are."""
    match document:
        case str():
            return expand(document, variables)
        case Mapping():
            return {key: expand_document(value, variables) for key, value in document.items()}
        case list() | tuple():
            return [expand_document(value, variables) for value in document]
        case _:
            return document
