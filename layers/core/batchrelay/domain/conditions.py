"""Conditions of `when:` — in a step over the run, in a group over an item.

    condition := any of {all of {not? comparison}}      and / or / not, with parentheses
    comparison := value [(== | != | < | <= | > | >= | in) value]
    value := NAME | ${NAME} | number[unit] | "text" | 'text' | constant | [value, …]
    constant := true | false | null | SUCCEEDED | PARTIAL | FAILED | SKIPPED | CANCELLED

Units are those of sizes: kB, MB, GB, TB (powers of 1,000) and KiB, MiB, GiB, TiB (of 1,024). Two
values are compared as numbers if both are numbers or texts that read as numbers, otherwise as
texts; an absent value equals only null, and is neither less nor more than anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Context, Decimal

from batchrelay.domain.errors import InvalidPipeline
from batchrelay.domain.limits import CONDITION_DEPTH_MAX, NUMBER_CHARS_MAX
from batchrelay.domain.step_state import StepStatus
from batchrelay.domain.values import Json

Lookup = Callable[[str], Json]
"""The value of a name; None if it is absent."""

_Evaluate = Callable[[Lookup], Json]

_UNITS = {"": 1, "B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNITS |= {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_TOKEN = re.compile(
    r"\s*(?:"
    r"(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?P<unit>[A-Za-z]*)"
    r"|\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'"
    r"|\$\{(?P<braced>[^}]+)\}"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_.-]*)"
    r"|(?P<sign>==|!=|<=|>=|<|>|\(|\)|\[|\]|,)"
    r")"
)
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
_LITERAL = re.compile(r"[^eE]+([eE][+-]?\d{1,3})?")
"""With its unit, it is a `_NUMBER` too."""

_EXACT = Context(prec=10_000)
"""The default rounds to 28 digits."""

END_STATUSES = tuple(str(status) for status in StepStatus if status.is_terminal)
"""The statuses that a condition names without quotes."""

_CONSTANTS: dict[str, Json] = {"true": True, "false": False, "null": None}
_CONSTANTS |= {status: status for status in END_STATUSES}
_WORDS = frozenset({"and", "or", "not", "in"})
_ORDERS = ("<", "<=", ">", ">=")
_COMPARISONS = ("==", "!=", *_ORDERS, "in")


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that can be asked."""

    text: str
    names: frozenset[str]
    _evaluate: _Evaluate
    _ordered_names: tuple[tuple[str, str], ...] = ()
    """Names of which it is asked whether they are more or less than a number, and that number."""

    def not_numbers(self, lookup: Lookup) -> Iterator[tuple[str, Json, str]]:
        """Every known value that is ordered by a number and is not one: its name, itself, and
        the number. Such a comparison is one of texts, which is never meant."""
        for name, number in self._ordered_names:
            value = lookup(name)
            if value is not None and _number(value) is None:
                yield name, value, number

    def holds(self, lookup: Lookup) -> bool:
        """Whether it holds for these values."""
        return _is_true(self._evaluate(lookup))


def parse_condition(text: str) -> Condition:
    """Raises: InvalidPipeline with a sentence that shows the place."""
    parser = _Parser(text)
    evaluate = parser.parse()
    return Condition(text, frozenset(parser.names), evaluate, tuple(parser.ordered_names))


class _Parser:
    """Recursive descent over the tokens."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.names: set[str] = set()
        self.ordered_names: list[tuple[str, str]] = []
        self._tokens = [*self._scan(), ("end", None, len(text))]
        self._at = 0
        self._depth = 0

    def parse(self) -> _Evaluate:
        evaluate = self._any()
        if self._kind != "end":
            raise self._error("expected the end, `and` or `or`")
        return evaluate

    def _scan(self) -> Iterator[tuple[str, Json, int]]:
        at, end = 0, len(self._text.rstrip())
        while at < end:
            match = _TOKEN.match(self._text, at)
            if match is None:
                raise InvalidPipeline(self._where(at, "this is not understood"))
            yield (*self._token(match, at), at)
            at = match.end()

    def _token(self, match: re.Match[str], at: int) -> tuple[str, Json]:
        if match["number"] is not None:
            unit = _UNITS.get(match["unit"])
            if unit is None:
                known = ", ".join(filter(None, _UNITS))
                raise InvalidPipeline(self._where(at, f"unknown unit {match['unit']}: {known}"))
            if _LITERAL.fullmatch(match["number"]) is None:
                raise InvalidPipeline(self._where(at, "an exponent has at most 3 digits"))
            return "number", str(_EXACT.multiply(Decimal(match["number"]), unit))
        for kind in ("double", "single"):
            if match[kind] is not None:
                return "value", match[kind]
        if match["sign"] is not None:
            return match["sign"], None
        name = match["braced"] or match["name"]
        if name in _WORDS and match["braced"] is None:
            return name, None
        if name in _CONSTANTS and match["braced"] is None:
            return "value", _CONSTANTS[name]
        return "name", name

    @property
    def _kind(self) -> str:
        return self._tokens[self._at][0]

    def _take(self, *kinds: str) -> bool:
        if self._kind not in kinds:
            return False
        self._at += 1
        return True

    def _inner(self, parse: Callable[[], _Evaluate]) -> _Evaluate:
        """What stands within parentheses, or behind a `not`."""
        self._depth += 1
        if self._depth > CONDITION_DEPTH_MAX:
            raise self._error(f"nested more than {CONDITION_DEPTH_MAX} deep")
        inner = parse()
        self._depth -= 1
        return inner

    def _any(self) -> _Evaluate:
        options = [self._all()]
        while self._take("or"):
            options.append(self._all())
        if len(options) == 1:
            return options[0]
        return lambda lookup: any(_is_true(option(lookup)) for option in options)

    def _all(self) -> _Evaluate:
        demands = [self._not()]
        while self._take("and"):
            demands.append(self._not())
        if len(demands) == 1:
            return demands[0]
        return lambda lookup: all(_is_true(demand(lookup)) for demand in demands)

    def _not(self) -> _Evaluate:
        if self._take("not"):
            inner = self._inner(self._not)
            return lambda lookup: not _is_true(inner(lookup))
        return self._comparison()

    def _comparison(self) -> _Evaluate:
        if self._take("("):
            inner = self._inner(self._any)
            if not self._take(")"):
                raise self._error("expected )")
            return inner
        before, left, sign = self._at, self._value(), self._kind
        if not self._take(*_COMPARISONS):
            return left
        between, right = self._at, self._value()
        if sign in _ORDERS:
            self._note_order(before, between)
        return lambda lookup: _compare(sign, left(lookup), right(lookup))

    def _note_order(self, *places: int) -> None:
        """A name and a number literal on the two sides of a sign."""
        sides = {kind: str(value) for kind, value, _ in (self._tokens[at] for at in places)}
        if sides.keys() == {"name", "number"}:
            self.ordered_names.append((sides["name"], sides["number"]))

    def _value(self) -> _Evaluate:
        kind, value, _ = self._tokens[self._at]
        if self._take("value", "number"):
            return lambda _: value
        if self._take("name"):
            name = str(value)
            self.names.add(name)
            return lambda lookup: lookup(name)
        if self._take("["):
            return self._inner(self._list)
        raise self._error("expected a value" if kind == "end" else f"{kind} is not a value")

    def _list(self) -> _Evaluate:
        entries: list[_Evaluate] = []
        while not self._take("]"):
            if entries and not self._take(","):
                raise self._error("expected , or ]")
            entries.append(self._value())
        return lambda lookup: [entry(lookup) for entry in entries]

    def _error(self, what: str) -> InvalidPipeline:
        return InvalidPipeline(self._where(self._tokens[self._at][2], what))

    def _where(self, at: int, what: str) -> str:
        return f"{self._text[:at]}⟨here⟩{self._text[at:]}: {what}"


def _compare(sign: str, left: Json, right: Json) -> bool:
    if sign == "in":
        return isinstance(right, list) and any(_compare("==", left, entry) for entry in right)
    if left is None or right is None:
        return {"==": left is right, "!=": left is not right}.get(sign, False)
    ours, theirs = _number(left), _number(right)
    if ours is not None and theirs is not None:
        return _ordered(sign, (ours > theirs) - (ours < theirs))
    one, other = _text(left), _text(right)
    return _ordered(sign, (one > other) - (one < other))


def _ordered(sign: str, order: int) -> bool:
    """Whether a sign fits an order: -1 less, 0 equal, 1 more."""
    fitting = {"==": (0,), "!=": (-1, 1), "<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (0, 1)}
    return order in fitting[sign]


def _number(value: Json) -> Decimal | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return Decimal(str(value))
    if not isinstance(value, str) or len(value) > NUMBER_CHARS_MAX:
        return None
    return Decimal(value) if _NUMBER.fullmatch(value) else None


def _text(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_true(value: Json) -> bool:
    """A text is true unless it is empty or says "false": parameters are texts."""
    return value not in ("false", "") if isinstance(value, str) else bool(value)
