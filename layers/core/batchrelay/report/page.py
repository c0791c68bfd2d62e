"""The report as one HTML file that asks nothing of anyone: its style, script and data are in it."""

from __future__ import annotations

import json
from base64 import b64encode
from collections import Counter
from hashlib import sha256
from importlib.resources import files
from typing import Any

from batchrelay.domain.values import printable
from batchrelay.report import child_sections, sections
from batchrelay.report.charts import chip, tone
from batchrelay.report.comparison import comparison
from batchrelay.report.facts import Document
from batchrelay.report.packing import packed_columns
from batchrelay.report.text import log_console, log_place, text

_META = (
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta name="color-scheme" content="light dark">'
    '<meta name="referrer" content="no-referrer">'
    '<meta http-equiv="x-dns-prefetch-control" content="off">'
)
"""The last: over HTTP a browser would ask for the addresses of the hosts that are linked to."""

_ICON_COLOURS = {"ok": "2f7f79", "bad": "c2410c", "part": "b7791f", "run": "2563a8"}


def page(document: Document, other: Document | None = None) -> str:
    """The HTML of a report; with another run's, how they differ.

    Every text of the documents is escaped, and control characters and overrides of direction are
    shown as their escapes. The policy in it lets this style and this script run, and nothing else.
    """
    style, script = _file("page.css"), _file("page.js")
    run = document["run"]
    parts = [
        ("outcome", "Outcome", sections.outcome(document)),
        ("compared", "Compared", comparison(document, other) if other else ""),
        ("graph", "Graph", sections.graph(document)),
        ("time", "Time", sections.time(document)),
        ("children", "Children", child_sections.children(document)),
        ("failures", "Failures", child_sections.failures(document)),
        ("resources", "Resources", child_sections.resources(document)),
        ("slowest", "Slowest", child_sections.slowest(document)),
        ("run", "Run", sections.details(document)),
    ]
    shown = [part for part in parts if part[2]]
    links = "".join(f'<a href="#{name}">{title}</a>' for name, title, _ in shown)
    body = "".join(f'<section id="{name}">{html}</section>' for name, _, html in shown)
    data = json.dumps(_data(document), separators=(",", ":")).replace("<", "\\u003c")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">{_META}'
        f"<title>{text(run['pipeline'])} {text(run['id'])}: {text(run['status'])}</title>"
        f'<link rel="icon" href="{_icon(run["status"])}"><style>{style}</style></head><body>'
        '<a class="skip" href="#main">Skip to the report</a><header>'
        f'<div class="title"><h1>{text(run["pipeline"])}</h1>{chip(run["status"])}</div>'
        f'<p class="id"><code>{text(run["id"])}</code> version {text(run["version"])}</p></header>'
        f'<nav aria-label="Sections">{links}</nav><main id="main">{body}</main>'
        f"<footer>Made by batchrelay at {sections.time_of(document['madeAt'])}. "
        "This file asks nothing of any server.</footer>"
        f'<script type="application/json" id="data">{data}</script><script>{script}</script>'
        "</body></html>"
    )


def _file(name: str) -> str:
    return files("batchrelay.report").joinpath(name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    hashes = (b64encode(sha256(code.encode()).digest()).decode() for code in (style, script))
    style_hash, script_hash = hashes
    return (
        f"default-src 'none'; style-src 'sha256-{style_hash}'; script-src 'sha256-{script_hash}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _icon(status: str) -> str:
    """A dot in the colour of the outcome."""
    colour = _ICON_COLOURS.get(tone(status), "78716c")
    return (
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
        f"%3Ccircle cx='8' cy='8' r='7' fill='%23{colour}'/%3E%3C/svg%3E"
    )


# --- what the script draws


def _data(document: Document) -> dict[str, Any]:
    steps = [step for step in document["steps"] if step["columns"] is not None]
    return {
        "run": printable(document["run"]["id"]),
        "logs": log_console(document["region"]),
        "steps": [_step(step) for step in steps],
    }


def _step(step: Document) -> dict[str, Any]:
    measured = step["measured"]
    described = {
        (child["round"], child["number"]): child
        for child in (*measured["failed"], *measured["slowest"])
    }
    places = zip(step["columns"]["round"], step["columns"]["number"], strict=True)
    return {
        "name": printable(step["step"]),
        "failed": measured["states"].get("FAILED", 0),
        "rounds": list(Counter(step["columns"]["round"]).values()),
        "array": measured["count"] > 1,
        "median": measured["runMs"] and measured["runMs"]["p50"],
        "memory": {
            f"{entry['round']},{entry['group']}": entry["memoryMiB"]
            for entry in step["resources"]
            if entry["memoryMiB"]
        },
        "causes": [_cause(cause) for cause in step["causes"]],
        "notes": {
            row: _note(described[place]) for row, place in enumerate(places) if place in described
        },
        "columns": packed_columns(step["columns"]),
    }


def _cause(cause: Document) -> str:
    code = "" if cause["exitCode"] is None else f" (exit code {cause['exitCode']})"
    reason = f": {cause['reason']}" if cause["reason"] else ""
    return printable(f"{cause['class']}{code}{reason}")


def _note(child: Document) -> list[str]:
    """The item, the reason if it has no cause, the end of the link to its log."""
    reason = None if child["state"] in ("FAILED", "UPSTREAM") else child["reason"]
    texts = (child["item"], reason, log_place(child["logStream"]))
    return [printable(value or "") for value in texts]
