"""The part of JSONata that names values, joins texts with `&`, and compares.

Everything else of the language is a value that only a run knows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from batchrelay_cli.adopt.step_functions.paths import Scope
from batchrelay_cli.adopt.step_functions.values import (
    Listed,
    Literal,
    Made,
    Parts,
    Struct,
    Value,
    get,
    known,
)

_TOKEN = re.compile(
    r"\s*(?:(?P<text>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')"
    r"|(?P<number>-?\d{1,15}(?:\.\d{1,15})?)"
    r"|(?P<name>\$?[^\W\d]\w*|`[^`]*`|\$)"
    r"|(?P<sign>!=|<=|>=|[=<>&().\[\],]))"
)
_SIGNS = {"=": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">=", "in": "in"}
_CONSTANTS = {"true": True, "false": False, "null": None}
DEPTH_MAX = 30
"""Parentheses within each other."""

Token = tuple[str, str]


class Unread(Exception):
    """More than is read here."""


def expression_of(text: Any) -> str | None:
    """What stands between `{%` and `%}`; None if it is a text as it stands."""
    match = re.fullmatch(r"\{%(.*)%\}", text.strip(), re.DOTALL) if isinstance(text, str) else None
    return None if match is None else match[1].strip()


def templated(template: Any, scope: Scope) -> Value:
    """A document whose texts may be expressions."""
    match template:
        case dict():
            return Struct({key: templated(inner, scope) for key, inner in template.items()})
        case list():
            return Listed(tuple(templated(inner, scope) for inner in template))
    expression = expression_of(template)
    return known(template) if expression is None else evaluated(expression, scope)


def evaluated(expression: str, scope: Scope) -> Value:
    """The value of an expression, as far as it is known."""
    try:
        reader = _Reader(_tokens(expression), scope)
        value = reader.joined()
        reader.expect_end()
    except Unread:
        return Made(f"the expression {expression}")
    return value


def condition(expression: str, scope: Scope, operand: Callable[[Value], str]) -> str:
    """An expression as a condition of a pipeline file. Raises: Unread, what `operand` raises."""
    reader = _Reader(_tokens(expression), scope)
    text = reader.any_of(operand)
    reader.expect_end()
    return text


def _tokens(expression: str) -> list[Token]:
    tokens: list[Token] = []
    at, end = 0, len(expression.rstrip())
    while at < end:
        match = _TOKEN.match(expression, at)
        if match is None or match.lastgroup is None:
            raise Unread(expression)
        tokens.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return [*tokens, ("end", "")]


class _Reader:
    """Recursive descent over the tokens."""

    def __init__(self, tokens: list[Token], scope: Scope) -> None:
        self._tokens = tokens
        self._scope = scope
        self._at = 0
        self._depth = 0

    def expect_end(self) -> None:
        if self._tokens[self._at][0] != "end":
            raise Unread(self._tokens[self._at][1])

    def any_of(self, operand: Callable[[Value], str]) -> str:
        texts = [self._all_of(operand)]
        while self._takes("or"):
            texts.append(self._all_of(operand))
        return " or ".join(texts)

    def _all_of(self, operand: Callable[[Value], str]) -> str:
        texts = [self._comparison(operand)]
        while self._takes("and"):
            texts.append(self._comparison(operand))
        return " and ".join(texts)

    def _comparison(self, operand: Callable[[Value], str]) -> str:
        if self._takes("("):
            self._deeper()
            text = f"({self.any_of(operand)})"
            self._expect(")")
            return text
        left = operand(self.joined())
        sign = _SIGNS.get(self._tokens[self._at][1])
        if sign is None or self._tokens[self._at][0] == "text":
            return left
        self._at += 1
        return f"{left} {sign} {operand(self.joined())}"

    def joined(self) -> Value:
        values = [self._term()]
        while self._takes("&"):
            values.append(self._term())
        return values[0] if len(values) == 1 else Parts(tuple(values))

    def _term(self) -> Value:
        kind, text = self._tokens[self._at]
        self._at += 1
        if kind == "text":
            return Literal(_unquoted(text))
        if kind == "number":
            return Literal(json.loads(text) if re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?", text)
                           else text)  # fmt: skip
        if text == "[":
            return self._list()
        if kind == "name" and text in _CONSTANTS:
            return Literal(_CONSTANTS[text])
        if kind == "name" and text.startswith("$") and self._tokens[self._at][1] != "(":
            return self._path(text[1:])
        raise Unread(text)

    def _list(self) -> Value:
        self._deeper()
        values: list[Value] = []
        while not self._takes("]"):
            values.append(self.joined())
            if not self._takes(","):
                self._expect("]")
                break
        return Listed(tuple(values))

    def _path(self, name: str) -> Value:
        path: list[str] = []
        while self._tokens[self._at][1] in (".", "[") and self._tokens[self._at][0] == "sign":
            is_index = self._tokens[self._at][1] == "["
            kind, text = self._tokens[self._at + 1]
            if kind != ("number" if is_index else "name") or text.startswith("-"):
                raise Unread(text)
            path.append(text.strip("`"))
            self._at += 2
            if is_index:
                self._expect("]")
        if name != "states":
            value = self._scope.variables.get(name, Made(f"the variable ${name}"))
            return get(value, tuple(path))
        match path:
            case ["input", *rest]:
                return get(self._scope.data, tuple(rest))
            case ["context", *rest]:
                return self._scope.context(tuple(rest))
            case _:
                return Made(f"$states.{'.'.join(path)}")

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise Unread("(")

    def _takes(self, text: str) -> bool:
        kind, token = self._tokens[self._at]
        if kind in ("name", "sign") and token == text:
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._takes(text):
            raise Unread(self._tokens[self._at][1])


def _unquoted(text: str) -> str:
    """JSONata escapes as JSON does."""
    if text.startswith("'"):
        inner = text[1:-1].replace("\\'", "'")
        text = '"' + re.sub(r'(?<!\\)"', r"\\" + '"', inner) + '"'
    try:
        return str(json.loads(text))
    except ValueError:
        raise Unread(text) from None
