"""One attempt to write the report of a run's end."""

from __future__ import annotations

from collections.abc import Callable

from batchrelay.domain.events import ReportRefused, ReportWritten
from batchrelay.domain.run import Run
from batchrelay.domain.run_cost import RunCost
from batchrelay.engine.last_attempt import may_come_again, reason_of
from batchrelay.ports import Clock

ReportWriter = Callable[[Run, Callable[[], float]], RunCost | None]
"""Writes the report of this end of a run; a repeat replaces it. It is given how many seconds are
left, and answers what the run cost; None is unknown. Raises: Refused, InvalidItems; NotDone."""


def report_attempt(
    write: ReportWriter, run: Run, clock: Clock, time_left: Callable[[], float], *, is_last: bool
) -> ReportWritten | ReportRefused:
    """What became of it. Raises: what another attempt may do without, unless this is the last."""
    try:
        cost = write(run, time_left)
    except Exception as error:
        if may_come_again(error, is_last=is_last):
            raise
        reason = reason_of(error) or "it could not be written"
        return ReportRefused(at=clock.now(), redrive=run.redrive_number, reason=reason)
    return ReportWritten(at=clock.now(), redrive=run.redrive_number, cost=cost)
