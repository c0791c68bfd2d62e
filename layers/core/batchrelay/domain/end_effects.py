"""What became of the effects of a run's end: its notices, its event, its queues."""

from __future__ import annotations

from dataclasses import replace

from batchrelay.domain.events import (
    NoticeRefused,
    NoticeSent,
    QueuesDeleted,
    QueuesLeft,
    RunEndPublished,
    RunEndRefused,
)
from batchrelay.domain.run import NoticeState, Run


def record_notice(run: Run, event: NoticeSent | NoticeRefused) -> Run:
    """SNS accepted a notice of this end, or never will."""
    rule, rules = event.rule, run.pipeline.notify
    if not run.status.is_terminal or rule in run.notices or rule >= len(rules):
        return run
    state = NoticeState.SENT if isinstance(event, NoticeSent) else NoticeState.REFUSED
    return replace(run, notices={**run.notices, rule: state})


def record_end_event(run: Run, event: RunEndPublished | RunEndRefused) -> Run:
    """An answer that comes late may be of an end before a redrive: this end's is pending still."""
    if run.end_event_since is None or event.redrive != run.redrive_number:
        return run
    is_sent = isinstance(event, RunEndPublished)
    state = NoticeState.SENT if is_sent else NoticeState.REFUSED
    return replace(run, end_event=state, end_event_since=None)


def record_queues(run: Run, event: QueuesDeleted | QueuesLeft) -> Run:
    """The run's queues are gone, or one may be there again."""
    if isinstance(event, QueuesLeft):
        return replace(run, queues_since=event.at) if run.status.is_terminal else run
    return replace(run, queues_since=None) if run.queues_since is not None else run
