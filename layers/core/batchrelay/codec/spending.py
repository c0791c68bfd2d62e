"""Budgets and what is known of a run's cost, as documents."""

from __future__ import annotations

from batchrelay.codec.reader import Reader, maybe_number, without_empty
from batchrelay.domain.budget import Budget, Rate
from batchrelay.domain.errors import CodecError
from batchrelay.domain.spending import Pause, Spending
from batchrelay.domain.values import Json, milliseconds


def encode_budget(budget: Budget) -> dict[str, Json]:
    rates: dict[str, Json] = {
        queue: {"vcpuHour": rate.vcpu_hour, "gibHour": rate.gib_hour}
        for queue, rate in budget.rates.items()
    }
    return without_empty({"usd": budget.usd}, {"rates": rates})


def decode_budget(reader: Reader) -> Budget:
    rates = reader.inner("rates")
    return Budget(
        usd=_number(reader, "usd"),
        rates={
            queue: Rate(
                vcpu_hour=_number(rates.inner(queue), "vcpuHour"),
                gib_hour=_number(rates.inner(queue), "gibHour"),
            )
            for queue in rates.document
        },
    )


def encode_spending(spending: Spending) -> dict[str, Json]:
    """Empty of a run without a budget."""
    return without_empty(
        {},
        {
            "usd": spending.budget_usd,
            "raised": milliseconds(spending.raised_at),
            "n": spending.measurements or None,
            "t": milliseconds(spending.since),
            "requests": spending.requests or None,
            "unknown": spending.unknown,
            "pause": None if spending.pause is None else _encode_pause(spending.pause),
        },
    )


def _encode_pause(pause: Pause) -> dict[str, Json]:
    return without_empty(
        {
            "n": pause.number,
            "at": milliseconds(pause.at),
            "reason": pause.reason,
            "t": milliseconds(pause.notices_since),
        },
        {"answered": sorted(pause.answered)},
    )


def decode_spending(reader: Reader) -> Spending:
    """The reverse of `encode_spending`. Raises: CodecError."""
    has_pause = reader.document.get("pause") is not None
    return Spending(
        budget_usd=maybe_number(reader, "usd"),
        raised_at=reader.maybe_time("raised"),
        measurements=reader.maybe("n", int) or 0,
        since=reader.maybe_time("t"),
        requests=reader.maybe("requests", int) or 0,
        unknown=reader.maybe("unknown", str) or "",
        pause=_decode_pause(reader.inner("pause")) if has_pause else None,
    )


def _decode_pause(reader: Reader) -> Pause:
    answered = reader.maybe("answered", list) or []
    if not all(isinstance(place, int) for place in answered):
        raise CodecError(f"{reader.path}.answered: expected a list of numbers")
    return Pause(
        number=reader.take("n", int),
        at=reader.time("at"),
        reason=reader.take("reason", str),
        answered=frozenset(answered),
        notices_since=reader.time("t"),
    )


def _number(reader: Reader, name: str) -> float:
    number = maybe_number(reader, name)
    if number is None:
        raise CodecError(f"{reader.path}.{name}: expected a number")
    return number
