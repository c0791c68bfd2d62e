"""How two runs differ, step by step."""

from __future__ import annotations

from batchrelay.report.charts import chip
from batchrelay.report.facts import Document
from batchrelay.report.text import count, duration, table, text, usd


def comparison(document: Document, other: Document) -> str:
    """This run beside another one; a step that only one of them has is there too."""
    run, before = document["run"], other["run"]
    steps = {step["step"]: step for step in document["steps"]}
    other_steps = {step["step"]: step for step in other["steps"]}
    names = [*steps, *(name for name in other_steps if name not in steps)]
    rows = [_whole(document, other)]
    rows += [_row(name, steps.get(name), other_steps.get(name)) for name in names]
    heads = [
        "step",
        "status",
        "before",
        "seconds#",
        "change#",
        "cost#",
        "change#",
        "failed#",
        "change#",
    ]
    return (
        f"<h2>Compared</h2><p>With run <code>{text(before['id'])}</code> of "
        f"{text(before['pipeline'])}, version {text(before['version'])}, started "
        f"{text(before['startedAt'])}: it was {chip(before['status'])}, this one is "
        f"{chip(run['status'])}.</p>{table('Differences', heads, rows)}"
    )


def _whole(document: Document, other: Document) -> list[str]:
    run, before = document["run"], other["run"]
    cost, cost_before = (_value(entry["cost"], "usd") for entry in (document, other))
    failed, failed_before = (
        sum(step["failed"] for step in entry["steps"]) for entry in (document, other)
    )
    return [
        "whole run", chip(run["status"]), chip(before["status"]),
        duration(run["wallMs"]), _change(run["wallMs"], before["wallMs"], is_time=True),
        usd(cost), _change(cost, cost_before), count(failed), _change(failed, failed_before),
    ]  # fmt: skip


def _row(name: str, step: Document | None, before: Document | None) -> list[str]:
    time, time_before = _lasted(step), _lasted(before)
    cost, cost_before = (_value(entry, "costUsd") for entry in (step, before))
    failed, failed_before = (_value(entry, "failed") for entry in (step, before))
    return [
        text(name),
        chip(step["status"]) if step else "only before",
        chip(before["status"]) if before else "new",
        duration(time), _change(time, time_before, is_time=True),
        usd(cost) if step else "–", _change(cost, cost_before),
        count(failed), _change(failed, failed_before),
    ]  # fmt: skip


def _value(entry: Document | None, name: str) -> float | None:
    value: float | None = None if entry is None else entry[name]
    return value


def _lasted(step: Document | None) -> float | None:
    if step is None or step["startedMs"] is None or step["endedMs"] is None:
        return None
    return float(step["endedMs"] - step["startedMs"])


def _change(now: float | None, before: float | None, *, is_time: bool = False) -> str:
    """`+12 s (+20 %)`; nothing if either is not known."""
    if now is None or before is None:
        return "–"
    difference = now - before
    if not difference:
        return "="
    sign = "+" if difference > 0 else "−"
    size = duration(abs(difference)) if is_time else f"{abs(difference):,.2f}".removesuffix(".00")
    percent = f" ({sign}{abs(difference) / before:.0%})" if before else ""
    return f"{sign}{size}{percent}"
