"""A pipeline as a picture: Mermaid for documents, SVG for the eye."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from batchrelay.domain.array_split import known_item_count
from batchrelay.domain.pipeline import (
    ForEach,
    InlineItems,
    ListFile,
    Listing,
    Matrix,
    Pipeline,
    Step,
    StepOutputs,
)
from batchrelay.domain.values import counted, printable

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _MARGIN = 180, 52, 48, 36, 16
"""Pixels."""


def size_of(step: Step) -> str:
    """How many children a step has, as far as it is known before the run."""
    if step.aggregate is not None:
        return f"1 per {step.aggregate.fan_in} outputs, in levels"
    if step.workers is not None:
        return f"up to {counted(step.workers, 'workers')}"
    if isinstance(step.for_each, InlineItems | Matrix) and step.chunk is not None:
        count = -(-known_item_count(step.for_each) // step.chunk)
        return f"{count:,} children" if count > 1 else f"{count} job"
    if step.for_each is not None:
        if step.chunk is None:
            return f"measured chunks of {source_of(step.for_each)}"
        each = f"{step.chunk:,} items" if step.chunk > 1 else "item"
        return f"1 per {each} of {source_of(step.for_each)}"
    if step.n_to_n_needs and step.array_size is None:
        return f"as many as {min(step.n_to_n_needs)}"
    size = step.array_size
    if size is None:
        return "1 job"
    return f"{size:,} children" if isinstance(size, int) else f"{size} children"


def source_of(each: ForEach) -> str:
    """What a step fans out over, in a few words."""
    match each:
        case ListFile():
            return each.items or "the list"
        case Listing():
            return "a listing"
        case Matrix():
            return " x ".join(each.axes)
        case InlineItems():
            return counted(len(each.items), "items")
        case StepOutputs():
            return f"{each.step}'s outputs"


def mermaid(pipeline: Pipeline) -> str:
    """The graph as a Mermaid flowchart."""
    ids = {step.name: f"s{number}" for number, step in enumerate(pipeline.order)}
    lines = ["flowchart LR"]
    lines += [
        f'  {ids[step.name]}["{step.name}<br>{_mermaid_text(size_of(step))}"]'
        for step in pipeline.order
    ]
    lines += [
        f"  {ids[need]} --> {ids[step.name]}" for step in pipeline.order for need in step.needs
    ]
    lines += [f"  {ids[end]} -.-> {ids[begin]}" for end, begin in _finally_edges(pipeline)]
    return "\n".join(lines) + "\n"


def svg(pipeline: Pipeline) -> str:
    """The graph as an SVG document: a column for each rank, edges from left to right."""
    places = _places(pipeline)
    columns = max(column for column, _ in places.values()) + 1
    rows = max(row for _, row in places.values()) + 1
    width = 2 * _MARGIN + columns * (_WIDTH + _GAP_X) - _GAP_X
    height = 2 * _MARGIN + rows * (_HEIGHT + _GAP_Y) - _GAP_Y
    body = [
        _edge(places[need], places[step.name]) for step in pipeline.order for need in step.needs
    ]
    body += [_edge(places[e], places[b], dashed=True) for e, b in _finally_edges(pipeline)]
    body += [_box(step, places[step.name]) for step in pipeline.order]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="13">\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )


def _mermaid_text(text: str) -> str:
    """A text from outside within a quoted label, which may hold HTML: its signs as entities.

    Source: Mermaid, flowchart syntax, "Entity codes to escape characters".
    """
    return re.sub(r'[#"&<>`]', lambda sign: f"#{ord(sign[0])};", printable(text))


def _xml_text(text: str) -> str:
    """A text from outside between two tags: what XML cannot have stands as its escape."""
    return escape(printable(text))


def _finally_edges(pipeline: Pipeline) -> Iterator[tuple[str, str]]:
    """From every last ordinary step to every first finally step, which waits for all of them."""
    needed = {need for step in pipeline.steps for need in step.needs}
    for step in pipeline.order:
        if step.is_finally and not step.needs:
            ends = (other.name for other in pipeline.ordinary_steps if other.name not in needed)
            yield from ((end, step.name) for end in ends)


def _places(pipeline: Pipeline) -> dict[str, tuple[int, int]]:
    """Column (the longest way from a start) and row of every step; finally steps stand behind."""
    places: dict[str, tuple[int, int]] = {}
    filled: dict[int, int] = {}
    ordinary = [step.name for step in pipeline.ordinary_steps]
    for step in pipeline.order:
        before = ordinary if step.is_finally and not step.needs else step.needs
        column = max((places[name][0] + 1 for name in before), default=0)
        places[step.name] = (column, filled.get(column, 0))
        filled[column] = filled.get(column, 0) + 1
    return places


def _corner(place: tuple[int, int]) -> tuple[int, int]:
    column, row = place
    return _MARGIN + column * (_WIDTH + _GAP_X), _MARGIN + row * (_HEIGHT + _GAP_Y)


def _edge(start: tuple[int, int], end: tuple[int, int], *, dashed: bool = False) -> str:
    (x1, y1), (x2, y2) = _corner(start), _corner(end)
    x1, y1, y2 = x1 + _WIDTH, y1 + _HEIGHT // 2, y2 + _HEIGHT // 2
    bend = (x1 + x2) // 2
    dashes = ' stroke-dasharray="4 4"' if dashed else ""
    return (
        f'<path d="M{x1},{y1} C{bend},{y1} {bend},{y2} {x2},{y2}" fill="none" stroke="#8a94a6" '
        f'stroke-width="1.5"{dashes}/>'
    )


def _box(step: Step, place: tuple[int, int]) -> str:
    x, y = _corner(place)
    name = step.name if len(step.name) <= 22 else step.name[:21] + "…"
    middle = x + _WIDTH // 2
    return (
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="6" fill="#eef3fb" '
        'stroke="#44577a"/>'
        f'<text x="{middle}" y="{y + 22}" text-anchor="middle" font-weight="bold">'
        f"{_xml_text(name)}</text>"
        f'<text x="{middle}" y="{y + 40}" text-anchor="middle" fill="#44577a">'
        f"{_xml_text(size_of(step))}</text>"
    )
