"""The transitions of a run's status that an event triggers: a table, read as those of steps."""

from __future__ import annotations

from batchrelay.domain.budget_events import BudgetRaised
from batchrelay.domain.cancellation import (
    cancelled,
    finally_steps_are_stopped,
    is_past_its_deadline,
    lists_of_finally_steps_expire,
    ordinary_steps_go_on,
    timed_out,
)
from batchrelay.domain.copies import replace
from batchrelay.domain.events import (
    CancelRequested,
    DeadlinePassed,
    Event,
    RedriveRequested,
    RunDequeued,
)
from batchrelay.domain.held_submissions import budget_raised, is_of_this_pause
from batchrelay.domain.redrive import may_be_redriven, redriven
from batchrelay.domain.run import Run, RunStatus
from batchrelay.domain.table import RunRow, by_event, first_match, run_row

CANCELLING = RunStatus.CANCELLING


def _dequeued(run: Run, event: RunDequeued) -> Run:
    return replace(run, status=RunStatus.RUNNING, dequeued_at=event.at)


RUN_TABLE: tuple[RunRow, ...] = (
    run_row(RunStatus.QUEUED, RunDequeued, _dequeued, to=RunStatus.RUNNING),
    run_row(
        RunStatus.PAUSED,
        BudgetRaised,
        budget_raised,
        to=RunStatus.RUNNING,
        when=is_of_this_pause,
    ),
    *(
        run_row(source, RedriveRequested, redriven, to=RunStatus.RUNNING, when=may_be_redriven)
        for source in (RunStatus.FAILED, RunStatus.PARTIAL, RunStatus.CANCELLED)
    ),
    *(
        run_row(source, CancelRequested, cancelled, to=CANCELLING, when=when)
        for source, when in (
            (RunStatus.QUEUED, None),
            (RunStatus.PAUSED, None),
            (RunStatus.RUNNING, ordinary_steps_go_on),
            (RunStatus.RUNNING, finally_steps_are_stopped),
            (CANCELLING, finally_steps_are_stopped),
        )
    ),
    *(
        run_row(source, DeadlinePassed, timed_out, to=CANCELLING, when=when)
        for source, when in (
            (RunStatus.QUEUED, is_past_its_deadline),
            (RunStatus.RUNNING, is_past_its_deadline),
            (RunStatus.PAUSED, is_past_its_deadline),
            (CANCELLING, lists_of_finally_steps_expire),
        )
    ),
)
"""The first row whose predicate holds decides; an event without such a row changes no status."""

_ROWS = by_event(RUN_TABLE)


def run_event_row(run: Run, event: Event) -> RunRow | None:
    """The row that decides what an event makes of a run's status."""
    return first_match(_ROWS.get((type(event), run.status), ()), run, event)
