"""What SNS is given at the end of a run: a text for people, and attributes for programs.

A text from outside (a reason, a log line, a parameter) never begins a line of a notice, and none
breaks a line in two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from batchrelay.domain.limits import LINK_BYTES_MAX, NOTICE_BYTES_MAX, SUBJECT_CHARS_MAX
from batchrelay.domain.n_to_n import upstream_failures
from batchrelay.domain.pipeline import NoticeRule, Step
from batchrelay.domain.run import Run, RunStatus
from batchrelay.domain.run_cost import usd_text
from batchrelay.domain.state_change import (
    WITH_FAILURES,
    compact,
    end_document,
    summary_of,
)
from batchrelay.domain.step_state import StepStatus
from batchrelay.domain.templates import Reference, expand, references
from batchrelay.domain.values import Json, counted, printable
from batchrelay.domain.variables import FAILURE_LISTS, variables_of

_CAUSES_MAX = 5
"""Steps whose causes a notice names first; those of the others stand with their step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Where a run's output, or its report, is, as its notice gives it."""

    uri: str
    url: str = ""
    """Presigned; empty if it is not."""
    until: datetime | None = None
    """When the URL expires at the latest."""
    problem: str = ""
    """Why it is not presigned, although it was to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What SNS is given at the end of a run."""

    topic: str
    """ARN."""
    id: str
    """The same for every sending of one notice: a receiver may drop a repeat."""
    subject: str
    """At most SUBJECT_CHARS_MAX characters of ASCII."""
    message: str
    attributes: Mapping[str, str]


def link_of(run: Run, rule_number: int) -> str | None:
    """What the link of a rule says of this run; None if what it refers to is not there."""
    rule = run.pipeline.notify[rule_number]
    if rule.link is None or run.status not in (RunStatus.SUCCEEDED, RunStatus.PARTIAL):
        return None
    is_there = all(_is_there(run, reference) for reference in references(rule.link))
    return expand(rule.link, variables_of(run)) if is_there else None


def is_object(uri: str) -> bool:
    """Whether it is the URI of one object of S3, and not of a folder."""
    _, _, key = uri.removeprefix("s3://").partition("/")
    return uri.startswith("s3://") and bool(key) and not key.endswith("/")


def notice_of(
    run: Run, rule_number: int, link: Link | None = None, report: Link | None = None
) -> Notice:
    """The notice of one rule of a run that has ended."""
    rule = run.pipeline.notify[rule_number]
    links = {"link": _link_document(link), "reportLink": _link_document(report)}
    document = {**end_document(run), **links}
    lines = _message(run, link, report)
    return notice(run, rule, _notice_id(run, rule_number), lines, run.status, document)


def notice(
    run: Run,
    rule: NoticeRule,
    notice_id: str,
    lines: Iterable[str],
    status: RunStatus,
    document: Mapping[str, Json],
) -> Notice:
    """What SNS takes: the first line is the subject too, and programs read the attributes."""
    listed = list(map(printable, lines))
    return Notice(
        topic=expand(rule.topic, variables_of(run)),
        id=notice_id,
        subject=_ascii(listed[0]),
        message=_fitting(listed),
        attributes={
            "batchrelay.pipeline": run.pipeline.name,
            "batchrelay.runId": run.id,
            "batchrelay.status": str(status),
            "batchrelay.run": compact(document),
        },
    )


def _link_document(link: Link | None) -> Json:
    if link is None or len(compact({"uri": link.uri, "url": link.url})) > LINK_BYTES_MAX:
        return None
    return {
        "uri": printable(link.uri),
        "url": link.url or None,
        "until": None if link.until is None else link.until.astimezone(UTC).isoformat(),
    }


def _notice_id(run: Run, rule_number: int) -> str:
    """Of every end of a run another one."""
    again = "" if run.redrive is None else f"-{run.redrive_number}"
    return f"{run.id}-{rule_number}-{run.status.lower()}{again}"


def _fitting(lines: list[str]) -> str:
    """As many of the lines as SNS takes, and how many are left out."""
    size = 0
    for number, line in enumerate(lines):
        size += len(line.encode()) + 1
        if size > NOTICE_BYTES_MAX:
            return "\n".join([*lines[:number], f"  … and {len(lines) - number:,} more lines"])
    return "\n".join(lines)


def _is_there(run: Run, reference: Reference) -> bool:
    """Whether what a link refers to is there: a step that was SKIPPED left no output, unless all
    of its items were there before; a step without failures left no list of them."""
    kind, _, rest = reference.name.partition(".")
    name, _, what = rest.rpartition(".")
    if kind == "steps" and what in FAILURE_LISTS:
        return run.state(name).status is StepStatus.PARTIAL
    state = run.state(name)
    return kind != "steps" or state.status is not StepStatus.SKIPPED or state.existing > 0


def _ascii(subject: str) -> str:
    return subject.encode("ascii", "replace").decode()[:SUBJECT_CHARS_MAX]


def _message(run: Run, link: Link | None, report: Link | None) -> Iterator[str]:
    ended = run.ended_at or run.started_at
    seconds = (ended - run.started_at).total_seconds()
    yield summary_of(run)
    which = f"Run {run.id}, version {run.pipeline.version}"
    yield f"{which}, ended {_time(ended)} after {seconds:,.0f} s."
    if run.stop is not None:
        yield f"It was stopped: {run.stop.reason}."
    if run.cost is not None:
        cost = run.cost
        yield f"Cost, an estimate: {usd_text(cost.usd)} ({cost.sums}; prices: {cost.date})."
    if run.finally_stop is not None:
        yield f"Its finally steps were stopped: {run.finally_stop.reason}."
    failures = [step for step in run.pipeline.order if run.state(step.name).status in WITH_FAILURES]
    first = [step for step in failures if run.state(step.name).reason][:_CAUSES_MAX]
    for step in first:
        yield f"Cause in {step.name}: {run.state(step.name).reason}"
    if link is not None:
        yield from _link_lines("Output", link)
    yield from _report_lines(run, report)
    if failures:
        yield f"Why items failed: batchrelay failures {run.id}"
        yield f"Run one here: batchrelay spin {run.id}/{failures[0].name}:ITEM"
        yield f"Run them again: batchrelay redrive {run.id}"
    yield ""
    for step in run.pipeline.order:
        yield _step_line(run, step, with_reason=step not in first)


def _report_lines(run: Run, report: Link | None) -> Iterator[str]:
    if report is not None:
        yield from _link_lines("Report", report)
    elif run.report is not None and run.report.problem:
        yield f"No report: {run.report.problem}."


def _link_lines(what: str, link: Link) -> Iterator[str]:
    yield f"{what}: {link.uri}"
    if link.url and link.until is not None:
        yield f"Download (anyone who has this URL, at most until {_time(link.until)}): {link.url}"
    elif link.problem:
        yield f"No URL to download it: {link.problem}."


def _time(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _step_line(run: Run, step: Step, *, with_reason: bool) -> str:
    state = run.state(step.name)
    line = f"  {step.name}: {state.status}"
    has_several = (state.children or 0) > 1  # of a single job, the status says it
    if has_several and state.status is not StepStatus.SKIPPED:
        line += f", {state.succeeded:,} of {state.children:,} children succeeded"
    if state.stopped:
        line += f", {state.stopped:,} stopped or never begun"
    if state.failed_items:
        number = state.failed_items
        line += f", {f'{number:,}' if state.items is None else counted(number, 'items')} failed"
    upstream = upstream_failures(run, step)
    if upstream:
        line += f", {upstream:,} failed upstream"
    return line + (f" ({state.reason})" if state.reason and with_reason else "")
