"""What can be asked of a stack, as documents: the API without its HTTP."""

from __future__ import annotations

import heapq
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from batchrelay.api import redrive as redriving
from batchrelay.api.failures import FailureReader
from batchrelay.api.progress import Looks
from batchrelay.api.views import (
    Document,
    history,
    item_document,
    pipeline_document,
    run_document,
    step_document,
    summary_document,
)
from batchrelay.codec import check_text, decode_start_request
from batchrelay.domain.errors import (
    CodecError,
    InputError,
    ItemNotFound,
    NotRedrivable,
    NotResumable,
    PathNotFound,
    PipelineNotFound,
    RequestTooLarge,
    RunExists,
    RunNotFound,
    StepNotFound,
)
from batchrelay.domain.pipeline import Step, check_pipeline_name
from batchrelay.domain.redrive import RedriveOrder
from batchrelay.domain.run import Run, RunStatus, StartRequest
from batchrelay.domain.run_summary import RunSummary
from batchrelay.domain.values import RUN_ID
from batchrelay.engine.outcome import Handled
from batchrelay.ports import PipelineStore, RunStore
from batchrelay.preparation.items import strict_json

BODY_BYTES_MAX = 256 * 1024
"""Bytes of a request's body: far above any order, far under Lambda's 6 MB."""

PAGE_DEFAULT, PAGE_MAX = 50, 200
"""Runs of one page."""

DETAIL_VALUES_CHARS_MAX = 128
"""Characters of an invalid name that an error repeats."""

DETAIL_CHARS_MAX = 4_000
"""Characters of a problem's sentence: every wrong parameter of an ordinary pipeline."""

LOOKS_MAX = 2_000
"""Runs that are looked at for one page: two pages of the index, 250 KB."""

_PLACE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00~[0-9a-z]{1,32}")


_ITEM_NUMBER = re.compile(r"[0-9]{1,10}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """Every method raises InputError for what the caller can fix."""

    run_store: RunStore
    pipeline_store: PipelineStore
    start_run: Callable[[StartRequest], Handled]
    cancel_run: Callable[[str, str, bool], Handled]
    redrive_run: Callable[[str, RedriveOrder], Handled]
    check_redrive: Callable[[Run, RedriveOrder], None]
    resume_run: Callable[[str, float], Handled]
    looks: Looks
    failure_reader: FailureReader
    new_run_id: Callable[[], str]

    def pipelines(self) -> Document:
        """The pipelines that may be started."""
        return {"pipelines": [pipeline_document(p) for p in self.pipeline_store.registered()]}

    def start(self, pipeline: str, body: str | None, key: str | None) -> Handled:
        """Start a run. The same key starts one run, and answers with it."""
        _name(pipeline)
        asked = _object(body, "a start", "params", "version", "key")
        if key and asked.get("key") not in (None, key):
            raise InputError("the key of the body is not the Idempotency-Key: give one of them")
        order = {
            "pipeline": pipeline,
            "version": asked.get("version"),
            "key": key or asked.get("key"),
            "params": _params(asked.get("params", {})),
        }
        wanted = decode_start_request(order, self.new_run_id)
        if wanted.version is not None:  # what was taken away is started no more
            self.pipeline_store.registered_version(pipeline)
        return self.start_run(wanted)

    def runs(self, query: Mapping[str, str]) -> Document:
        """A page of runs, the newest first: of one pipeline, or of all that are registered.

        A page may be short, even empty, and have a next one: of a rare status, so many are looked
        at and no more.
        """
        limit = _limit(query.get("limit"))
        status = _status(query.get("status"))
        found = self._runs(query.get("pipeline"), _place(query.get("next", "")))
        page: list[RunSummary] = []
        last, more = None, False
        for looked, summary in enumerate(found):
            if more := len(page) == limit or looked == LOOKS_MAX:
                break
            last = summary
            if status in (None, summary.status):
                page.append(summary)
        return {
            "runs": [summary_document(summary) for summary in page],
            "next": last.place if more and last is not None else None,
        }

    def run(self, run_id: str) -> Document:
        """A run and its steps, with the counts of its jobs that AWS Batch gives now."""
        return run_document(self.looks.observed(self._load(run_id)))

    def _load(self, run_id: str) -> Run:
        return self.run_store.load(_run_id(run_id))

    def step(self, run_id: str, step: str) -> Document:
        """One step of a run, with its counts as in `run`."""
        run = self._load(run_id)
        found = _step(run, step)
        return step_document(self.looks.observed(run), found)

    def item(self, run_id: str, step: str, number: str) -> Document:
        """One item of a step, and the request of a job that does it alone. Nothing is submitted."""
        run = self._load(run_id)
        found = _step(run, step)
        if _ITEM_NUMBER.fullmatch(number) is None:
            text = number[:DETAIL_VALUES_CHARS_MAX]
            raise ItemNotFound(f"there is no item {text}: it is a number from 0")
        return item_document(run, found, int(number))

    def failures(self, run_id: str, step: str | None = None) -> Document:
        """Why items of a run failed, by step, of those where any did; or of one step only."""
        run = self._load(run_id)
        if step is None:
            return self.failure_reader.of_run(self.looks.observed(run))
        found = _step(run, step)
        return self.failure_reader.of_step(self.looks.observed(run), found)

    def history(self, run_id: str) -> Document:
        """What happened, in order."""
        return {"runId": run_id, "history": history(self._load(run_id))}

    def cancel(self, run_id: str, body: str | None) -> Handled:
        """Stop a run; nothing to one that has ended or is being stopped.

        Its finally steps still run, unless the body says `"finally": true`.
        """
        asked = _object(body, "a cancellation", "reason", "finally")
        reason, stops_finally = asked.get("reason"), asked.get("finally", False)
        if not isinstance(reason, str | None):
            raise InputError("reason must be a text")
        if not isinstance(stops_finally, bool):
            raise InputError("finally must be true or false")
        return self.cancel_run(_run_id(run_id), reason or "", stops_finally)

    def redrive(self, run_id: str, body: str | None) -> Handled | Document:
        """Let a run that has ended go on with what failed; or only say what would run again."""
        asked = _object(body, "a redrive", *redriving.FIELDS)
        order = redriving.order_of(asked, _params(asked.get("params", {})))
        if not redriving.is_plan(asked):
            return self.redrive_run(_run_id(run_id), order)
        run = self._load(run_id)
        self.check_redrive(run, order)
        return redriving.plan_document(run, order, self.failure_reader.to_redrive)

    def resume(self, run_id: str, body: str | None) -> Handled:
        """Let a run that is PAUSED go on, with another budget."""
        usd = _object(body, "a resumption", "budget").get("budget")
        if isinstance(usd, bool) or not isinstance(usd, int | float):
            raise InputError('budget must be a number of US dollars, such as {"budget": 80}')
        return self.resume_run(_run_id(run_id), float(usd))

    def _runs(self, pipeline: str | None, before: str) -> Iterator[RunSummary]:
        names = (
            [_name(pipeline)] if pipeline else [p.name for p in self.pipeline_store.registered()]
        )
        found = (self.run_store.runs_of(name, before) for name in names)
        return heapq.merge(*found, key=lambda run: run.place, reverse=True)


def _step(run: Run, name: str) -> Step:
    by_name = {known.name: known for known in run.pipeline.steps}
    if name not in by_name:
        raise StepNotFound(f"run {run.id} has no step {name}: it has {', '.join(by_name)}")
    return by_name[name]


def _object(body: str | None, what: str, *fields: str) -> dict[str, Any]:
    if body and len(body.encode(errors="replace")) > BODY_BYTES_MAX:
        raise RequestTooLarge(f"the body is larger than {BODY_BYTES_MAX:,} bytes")
    try:
        document = strict_json.document(body or "{}")
    except json.JSONDecodeError:
        raise InputError("the body is not JSON") from None
    except strict_json.NotJson as error:
        raise InputError(f"body: {error}") from None
    if not isinstance(document, dict):
        raise InputError('the body must be an object, such as {"params": {"name": "value"}}')
    check_text(document, "body")
    if unknown := sorted(document.keys() - set(fields)):
        raise InputError(f"unknown field {unknown[0][:100]}: {what} has {', '.join(fields)}")
    return document


def _name(pipeline: str) -> str:
    check_pipeline_name(pipeline)
    return pipeline


def _run_id(text: str) -> str:
    if RUN_ID.fullmatch(text) is None:
        raise RunNotFound(f"there is no run {text[:DETAIL_VALUES_CHARS_MAX]}")
    return text


def _params(given: Any) -> dict[str, str]:
    if not isinstance(given, dict):
        raise InputError('params must be an object, such as {"name": "value"}')
    return {name: _text(name, value) for name, value in given.items()}


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise InputError(f"parameter {name} must be a text, a number, true or false")


def _limit(text: str | None) -> int:
    if text is None:
        return PAGE_DEFAULT
    if re.fullmatch(r"[1-9]\d{0,2}", text) is None or int(text) > PAGE_MAX:
        raise InputError(f"limit must be a number from 1 to {PAGE_MAX}, got {text[:20]!r}")
    return int(text)


def _status(text: str | None) -> RunStatus | None:
    if text is not None and text not in list(RunStatus):
        raise InputError(f"status must be one of {', '.join(RunStatus)}, got {text!r}")
    return None if text is None else RunStatus(text)


def _place(text: str) -> str:
    if text and _PLACE.fullmatch(text) is None:
        raise InputError("next is not the value of an earlier page: leave it out to begin anew")
    return text


def problem(error: Exception) -> dict[str, Any]:
    """What the caller got wrong, as RFC 9457 has it."""
    status = _http_status(error)
    detail = str(error)
    if len(detail) > DETAIL_CHARS_MAX:  # it repeats what was sent
        detail = detail[: DETAIL_CHARS_MAX - 1] + "…"
    return {"title": type(error).__name__, "status": status, "detail": detail}


def _http_status(error: Exception) -> int:
    match error:
        case PipelineNotFound() | RunNotFound() | StepNotFound() | ItemNotFound() | PathNotFound():
            return 404
        case RunExists() | NotRedrivable() | NotResumable():
            return 409
        case RequestTooLarge():
            return 413
        case CodecError():
            return 500
        case _:
            return 400
