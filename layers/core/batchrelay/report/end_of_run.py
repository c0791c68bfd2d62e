"""Writes the report of a run's end to S3: the page, and its document as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from batchrelay.domain.end_effects import report_uris
from batchrelay.domain.errors import Refused
from batchrelay.domain.limits import REPORT_BYTES_MAX, REPORT_CHILDREN_MAX
from batchrelay.domain.run import Run
from batchrelay.domain.run_cost import RunCost
from batchrelay.domain.values import counted
from batchrelay.ports import Clock
from batchrelay.prices import Prices
from batchrelay.report.collector import ReportSources, collected_report
from batchrelay.report.facts import Document
from batchrelay.report.page import page

RESERVE_S = 60.0
"""Seconds that are kept to write the report, and to send what waits for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndReports:
    """Reports of runs that have ended, in the stack's bucket."""

    sources: ReportSources
    run_document: Callable[[Run], Document]
    """As the API answers it, as is the next."""
    failures_of: Callable[[Run], Document]
    clock: Clock
    region: str | None
    """Of links into the console, and of prices; None on a local cloud."""
    prices: Prices

    def write(self, run: Run, time_left: Callable[[], float]) -> RunCost | None:
        """What the run cost. The page comes last: what is linked to is whole."""
        document = self._document(run, time_left)
        html_uri, json_uri = report_uris(run)
        bodies = (
            (json_uri, json.dumps(document, indent=1), "application/json"),
            (html_uri, page(document), "text/html; charset=utf-8"),
        )
        encoded = [(uri, _fitting(text), kind) for uri, text, kind in bodies]
        for uri, body, kind in encoded:
            self.sources.objects.put(uri, body, kind)
        return _cost(document)

    def _document(self, run: Run, time_left: Callable[[], float]) -> Document:
        def check_time(done: int, total: int) -> None:
            if time_left() < RESERVE_S:
                raise Refused(f"no time was left after {done:,} of {counted(total, 'children')}")

        ended = _without_effects(run)
        return collected_report(
            self.sources,
            self.run_document(ended),
            at=self.clock.now(),
            failures=self.failures_of(ended),
            region=self.region,
            prices=self.prices,
            children_max=REPORT_CHILDREN_MAX,
            progress=check_time,
        )


def _cost(document: Document) -> RunCost | None:
    cost = document["cost"]
    return None if cost is None else RunCost(**{n: cost[n] for n in ("usd", "sums", "date")})


def _fitting(text: str) -> bytes:
    body = text.encode()
    if len(body) > REPORT_BYTES_MAX:
        raise Refused(f"it has {len(body):,} bytes, more than {REPORT_BYTES_MAX:,}")
    return body


def _without_effects(run: Run) -> Run:
    """The run as it will be when its report is read: nothing of it is pending."""
    return replace(
        run,
        report=None,
        notices_since=None,
        end_event_since=None,
        queues_since=None,
        consumable_resources_since=None,
    )
