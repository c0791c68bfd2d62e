"""JSON as its standard has it, and no value that another reader would take for another."""

from __future__ import annotations

import json
import re
from typing import Any

from batchrelay.domain.limits import NUMBER_CHARS_MAX
from batchrelay.domain.values import Json

_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_BLANKS = " \t\r\n"


class NotJson(ValueError):
    """The text is no JSON document, or none whose values can be kept."""


def _constant(name: str) -> Json:
    raise NotJson(f"{name} is not JSON")


def _number(text: str) -> float:
    """A number with a fraction or an exponent, unless a double would make it 0 or infinite."""
    value = float(text)
    is_ordinary = value and value - value == 0  # quicker than math.isfinite, for a million of them
    if is_ordinary or (not value and not text.lower().partition("e")[0].strip("-0.")):
        return value
    raise NotJson("a number beyond what a double holds: write it as a text")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        first: dict[str, int] = {}
        for number, (name, _) in enumerate(pairs, start=1):
            if first.setdefault(name, number) != number:
                raise NotJson(f"members {first[name]} and {number} of an object have the same key")
    return members


_DECODER = json.JSONDecoder(
    parse_constant=_constant, parse_float=_number, object_pairs_hook=_members
)


def decode(text: str, at: int = 0) -> tuple[Json, int]:
    """The value that begins here, and where it ends; integers keep every digit.

    Raises:
        JSONDecodeError: with the position, if it is no JSON.
        NotJson: for NaN, a number out of range, a key twice, half a character, deep nesting.
    """
    try:
        value, end = _DECODER.raw_decode(text, at)
    except (json.JSONDecodeError, NotJson):
        raise
    except RecursionError:
        raise NotJson("nested too deeply") from None
    except ValueError:  # Python's limit of an integer's digits
        raise NotJson(
            f"an integer of over {NUMBER_CHARS_MAX:,} digits: write it as a text"
        ) from None
    if text.find("\\u", at, end) >= 0 and _HALF.search(text, at, end):
        _check_characters(value)
    return value, end


def document(text: str) -> Json:
    """The one value of a text. Raises: as `decode`."""
    start = len(text) - len(text.lstrip(_BLANKS))
    value, end = decode(text, start)
    if text[end:].strip(_BLANKS):
        raise json.JSONDecodeError("Extra data", text, end)
    return value


def _check_characters(value: Json) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise NotJson("half of a character (a lone surrogate)") from None
