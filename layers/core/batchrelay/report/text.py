"""Texts of the page: every one from outside goes through `text`; numbers as people read them."""

from __future__ import annotations

import re
from html import escape
from urllib.parse import quote

from batchrelay.domain.values import counted, printable
from batchrelay.report.facts import Document

_BUCKET_URI = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(.*)", re.DOTALL)
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_GROUP = "$252Faws$252Fbatch$252Fjob"
"""The log group of AWS Batch, encoded twice as the console wants it."""


def text(value: object) -> str:
    """As HTML, in an element or a quoted attribute: nothing in it is markup, or acts on the text
    around it. None is a dash."""
    return "–" if value is None else escape(printable(str(value), keep="\n\t"))


def count(value: float | None) -> str:
    """`10,000`."""
    return "–" if value is None else f"{value:,.0f}"


def counts_items(step: Document, name: str) -> bool:
    """Whether what failed, or was stopped, are items: they were collected, and a child has several
    of them, or receives them from a queue."""
    has_several = step["items"] is not None and step["chunk"] != 1
    return bool(has_several and step[f"{name}Items"])


def failures_of(step: Document) -> str:
    """`12`, beside the number of children; `3 items` if they are no children."""
    number = step["failed"]
    if not counts_items(step, "failed"):
        return count(number)
    return counted(number, "items")


def duration(ms: float | None) -> str:
    """`12 ms`, `0.4 s`, `12 s`, `4 min 12 s`, `1 h 47 min`, `2 d 3 h`."""
    if ms is None:
        return "–"
    if 0 < ms < 100:
        return f"{max(1, round(ms))} ms"
    seconds = ms / 1000
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest_s = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest_s} s"
    hours, rest_min = divmod(minutes, 60)
    if not hours:
        return f"{minutes} min {rest_s} s" if rest_s else f"{minutes} min"
    days, rest_h = divmod(hours, 24)
    if not days:
        return f"{hours} h {rest_min} min" if rest_min else f"{hours} h"
    return f"{days:,} d {rest_h} h" if rest_h else f"{days:,} d"


def mib(value: float | None) -> str:
    """`812 MiB`, `7.9 GiB`."""
    if value is None:
        return "–"
    return f"{value:,.0f} MiB" if value < 1024 else f"{value / 1024:,.1f} GiB"


def usd(value: float | None) -> str:
    """`$41.20`; unknown is not 0."""
    if value is None:
        return "unknown"
    return "< $0.01" if 0 < value < 0.01 else f"${value:,.2f}"


def share(part: float | None, whole: float | None) -> str:
    """`12 %`; a dash of nothing."""
    if part is None or not whole:
        return "–"
    percent = 100 * part / whole
    return f"{percent:.1f} %" if 0 < percent < 10 else f"{percent:.0f} %"


def uri(value: str | None, region: str | None) -> str:
    """An S3 URI as code, with a link to the console where it may have one."""
    if not value:
        return "–"
    code = f"<code>{text(value)}</code>"
    match = _BUCKET_URI.fullmatch(value)
    if match is None or region is None or not _REGION.fullmatch(region):
        return code
    key = quote(match[2].encode(errors="replace"))
    link = f"https://{region}.console.aws.amazon.com/s3/buckets/{match[1]}?prefix={key}"
    return f'<a href="{text(link)}" rel="noreferrer">{code}</a>'


def log_console(region: str | None) -> str | None:
    """How the address of any log in the console begins."""
    if region is None or not _REGION.fullmatch(region):
        return None
    return (
        f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
        f"#logsV2:log-groups/log-group/{_GROUP}/log-events/"
    )


def log_place(stream: str | None) -> str | None:
    """How the address of one of them ends: the console wants it encoded twice."""
    if not stream:
        return None
    once = quote(stream.encode(errors="replace"), safe="")
    return quote(once, safe="").replace("%", "$")


def log_link(stream: str | None, region: str | None) -> str | None:
    """Where the console shows a child's log."""
    console, place = log_console(region), log_place(stream)
    return None if console is None or place is None else console + place


def command(line: str) -> str:
    """A command with a button that copies it; no line of it ends within `--class`."""
    words = " ".join(f"<span>{text(word)}</span>" for word in line.split(" "))
    return (
        f'<div class="command"><code>{words}</code>'
        '<button type="button" data-copy>Copy</button></div>'
    )


def table(caption: str, heads: list[str], rows: list[list[str]]) -> str:
    """Cells are HTML; a heading that ends in a # is of numbers. The first cell heads its row."""
    numbers = {place for place, head in enumerate(heads) if head.endswith("#")}
    cells = [
        f"<th scope=col{' class=n' if place in numbers else ''}>{head.rstrip('#')}"
        for place, head in enumerate(heads)
    ]
    body = []
    for row in rows:
        first, *others = row
        body.append(f"<tr><th scope=row>{first}")
        for place, cell in enumerate(others, 1):
            body.append(f"<td{' class=n' if place in numbers else ''}>{cell}")
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{caption}"><table>'
        f"<caption>{caption}</caption><thead><tr>{''.join(cells)}</thead>"
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )
