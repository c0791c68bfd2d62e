"""The drawings of the page, as inline SVG: the graph, the time of steps, bars, histograms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from batchrelay.report.facts import Document
from batchrelay.report.text import count, counts_items, duration, failures_of, text
from batchrelay.report.values import SLOTS

GLYPHS = {
    "SUCCEEDED": "✓", "FAILED": "✕", "PARTIAL": "◐", "RUNNING": "▶", "ACTIVE": "▶", "QUEUED": "…",
    "WAITING": "…", "PREPARING": "…", "SUBMITTING": "…", "SKIPPED": "–", "CANCELLED": "■",
    "CANCELLING": "■", "STOPPED": "■", "UPSTREAM": "◣",
}  # fmt: skip
"""A state has a shape as well as a colour."""

WIDTH_MAX, WIDTH_MIN, HEIGHT, GAP_X, GAP_Y, MARGIN = 196, 136, 64, 36, 18, 2
"""Of a node of the graph, in pixels."""

PAGE_WIDTH = 1_112
"""Pixels of the page: the graph fits if its nodes may be narrow enough."""


def tone(status: str) -> str:
    """The class of a status that gives it its colour."""
    tones = {
        "SUCCEEDED": "ok", "FAILED": "bad", "PARTIAL": "part", "RUNNING": "run", "ACTIVE": "run",
        "UPSTREAM": "up",
    }  # fmt: skip
    return tones.get(status, "idle")


def chip(status: str) -> str:
    """A status as a word with its shape."""
    glyph = GLYPHS.get(status, "")
    return (
        f'<span class="chip {tone(status)}"><i aria-hidden="true">{glyph}</i>{text(status)}</span>'
    )


# --- the graph


@dataclass(frozen=True, kw_only=True)
class _Place:
    rank: int
    row: int
    width: int

    @property
    def x(self) -> int:
        return MARGIN + self.rank * (self.width + GAP_X)

    @property
    def y(self) -> int:
        return MARGIN + self.row * (HEIGHT + GAP_Y)


def graph(steps: Sequence[Document]) -> str:
    """Steps from left to right, each to the right of those that it needs."""
    places = _places(steps)
    width = max(place.x + place.width for place in places.values()) + MARGIN
    height = max(place.y for place in places.values()) + HEIGHT + MARGIN
    edges = [
        _edge(places[need], places[step["step"]])
        for step in steps
        for need in step["needs"]
        if need in places
    ]
    nodes = [_node(step, places[step["step"]]) for step in steps]
    return (
        f'<svg class="graph" role="img" aria-label="The steps and what each needs; the table of '
        f'steps has the same" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f"{''.join(edges)}{''.join(nodes)}</svg>"
    )


def _width(ranks: int) -> int:
    """Of a node, so that so many fit side by side."""
    return max(WIDTH_MIN, min(WIDTH_MAX, (PAGE_WIDTH - 2 * MARGIN + GAP_X) // ranks - GAP_X))


def _places(steps: Sequence[Document]) -> dict[str, _Place]:
    """In a rank, a step is near the middle of what it needs. Steps are in topological order."""
    ranks: dict[str, int] = {}
    for step in steps:
        ranks[step["step"]] = 1 + max((ranks.get(need, -1) for need in step["needs"]), default=-1)
    last = max(ranks.values())
    for step in steps:
        if step["finally"]:
            ranks[step["step"]] = max(ranks[step["step"]], last)
    width = _width(last + 1)
    places: dict[str, _Place] = {}
    for rank in range(last + 1):
        wanted = []
        for order, step in enumerate(steps):
            if ranks[step["step"]] == rank:
                rows = [places[need].row for need in step["needs"] if need in places]
                wanted.append((sum(rows) / len(rows) if rows else order, order, step["step"]))
        for row, (_, _, name) in enumerate(sorted(wanted)):
            places[name] = _Place(rank=rank, row=row, width=width)
    return places


def _edge(start: _Place, end: _Place) -> str:
    x1, y1, x2, y2 = start.x + start.width, start.y + HEIGHT / 2, end.x, end.y + HEIGHT / 2
    level_until, bend = x2 - GAP_X, x2 - GAP_X / 2
    curve = f"H{level_until}C{bend:g} {y1:g} {bend:g} {y2:g} {x2} {y2:g}"
    return f'<path class="edge" d="M{x1} {y1:g}{curve}"/>'


def _node(step: Document, place: _Place) -> str:
    status, children = step["status"], step["children"]
    name = _cut(step["step"], (place.width - 38) // 8)
    words = status.lower() if children is None else _counts_of(step)
    done = step["succeeded"] / children if children else 0.0
    total = step["items"] if counts_items(step, "failed") else children
    lost = min(1 - done, step["failed"] / total) if total else 0.0
    bar_width = place.width - 24
    style = "node last" if step["finally"] else "node"
    return (
        f'<g transform="translate({place.x} {place.y})" class="{style} {tone(status)}">'
        f"<title>{text(step['step'])}: {text(status)}, {text(words)}</title>"
        f'<rect class="box" width="{place.width}" height="{HEIGHT}" rx="7"/>'
        f'<text class="glyph" x="12" y="24">{GLYPHS.get(status, "")}</text>'
        f'<text class="name" x="30" y="24">{text(name)}</text>'
        f'<text class="sub" x="12" y="43">{text(words)}</text>'
        f'<rect class="track" x="12" y="52" width="{bar_width}" height="3" rx="1.5"/>'
        f'<rect class="done" x="12" y="52" width="{bar_width * min(1, done):.1f}" height="3"/>'
        f'<rect class="lost" x="{12 + bar_width * min(1, done):.1f}" y="52" '
        f'width="{bar_width * lost:.1f}" height="3"/></g>'
    )


def _counts_of(step: Document) -> str:
    """`9,988 of 10,000` and, if any, `12 failed`."""
    if step["failed"]:
        return f"{count(step['children'])}, {failures_of(step)} failed"
    return f"{count(step['succeeded'])} of {count(step['children'])}"


def _cut(name: str, size: int) -> str:
    return name if len(name) <= size else name[: size - 1] + "…"


# --- time


def _area(low: Sequence[float], high: Sequence[float], first: int) -> str:
    """The path between two curves of slots, a step for each slot."""
    if not any(upper != lower for lower, upper in zip(low, high, strict=True)):
        return ""
    points = [f"{first + n} {y:.3g}L{first + n + 1} {y:.3g}" for n, y in enumerate(high)]
    back = [f"{first + n + 1} {y:.3g}L{first + n} {y:.3g}" for n, y in reversed([*enumerate(low)])]
    return f"M{'L'.join([*points, *back])}Z"


def stacked(curve: Document, height: float, top: float) -> str:
    """Children that run, and on them those that run again; `top` of them are the whole height."""
    size = len(curve["running"])
    floor = [height] * size
    first = [_level(value, height, top) for value in curve["running"]]
    both = zip(curve["running"], curve["retried"], strict=True)
    second = [_level(one + other, height, top) for one, other in both]
    second = [
        min(upper, lower - 1.5) if again else lower
        for upper, lower, again in zip(second, first, curve["retried"], strict=True)
    ]
    start = curve["from"]
    return (
        f'<path class="running" d="{_area(floor, first, start)}"/>'
        f'<path class="retried" d="{_area(first, second, start)}"/>'
    )


def _level(value: float, height: float, top: float) -> float:
    """What is there can be seen: at least two pixels."""
    return height - max(2.0, height * value / top) if value else height


def most_at_work(curve: Document | None) -> float:
    """The most children that ran at the same time, on average in a slot."""
    if curve is None:
        return 0
    both = zip(curve["running"], curve["retried"], strict=True)
    return max(float(one + other) for one, other in both)


def time_row(step: Document, wall_ms: float) -> str:
    """A step over the run's time: what runs above, and what waits for a place as a strip below."""
    curve = (step["measured"] or {}).get("curve")
    if curve is not None:
        waiting = [20.0 if value else 24.0 for value in curve["waiting"]]
        floor = [24.0] * len(waiting)
        top = most_at_work(curve)
        shapes = stacked(curve, 18, top) if top else ""
        shapes += f'<path class="waiting" d="{_area(floor, waiting, curve["from"])}"/>'
    else:
        shapes = _bar(step, wall_ms)
    return (
        f'<svg class="time" aria-hidden="true" viewBox="0 0 {SLOTS} 24" '
        f'preserveAspectRatio="none">{shapes}</svg>'
    )


def _bar(step: Document, wall_ms: float) -> str:
    if step["startedMs"] is None or not wall_ms:
        return ""
    end_ms = wall_ms if step["endedMs"] is None else step["endedMs"]
    x = SLOTS * max(0, step["startedMs"]) / wall_ms
    width = max(0.4, SLOTS * (end_ms - step["startedMs"]) / wall_ms)
    return f'<rect class="unknown" x="{x:.2f}" y="4" width="{width:.2f}" height="14"/>'


def concurrency(steps: Sequence[Document]) -> tuple[str, float]:
    """Children at work of all steps together, and the most of them."""
    running, retried = [0.0] * SLOTS, [0.0] * SLOTS
    for step in steps:
        curve = (step["measured"] or {}).get("curve")
        if curve is None:
            continue
        for number in range(len(curve["running"])):
            running[curve["from"] + number] += curve["running"][number]
            retried[curve["from"] + number] += curve["retried"][number]
    whole = {"from": 0, "running": running, "retried": retried}
    top = most_at_work(whole)
    shapes = stacked(whole, 100, top) if top else ""
    drawing = (
        f'<svg class="curve" aria-hidden="true" viewBox="0 0 {SLOTS} 100" '
        f'preserveAspectRatio="none">{shapes}</svg>'
    )
    return drawing, top


_TICKS_S = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 21600, 43200, 86400)


def axis(wall_ms: float) -> str:
    """Three to six times, from the start of the run."""
    wall_s = wall_ms / 1000
    step_s = next((tick for tick in _TICKS_S if wall_s / tick <= 5.5), 0)
    step_s = step_s or math.ceil(wall_s / 5 / 86_400) * 86_400
    ticks = []
    last = int(wall_s / step_s)
    for number in range(last + 1):
        place = 100 * number * step_s / wall_s if wall_s else 0
        anchor = "start" if place < 4 else "end" if place > 94 else "middle"
        label = "0" if not number else duration(number * step_s * 1000)
        style = ' class="odd"' if number % 2 and last > 2 else ""  # no room for it on a phone
        ticks.append(
            f'<line x1="{place:.2f}%" x2="{place:.2f}%" y1="0" y2="5"/>'
            f'<text{style} x="{place:.2f}%" y="17" text-anchor="{anchor}">{label}</text>'
        )
    return f'<svg class="axis" aria-hidden="true" height="20">{"".join(ticks)}</svg>'


# --- bars


def bar(part: float, whole: float, style: str = "") -> str:
    """A part of a whole."""
    percent = 100 * min(1.0, part / whole) if whole else 0
    return (
        f'<svg class="bar {style}" aria-hidden="true" height="8"><rect class="track" width="100%" '
        f'height="8" rx="2"/><rect class="fill" width="{percent:.1f}%" height="8" rx="2"/></svg>'
    )


def bullet(spread: Document, requested: float) -> str:
    """What was used within what was requested: the median, the 99th percentile, the largest."""
    p50, p99, high = (100 * min(1, spread[n] / requested) for n in ("p50", "p99", "max"))
    return (
        '<svg class="bullet" aria-hidden="true" height="14">'
        '<rect class="track" y="2" width="100%" height="10" rx="2"/>'
        f'<rect class="most" y="2" width="{p99:.1f}%" height="10" rx="2"/>'
        f'<rect class="fill" y="2" width="{p50:.1f}%" height="10" rx="2"/>'
        f'<line x1="{high:.1f}%" x2="{high:.1f}%" y1="0" y2="14"/></svg>'
    )


def histogram(values: Document, name: str, low: str, high: str) -> str:
    """A bar for each bin; the heights are square roots, so that a few are still seen."""
    top = math.sqrt(max(values["counts"]))
    bars = [
        f'<rect x="{n * 10 + 0.5}" y="{60 - 60 * math.sqrt(size) / top:.1f}" width="9" '
        f'height="{60 * math.sqrt(size) / top:.1f}"><title>{count(size)}</title></rect>'
        for n, size in enumerate(values["counts"])
        if size
    ]
    return (
        f'<figure class="histogram"><figcaption>{name}</figcaption>'
        f'<svg role="img" aria-label="{name}, from {low} to {high}" viewBox="0 0 240 60" '
        f'preserveAspectRatio="none">{"".join(bars)}</svg>'
        f'<div class="ends"><span>{low}</span><span>{high}</span></div></figure>'
    )
