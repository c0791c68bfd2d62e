"""Rules of a Choice as conditions of a pipeline file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from batchrelay.domain.conditions import parse_condition
from batchrelay.domain.errors import InvalidPipeline
from batchrelay_cli.adopt.draft import Draft, entries
from batchrelay_cli.adopt.step_functions import jsonata
from batchrelay_cli.adopt.step_functions.paths import Scope, at_path
from batchrelay_cli.adopt.step_functions.values import (
    Input,
    Listed,
    Literal,
    RunFact,
    Value,
)

_SIGNS = {
    "StringEquals": "==", "NumericEquals": "==", "BooleanEquals": "==", "NumericLessThan": "<",
    "NumericLessThanEquals": "<=", "NumericGreaterThan": ">", "NumericGreaterThanEquals": ">=",
}  # fmt: skip
_RULE_DEPTH_MAX = 20
_Operand = Callable[[Value], str]


class NotACondition(Exception):
    """Why a rule has no condition."""


def rule_condition(draft: Draft, rule: Any, scope: Scope, *, is_jsonata: bool) -> str:
    """The condition under which a rule holds.

    Raises:
        NotACondition: it asks for what only a run knows, or in a way that conditions do not have.
    """

    def operand(value: Value) -> str:
        return _operand(draft, value)

    try:
        if is_jsonata:
            text = _of_expression(rule, scope, operand)
        else:
            text = _of_rule(rule, scope, operand, 0)
        parse_condition(text)
    except InvalidPipeline as error:
        raise NotACondition(str(error)) from None
    return text


def _of_expression(rule: Any, scope: Scope, operand: _Operand) -> str:
    text = rule.get("Condition") if isinstance(rule, dict) else None
    if isinstance(text, bool):
        return str(text).lower()
    expression = jsonata.expression_of(text)
    if expression is None:
        raise NotACondition("a rule without a Condition")
    try:
        return jsonata.condition(expression, scope, operand)
    except jsonata.Unread:
        raise NotACondition(f"the expression {expression}") from None


def _of_rule(rule: Any, scope: Scope, operand: _Operand, depth: int) -> str:
    if not isinstance(rule, dict) or depth > _RULE_DEPTH_MAX:
        raise NotACondition("a rule that is no mapping, or too deep")
    for key, word in (("And", " and "), ("Or", " or ")):
        if key in rule:
            texts = [_of_rule(inner, scope, operand, depth + 1) for inner in entries(rule[key])]
            return f"({word.join(texts)})"
    if "Not" in rule:
        return f"not {_of_rule(rule['Not'], scope, operand, depth + 1)}"
    return _comparison(rule, scope, operand)


def _comparison(rule: Mapping[str, Any], scope: Scope, operand: _Operand) -> str:
    variable = rule.get("Variable")
    if not isinstance(variable, str):
        raise NotACondition("a rule without a Variable")
    for key, sign in _SIGNS.items():
        if key in rule:
            return f"{operand(at_path(variable, scope))} {sign} {operand(Literal(rule[key]))}"
        path = rule.get(f"{key}Path")
        if isinstance(path, str):
            other = operand(at_path(path, scope))
            return f"{operand(at_path(variable, scope))} {sign} {other}"
    names = [key for key in rule if key not in ("Variable", "Next", "Comment", "Assign", "Output")]
    raise NotACondition(f"{', '.join(names)} of {variable}")


def _operand(draft: Draft, value: Value) -> str:
    match value:
        case Input(path=path) if path:
            name = ".".join(path)
            text = draft.param(f"input:{name}", f"$.{name} of the execution's input")
            return text[2:-1]
        case RunFact():
            return value.name
        case Literal(value=str() as text):
            return _quoted(text)
        case Literal(value=bool() | int() | float() | None as constant):
            return json.dumps(constant)
        case Listed():
            return f"[{', '.join(_operand(draft, inner) for inner in value.values)}]"
        case _:
            raise NotACondition(f"what {getattr(value, 'by', 'an item of the Map')} decides")


def _quoted(text: str) -> str:
    quote = '"' if "'" in text else "'"
    if quote in text or "${" in text:
        raise NotACondition(f"the text {text}")
    return f"{quote}{text}{quote}"
