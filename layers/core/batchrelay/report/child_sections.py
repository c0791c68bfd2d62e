"""The sections of the page about children: their cells, failures, use of resources, the slowest."""

from __future__ import annotations

from collections.abc import Iterator

from batchrelay.domain.failures import WORKER, FailureClass, in_order
from batchrelay.report import charts
from batchrelay.report.charts import bar, bullet, chip
from batchrelay.report.children import STRAGGLER_RATIO
from batchrelay.report.facts import Document
from batchrelay.report.text import (
    command,
    count,
    duration,
    log_link,
    mib,
    share,
    table,
    text,
    uri,
)

ROWS_MAX = 20
"""Rows of a table of children; the document has more."""

_STATES = ("SUCCEEDED", "FAILED", "RUNNING", "WAITING", "UPSTREAM", "STOPPED")
"""In the order of the legend."""


# --- children


def children(document: Document) -> str:
    """A cell for each child; of a step with too many, how they are spread."""
    drawn = [step for step in document["steps"] if step["columns"] is not None]
    summed = [
        step
        for step in document["steps"]
        if step["columns"] is None and step["measured"] is not None
    ]
    if not drawn and not summed:
        return ""
    return f"<h2>Children</h2>{_map() if drawn else ''}{''.join(map(_spread, summed))}"


def _map() -> str:
    colours = "".join(
        f'<label><input type="radio" name="colour" value="{value}"{checked}>'
        f"<span>{value}</span></label>"
        for value, checked in (("state", " checked"), ("duration", ""), ("memory", ""))
    )
    return (
        '<div id="map" hidden><div class="tools"><label>Step <select id="step"></select></label>'
        f'<fieldset><legend class="hidden">Colour by</legend>{colours}</fieldset>'
        '<label>Child <input id="number" type="number" min="0" step="1"></label>'
        '<button type="button" id="failed">Next failed</button></div>'
        '<ul class="legend" id="legend"></ul><div class="split"><canvas id="cells" tabindex="0" '
        'role="application" aria-label="A cell for each child" aria-describedby="keys sentence">'
        '</canvas><div class="facts"><p id="sentence" class="hidden" aria-live="polite"></p>'
        '<div id="facts"></div><p id="keys" class="hint">Click a cell, or use the arrow keys, Home '
        "and End; F goes to the next failed child.</p></div></div></div>"
        '<p class="note" id="plain">The cells of the children need JavaScript; the tables of '
        "failures and of the slowest do not.</p>"
    )


def _spread(step: Document) -> str:
    measured = step["measured"]
    charts_html = []
    for name, key, shown in (
        ("run time", "runHistogram", duration),
        ("peak memory", "peakHistogram", mib),
    ):
        values = measured[key]
        if values is not None:
            ends = (shown(values["edges"][0]), shown(values["edges"][-1]))
            charts_html.append(charts.histogram(values, name, *ends))
    states = "".join(
        f"<li>{chip(state)} {count(measured['states'][state])}"
        for state in _STATES
        if state in measured["states"]
    )
    return (
        f"<h3>{text(step['step'])}: {count(measured['count'])} children</h3>"
        f'<p class="hint">Too many for a cell each.</p><ul class="legend">{states}</ul>'
        f'<div class="histograms">{"".join(charts_html)}</div>'
    )


# --- failures


def failures(document: Document) -> str:
    """By cause, with a log's last lines and the command that runs them again."""
    parts = []
    for step in document["steps"]:
        if not step["causes"] and not step["notes"]:
            continue
        most = max((cause["count"] for cause in step["causes"]), default=0)
        causes = sorted(step["causes"], key=lambda cause: in_order(cause["class"], cause["count"]))
        notes = [f'<p class="note">{text(note)}</p>' for note in step["notes"]]
        rows = _children_table(f"Failed children of {text(step['step'])}", step, "failed", document)
        everything = (
            f'<p class="hint">Every failed item: {uri(step["failures"], document["region"])}</p>'
            if step["failures"]
            else ""
        )
        parts.append(
            f"<h3>{text(step['step'])}</h3><div class=causes>"
            f"{''.join(_cause(cause, most) for cause in causes)}</div>"
            f"{''.join(notes)}{rows}{everything}"
        )
    return f"<h2>Failures</h2>{''.join(parts)}" if parts else ""


def _cause(cause: Document, most: int) -> str:
    code = "" if cause["exitCode"] is None else f" <small>exit code {cause['exitCode']}</small>"
    again = f", {count(cause['again'])} ran again" if cause["again"] else ""
    reason = f'<p class="reason">{text(cause["reason"])}</p>' if cause["reason"] else ""
    redrive = command(cause["redrive"]) if cause["redrive"] else ""
    is_stopped = cause["class"] == FailureClass.STOPPED
    again += " never begun or stopped" if is_stopped else ""
    return (
        f'<article class="cause"><h4>{text(cause["class"])}{code}</h4>'
        f'<p class="many"><strong>{count(cause["count"])}</strong>{again}</p>'
        f"{bar(cause['count'], most, 'bad')}{reason}{_log(cause['sample'])}{redrive}</article>"
    )


def _log(sample: Document | None) -> str:
    if not sample or not sample["log"]:
        return ""
    lines = "\n".join(
        f'<span class="dim">{text(line)}</span>' if line.startswith(WORKER) else text(line)
        for line in sample["log"][-8:]
    )
    return f"<pre>{lines}</pre>"


def _children_table(caption: str, step: Document, name: str, document: Document) -> str:
    measured = step["measured"]
    if measured is None or not measured[name]:
        return ""
    median = measured["runMs"] and measured["runMs"]["p50"]
    rows = [_child_row(child, median, document) for child in measured[name][:ROWS_MAX]]
    heads = ["child", "item", "state", "attempts#", "ran#", "× median#", "peak#", "why", "log"]
    more = len(measured[name]) - len(rows)
    rest = f'<p class="hint">{count(more)} more are in the report document.</p>' if more else ""
    inner = table(caption, heads, rows) + rest
    return f"<details><summary>{caption}</summary>{inner}</details>" if name == "failed" else inner


def _child_row(child: Document, median: float | None, document: Document) -> list[str]:
    run_ms = None
    if child["startedMs"] is not None and child["stoppedMs"] is not None:
        run_ms = child["stoppedMs"] - child["startedMs"]
    times = f"{run_ms / median:.1f}" if run_ms is not None and median else "–"
    code = "" if child["exitCode"] in (None, 0) else f"exit code {child['exitCode']} "
    link = log_link(child["logStream"], document["region"])
    again = f" of round {child['round']}" if child["round"] else ""
    return [
        f"{count(child['number'])}{again}",
        f"<code>{text(child['item'])}</code>" if child["item"] else "–",
        chip(child["state"]),
        count(child["attempts"]),
        duration(run_ms),
        times,
        mib(child["peakMiB"]),
        text(f"{code}{child['reason'] or ''}".strip() or None),
        f'<a href="{text(link)}" rel="noreferrer">log</a>' if link else "–",
    ]


# --- resources


def resources(document: Document) -> str:
    """What was requested beside what was used, by step, round and group."""
    rows = [
        _resource(step["step"], entry)
        for step in document["steps"]
        for entry in step["resources"]
        if entry["memoryMiB"] or entry["vcpus"] or entry["peakMiB"]
    ]
    if not rows:
        return ""
    heads = [
        "step", "children#", "vCPU#", "CPU used#", "memory#", "used: median, 99 %, most",
        "99 % of peaks#",
    ]  # fmt: skip
    is_measured = any(e["peakMiB"] for step in document["steps"] for e in step["resources"])
    hint = "" if is_measured else (
        '<p class="hint">What was used was not measured: run the program under '
        "batchrelay-worker.</p>"
    )  # fmt: skip
    return f"<h2>Requested and used</h2>{table('Resources', heads, rows)}{hint}"


def _resource(name: str, entry: Document) -> list[str]:
    where = [f"round {entry['round']}"] if entry["round"] else []
    where += [f"group {entry['group']}"] if entry["group"] else []
    peak, memory = entry["peakMiB"], entry["memoryMiB"]
    return [
        text(name) + (f" <small>{', '.join(where)}</small>" if where else ""),
        count(entry["children"]),
        "–" if entry["vcpus"] is None else f"{entry['vcpus']:g}",
        share(entry["cpuShare"], 1),
        mib(memory),
        bullet(peak, memory) if peak and memory else "–",
        mib(peak["p99"] if peak else None),
    ]


# --- the slowest


def slowest(document: Document) -> str:
    """Of each step with many children."""
    parts = list(_slowest(document))
    return f"<h2>Slowest children</h2>{''.join(parts)}" if parts else ""


def _slowest(document: Document) -> Iterator[str]:
    for step in document["steps"]:
        measured = step["measured"]
        if measured is None or measured["count"] < 2 or measured["runMs"] is None:
            continue
        spread, name = measured["runMs"], text(step["step"])
        late = measured["stragglers"]
        stragglers = f", {count(late)} over {STRAGGLER_RATIO} × the median" if late else ""
        rows = _children_table(f"Slowest children of {name}", step, "slowest", document)
        yield (
            f"<details><summary><strong>{name}</strong> median {duration(spread['p50'])}, 99 % "
            f"{duration(spread['p99'])}, slowest {duration(spread['max'])}{stragglers}</summary>"
            f"{rows}</details>"
        )
