"""How long something takes: `60s`, or a distribution such as `lognormal(median=60s, sigma=0.5)`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

FORMS = (
    "constant(30s)",
    "uniform(10s, 60s)",
    "exponential(mean=60s)",
    "lognormal(median=60s, sigma=0.5)",
)

DURATION_S_MAX = 30 * 86_400
"""Of one draw, and of a written duration: a job of a month is a mistake in the unit."""

SIGMA_MAX = 5.0
"""At 5 a draw in a hundred is 100,000 times the median."""

_UNITS: Mapping[str, float] = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400}
_NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_DURATION = re.compile(rf"({_NUMBER.pattern})(ms|s|m|h|d)")
_CALL = re.compile(r"([a-z]+)\((.*)\)")


@dataclass(frozen=True, slots=True)
class Distribution:
    """What seconds are drawn from."""

    text: str
    """As it was written."""
    draw_s: Callable[[Random], float]

    def draw_ms(self, rng: Random) -> int:
        """Milliseconds, as AWS Batch counts."""
        return round(min(self.draw_s(rng), DURATION_S_MAX) * 1_000)


def parse_distribution(text: str) -> Distribution:
    """Raises: ValueError with a sentence."""
    written = text.strip()
    call = _CALL.fullmatch(written)
    if call is None:
        return Distribution(written, _constant(parse_seconds(written)))
    name, arguments = call[1], call[2]
    if name not in _KINDS:
        raise ValueError(f"there is no distribution {name}: write one of {', '.join(FORMS)}")
    make, parameters, parsers = _KINDS[name]
    values = _bound(name, arguments, parameters)
    return Distribution(
        written, make(*(parse(v) for parse, v in zip(parsers, values, strict=True)))
    )


def parse_seconds(text: str) -> float:
    """A number with its unit. Raises: ValueError with a sentence."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{text!r} is no duration: write a number with its unit (ms, s, m, h, d), such as 60s, "
            f"or one of {', '.join(FORMS)}"
        )
    seconds = float(match[1]) * _UNITS[match[2]]
    if seconds > DURATION_S_MAX:
        raise ValueError(f"{text} is longer than {DURATION_S_MAX // 86_400} days")
    return seconds


def _parse_sigma(text: str) -> float:
    if _NUMBER.fullmatch(text) is None or float(text) > SIGMA_MAX:
        raise ValueError(f"sigma is a number from 0 to {SIGMA_MAX:g} without a unit, got {text!r}")
    return float(text)


def _bound(name: str, arguments: str, parameters: tuple[str, ...]) -> list[str]:
    """The arguments in the order of the parameters: by position first, then by name."""
    form = next(form for form in FORMS if form.startswith(name))
    pieces = [piece.strip() for piece in arguments.split(",")]
    values: dict[str, str] = {}
    has_names = False
    for position, piece in enumerate(pieces):
        key, equals, value = (part.strip() for part in piece.partition("="))
        if not equals and (has_names or position >= len(parameters)):
            raise ValueError(f"{name}({arguments}): write {form}")
        has_names = has_names or bool(equals)
        if not equals:
            key, value = parameters[position], piece
        if key not in parameters or key in values:
            raise ValueError(f"{name}({arguments}): {key!r} is not wanted here: write {form}")
        values[key] = value
    if len(values) != len(parameters):
        raise ValueError(f"{name}({arguments}): it has {', '.join(parameters)}: write {form}")
    return [values[parameter] for parameter in parameters]


def _constant(seconds: float) -> Callable[[Random], float]:
    return lambda _: seconds


def _uniform(least: float, most: float) -> Callable[[Random], float]:
    if least > most:
        raise ValueError(f"uniform: its min, {least:g} s, is more than its max, {most:g} s")
    return lambda rng: rng.uniform(least, most)


def _exponential(mean: float) -> Callable[[Random], float]:
    if mean == 0:
        return _constant(0)
    return lambda rng: rng.expovariate(1 / mean)


def _lognormal(median: float, sigma: float) -> Callable[[Random], float]:
    if median == 0:
        raise ValueError("lognormal: its median is more than 0")
    mu = math.log(median)
    return lambda rng: rng.lognormvariate(mu, sigma)


_KINDS: Mapping[
    str,
    tuple[
        Callable[..., Callable[[Random], float]],
        tuple[str, ...],
        tuple[Callable[[str], float], ...],
    ],
] = {
    "constant": (_constant, ("value",), (parse_seconds,)),
    "uniform": (_uniform, ("min", "max"), (parse_seconds, parse_seconds)),
    "exponential": (_exponential, ("mean",), (parse_seconds,)),
    "lognormal": (_lognormal, ("median", "sigma"), (parse_seconds, _parse_sigma)),
}
