"""The sections of the page, each from the report document; an empty one is left out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from batchrelay.report import charts
from batchrelay.report.charts import chip
from batchrelay.report.facts import Document
from batchrelay.report.text import (
    command,
    count,
    counts_items,
    duration,
    failures_of,
    share,
    table,
    text,
    uri,
    usd,
)


def time_of(at: str | None) -> str:
    """`2026-11-20 08:00:00 UTC`."""
    if at is None:
        return "–"
    words = f"{at[:10]} {at[11:19]} UTC"
    return f'<time datetime="{text(at)}">{text(words)}</time>'


# --- outcome


def outcome(document: Document) -> str:
    """Status, wall time, cost, waste, and what to do next."""
    run, steps = document["run"], document["steps"]
    done = sum(step["succeeded"] for step in steps)
    ran, wasted = run["ranMs"], run["wastedMs"]
    until = f" to {time_of(run['endedAt'])}" if run["endedAt"] else "; it goes on"
    cost, cost_note = _cost(document["cost"])
    tiles = [
        _tile("Wall time", duration(run["wallMs"]), f"from {time_of(run['startedAt'])}{until}"),
        _tile("Children", count(done), f"succeeded{_not_done(steps)}"),
        _tile("Cost", cost, cost_note),
        _tile("Waste", share(wasted, ran), _waste_note(document)),
    ]
    return (
        f'<h2 class="hidden">Outcome</h2><div class="tiles">{"".join(tiles)}</div>'
        f"{_next(document['next'])}{_stopped(run)}"
    )


def _not_done(steps: Sequence[Document]) -> str:
    """`, 3 failed, 6 items failed, 190 items stopped`: children and items are not added up."""
    counts: Counter[str] = Counter()
    for step in steps:
        for name in ("failed", "stopped"):
            counts[f"items {name}" if counts_items(step, name) else name] += step[name]
    names = ("failed", "items failed", "stopped", "items stopped")
    return "".join(f", {count(counts[name])} {name}" for name in names if counts[name])


def _tile(name: str, value: str, note: str) -> str:
    style = " unknown" if value in ("–", "unknown") else ""
    return (
        f'<div class="tile"><h3>{name}</h3><p class="value{style}">{value}</p><p>{note}</p></div>'
    )


def _cost(cost: Document | None) -> tuple[str, str]:
    if cost is None:
        return "unknown", "there is no price of its jobs"
    return usd(cost["usd"]), f"an estimate: {text(cost['sums'])}"


def _waste_note(document: Document) -> str:
    run, cost = document["run"], document["cost"]
    if run["ranMs"] is None:
        return "run times are not known"
    price = f" ({usd(cost['wastedUsd'])})" if cost and cost["wastedUsd"] is not None else ""
    return (
        f"{duration(run['wastedMs'])}{price} in attempts that failed or were stopped, "
        f"of {duration(run['ranMs'])}"
    )


def _next(entry: Document | None) -> str:
    if entry is None:
        return ""
    why = f"<p>{text(entry['why'])}</p>"
    return f'<div class="next"><h3>Next</h3>{command(entry["command"])}{why}</div>'


def _stopped(run: Document) -> str:
    return f'<p class="note">Stopped: {text(run["stopped"])}</p>' if run["stopped"] else ""


# --- steps


def graph(document: Document) -> str:
    """The graph, and the same as a table."""
    steps = document["steps"]
    if not steps:
        return ""
    rows = [
        [
            text(step["step"]), chip(step["status"]), text(", ".join(step["needs"]) or "–"),
            count(step["children"]), count(step["succeeded"]), failures_of(step),
            duration(_lasted(step, document["run"])), usd(step["costUsd"]),
        ]
        for step in steps
    ]  # fmt: skip
    heads = ["step", "status", "needs", "children#", "succeeded#", "failed#", "time#", "cost#"]
    reasons = [
        f"<p class=note><strong>{text(step['step'])}</strong>: {text(words)}</p>"
        for step in steps
        for words in (step["reason"], step["blocked"])
        if words
    ]
    return (
        '<h2>Graph</h2><div class="scroll" tabindex="0" role="region" aria-label="Graph of steps">'
        f"{charts.graph(steps)}</div>{''.join(reasons)}"
        f"<details><summary>The steps as a table</summary>{table('Steps', heads, rows)}</details>"
    )


def _lasted(step: Document, run: Document) -> float | None:
    if step["startedMs"] is None:
        return None
    end = run["wallMs"] if step["endedMs"] is None else step["endedMs"]
    return float(end - step["startedMs"])


def time(document: Document) -> str:
    """Steps over time, and how many children ran at once."""
    run = document["run"]
    begun = [step for step in document["steps"] if step["startedMs"] is not None]
    if not begun:
        return ""
    rows = "".join(_time_row(step, run) for step in begun)
    curve, top = charts.concurrency(begun)
    whole = "" if not top else _curve_row(curve, top)
    return (
        f'<h2>Time</h2>{_time_legend()}<div class="gantt">{rows}{whole}'
        f"<div class=row><span></span>{charts.axis(run['wallMs'])}<span></span></div></div>"
    )


def _time_row(step: Document, run: Document) -> str:
    measured = step["measured"]
    curve = measured and measured["curve"]
    most = math.ceil(charts.most_at_work(curve))
    note = duration(_lasted(step, run))
    many = f" <small>{count(most)} at once</small>" if most > 1 else ""
    wait = measured and measured["waitMs"]
    waited = f", the median child waited {duration(wait['p50'])}" if wait else ""
    begins = f"begins at {duration(step['startedMs'])}, lasts {note}{waited}"
    return (
        f'<div class="row" role="img" aria-label="{text(step["step"])}: {begins}">'
        f'<span class="name">{text(step["step"])}</span>{charts.time_row(step, run["wallMs"])}'
        f'<span class="value">{note}{many}</span></div>'
    )


def _curve_row(curve: str, top: float) -> str:
    most = count(math.ceil(top))
    return (
        f'<div class="row whole" role="img" aria-label="Children at work: at most {most} at once">'
        f'<span class="name">children at work</span>{curve}'
        f'<span class="value">{most} <small>at most</small></span></div>'
    )


def _time_legend() -> str:
    keys = (
        ("running", "running"),
        ("retried", "running again after a failure"),
        ("waiting", "waiting for a place"),
    )
    marks = "".join(
        f'<li><svg class="key" aria-hidden="true" width="14" height="12" viewBox="0 0 14 12">'
        f'<path class="{name}" d="M0 {8 if name == "waiting" else 0}H14V12H0Z"/></svg>{label}'
        for name, label in keys
    )
    return f'<ul class="legend">{marks}</ul>'


# --- the run


def details(document: Document) -> str:
    """Parameters, version, trigger, times and files."""
    run, region = document["run"], document["region"]
    entries: list[tuple[str, str]] = [
        ("pipeline", f"{text(run['pipeline'])}, version {text(run['version'])}"),
        ("started", f"{time_of(run['startedAt'])} by {text(run['cause'] or 'hand')}"),
    ]
    times = ("dequeuedAt", "endedAt", "deadline")
    entries += [(name.removesuffix("At"), time_of(run[name])) for name in times if run[name]]
    cost = document["cost"]
    if cost is not None:
        entries.append(("prices", f"{text(cost['source'])}, {text(cost['date'])}"))
    params = [[text(name), _value(value, region)] for name, value in run["params"].items()]
    params += [
        [f"trigger {text(name)}", _value(value, region)] for name, value in run["trigger"].items()
    ]
    links = [
        [
            text(step["step"]),
            *(uri(step[name], region) for name in ("output", "manifest", "failures")),
        ]
        for step in document["steps"]
        if step["output"] or step["manifest"] or step["failures"]
    ]
    pairs = "".join(f"<dt>{name}<dd>{value}" for name, value in entries)
    return (
        f"<h2>Run</h2><dl>{pairs}</dl>"
        + (table("Parameters", ["name", "value"], params) if params else "")
        + (table("Files", ["step", "output", "manifest", "failures"], links) if links else "")
    )


def _value(value: str, region: str | None) -> str:
    return uri(value, region) if value.startswith("s3://") else f"<code>{text(value)}</code>"
