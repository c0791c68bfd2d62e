"""Columns of children as short texts: base64 of numbers in 7-bit groups. `page.js` unpacks them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from batchrelay.report.facts import Document

TENTH_MS = 100
RAN_MS_MAX = 2**14
"""Run times of a step below it are given in milliseconds: they take two groups at most."""

LETTERS = "WRSFUX"
"""States; a column has their places."""


def pack(values: Sequence[int | None], *, is_signed: bool = False) -> str:
    """None is 0; any other number is itself plus 1, zigzag-coded if it may be below 0.

    `r` instead of `v` in front: pairs of a number and how often it comes.
    """
    code = _zigzag if is_signed else abs
    codes = [0 if value is None else code(value) + 1 for value in values]
    repeats = [number for code, group in groupby(codes) for number in (code, len(list(group)))]
    if len(repeats) < len(codes):
        return "r" + _base64(repeats)
    return "v" + _base64(codes)


def packed_columns(columns: Document) -> dict[str, Any]:
    """Numbers as steps from the one before, times as what was waited for a start and what ran until
    a stop, in tenths of a second; in milliseconds where every child was short."""
    size = len(columns["number"])
    created, started, stopped, cpu = (
        columns[name] or [None] * size for name in ("createdMs", "startedMs", "stoppedMs", "cpuS")
    )
    ran = _between(started, stopped)
    unit = 1 if max(filter(None, ran), default=0) < RAN_MS_MAX else TENTH_MS
    return {
        "n": size,
        "ranUnit": unit,
        "state": pack([LETTERS.index(letter) for letter in columns["state"]]),
        "number": pack(_steps(columns["number"]), is_signed=True),
        "round": pack(columns["round"]),
        "group": pack(columns["group"] or [None] * size),
        "wait": pack(_in(TENTH_MS, _between(created, started))),
        "ran": pack(_in(unit, ran)),
        "attempts": pack(columns["attempts"]),
        "peak": pack(columns["peakMiB"] or [None] * size),
        "cpu": pack([None if value is None else round(value * 10) for value in cpu]),
        "cause": pack(columns["cause"] or [None] * size),
    }


def _steps(values: Sequence[int]) -> list[int]:
    return [value - before for before, value in zip([0, *values], values, strict=False)]


def _between(starts: Sequence[int | None], ends: Sequence[int | None]) -> list[int | None]:
    return [
        None if start is None or end is None else max(0, end - start)
        for start, end in zip(starts, ends, strict=True)
    ]


def _in(unit: int, times_ms: Sequence[int | None]) -> list[int | None]:
    return [None if ms is None else round(ms / unit) for ms in times_ms]


def _zigzag(value: int) -> int:
    return 2 * value if value >= 0 else -2 * value - 1


def _base64(numbers: Iterable[int]) -> str:
    packed = bytearray()
    for number in numbers:
        rest = number
        while rest > 0x7F:
            packed.append(rest & 0x7F | 0x80)
            rest >>= 7
        packed.append(rest)
    return b64encode(packed).decode()
