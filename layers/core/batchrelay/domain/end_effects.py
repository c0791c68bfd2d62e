"""What became of the effects of a run's end: report, notices, event, and what is deleted then."""

from __future__ import annotations

from datetime import datetime

from batchrelay.domain.copies import replace
from batchrelay.domain.effects import (
    DeleteConsumableResources,
    DeleteQueues,
    Notify,
    PublishRunEnd,
    WriteReport,
)
from batchrelay.domain.end_report import EndReport
from batchrelay.domain.events import (
    ConsumableResourcesDeleted,
    ConsumableResourcesLeft,
    EndEffectEvent,
    NoticeRefused,
    NoticeSent,
    QueuesDeleted,
    QueuesLeft,
    ReportRefused,
    ReportWritten,
    RunEndPublished,
    RunEndRefused,
)
from batchrelay.domain.limits import REPORT_REQUESTS_MAX
from batchrelay.domain.run import NoticeState, Run
from batchrelay.domain.values import RUNS_PREFIX, short

UNANSWERED = (
    f"it was requested {REPORT_REQUESTS_MAX} times, and each attempt died: out of memory or of time"
)


def record_end_effect(run: Run, event: EndEffectEvent) -> Run:
    """The run after an answer to an effect of its end."""
    match event:
        case QueuesDeleted() | QueuesLeft():
            return _record_queues(run, event)
        case ConsumableResourcesDeleted() | ConsumableResourcesLeft():
            return _record_consumable_resources(run, event)
        case NoticeSent() | NoticeRefused():
            return _record_notice(run, event)
        case ReportWritten() | ReportRefused():
            return _record_report(run, event)
        case RunEndPublished() | RunEndRefused():
            return _record_end_event(run, event)


def _record_notice(run: Run, event: NoticeSent | NoticeRefused) -> Run:
    """SNS accepted a notice of this end, or never will."""
    rule, rules = event.rule, run.pipeline.notify
    if event.pause:
        return _record_notice_of_pause(run, event)
    if not run.status.is_terminal or rule in run.notices or rule >= len(rules):
        return run
    state = NoticeState.SENT if isinstance(event, NoticeSent) else NoticeState.REFUSED
    return replace(run, notices={**run.notices, rule: state})


def _record_notice_of_pause(run: Run, event: NoticeSent | NoticeRefused) -> Run:
    """SNS answered to a notice of this pause; of an earlier one it is of no interest."""
    pause = run.spending.pause
    is_pending = pause is not None and event.pause == pause.number
    if pause is None or not is_pending or event.rule in pause.answered:
        return run
    answered = replace(pause, answered=pause.answered | {event.rule})
    return replace(run, spending=replace(run.spending, pause=answered))


def _record_end_event(run: Run, event: RunEndPublished | RunEndRefused) -> Run:
    """An answer that comes late may be of an end before a redrive: this end's is pending still."""
    if run.end_event_since is None or event.redrive != run.redrive_number:
        return run
    is_sent = isinstance(event, RunEndPublished)
    state = NoticeState.SENT if is_sent else NoticeState.REFUSED
    return replace(run, end_event=state, end_event_since=None)


def _record_queues(run: Run, event: QueuesDeleted | QueuesLeft) -> Run:
    """The run's queues are gone, or one may be there again."""
    if isinstance(event, QueuesLeft):
        return replace(run, queues_since=event.at) if run.status.is_terminal else run
    return replace(run, queues_since=None) if run.queues_since is not None else run


def _record_consumable_resources(
    run: Run, event: ConsumableResourcesDeleted | ConsumableResourcesLeft
) -> Run:
    """They are gone, or one may be there again. A late answer may be of an end before a redrive."""
    if isinstance(event, ConsumableResourcesLeft):
        is_over = run.status.is_terminal
        return replace(run, consumable_resources_since=event.at) if is_over else run
    if run.consumable_resources_since is None or event.redrive != run.redrive_number:
        return run
    return replace(run, consumable_resources_since=None)


def report_uri(run: Run) -> str | None:
    """Of the HTML of this end's report; None if it is not there.

    Each end of a run has a key of its own: an attempt that comes late replaces no later report, and
    what a notice linked to stays what it was.
    """
    report = run.report
    if report is None or report.since is not None or report.problem:
        return None
    return report_uris(run)[0]


def report_uris(run: Run) -> tuple[str, str]:
    """Where the report of this end is written: the HTML, and its document as JSON."""
    folder, number = f"s3://{run.environment['bucket']}/{RUNS_PREFIX}{run.id}/", run.redrive_number
    return f"{folder}report-{number}.html", f"{folder}run-{number}.json"


def is_report_pending(run: Run, redrive: int) -> bool:
    """Whether the report of that end is still to be written."""
    report = run.report
    return report is not None and report.since is not None and redrive == run.redrive_number


def _record_report(run: Run, event: ReportWritten | ReportRefused) -> Run:
    """What waited for it is pending from now on. An answer that comes late changes nothing."""
    if not is_report_pending(run, event.redrive):
        return run
    problem, cost = "", None
    match event:
        case ReportWritten():
            cost = event.cost
        case ReportRefused():
            problem = short(event.reason)
    return replace(
        run,
        report=EndReport(problem=problem),
        cost=cost and cost.kept if run.pipeline.budget is None else run.cost,
        notices_since=event.at,
        end_event_since=event.at,
    )


def end_effect_taken_over(
    run: Run,
    effect: WriteReport | Notify | PublishRunEnd | DeleteQueues | DeleteConsumableResources,
    now: datetime,
) -> Run:
    """One that is overdue: its grace begins anew."""
    match effect:
        case WriteReport():
            return _report_taken_over(run, now)
        case Notify():
            return _notices_taken_over(run, effect, now)
        case PublishRunEnd():
            return replace(run, end_event_since=now)
        case DeleteQueues():
            return replace(run, queues_since=now)
        case DeleteConsumableResources():
            return replace(run, consumable_resources_since=now)


def _notices_taken_over(run: Run, effect: Notify, now: datetime) -> Run:
    pause = run.spending.pause
    if not effect.pause or pause is None:
        return replace(run, notices_since=now)
    taken = replace(pause, notices_since=now)
    return replace(run, spending=replace(run.spending, pause=taken))


def _report_taken_over(run: Run, now: datetime) -> Run:
    """It is asked for again, but not for ever: no report is worth a notice that never comes."""
    report = run.report
    assert report is not None, run.id
    if report.requests + 1 >= REPORT_REQUESTS_MAX:
        return _record_report(
            run, ReportRefused(at=now, redrive=run.redrive_number, reason=UNANSWERED)
        )
    return replace(run, report=EndReport(since=now, requests=report.requests + 1))
