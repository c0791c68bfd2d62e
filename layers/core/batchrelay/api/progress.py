"""How far the jobs of a run are: asked of AWS Batch when a run is looked at.

Reconcile stores the same counts every few minutes. Between two reconciles an array at work would
stand still for who looks at it, so the jobs of its active parts are described, and the answer is
kept for LOOK_S. What is shown so is never stored: it changes no run.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import reduce

from batchrelay.codec.job_detail import progress_of
from batchrelay.domain.errors import NotDone, Refused
from batchrelay.domain.events import JobProgressed
from batchrelay.domain.job_detail import JobReport
from batchrelay.domain.run import Run
from batchrelay.domain.step_state import StepState
from batchrelay.domain.transitions import advance
from batchrelay.engine.reconcile import active_jobs
from batchrelay.ports import Clock, Jobs

LOOK_S = 5
"""Seconds for which an answer of AWS Batch is shown again: many who watch a run cost no more calls
than one."""

LOOKS_MAX = 200
"""Runs of which answers are kept, those looked at last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    requested_at: datetime
    answered_at: datetime | None
    """None if there was never an answer."""
    job_ids: frozenset[str]
    reports: tuple[JobReport, ...] = ()


@dataclass(kw_only=True)
class Looks:
    """The answers of AWS Batch about the runs that were looked at lately."""

    jobs: Jobs
    clock: Clock
    look_s: float = LOOK_S
    _kept: OrderedDict[str, _Look] = field(default_factory=OrderedDict)

    def observed(self, run: Run) -> Run:
        """The run with the counts of its active jobs as AWS Batch gives them.

        One DescribeJobs call for 100 parts; none for a run without active parts, nor within LOOK_S.
        If AWS Batch gives no answer, the counts are those of its last one, or the stored ones.
        """
        job_ids = frozenset(job_id for job_id, _, _ in active_jobs(run))
        if not job_ids:
            self._kept.pop(run.id, None)
            return run
        look = self._look(run.id, job_ids)
        if look.answered_at is None:
            return run
        return observed(run, look.reports, look.answered_at)

    def _look(self, run_id: str, job_ids: frozenset[str]) -> _Look:
        now = self.clock.now()
        last = self._kept.pop(run_id, None)
        if last is None or not self._is_fresh(last, job_ids, now):
            last = self._asked(last, job_ids, now)
        self._kept[run_id] = last
        while len(self._kept) > LOOKS_MAX:
            self._kept.popitem(last=False)
        return last

    def _is_fresh(self, look: _Look, job_ids: frozenset[str], now: datetime) -> bool:
        return job_ids <= look.job_ids and now < look.requested_at + timedelta(seconds=self.look_s)

    def _asked(self, last: _Look | None, job_ids: frozenset[str], now: datetime) -> _Look:
        """A call that was refused is not repeated within LOOK_S either."""
        try:
            reports = self.jobs.describe(sorted(job_ids))
        except (NotDone, Refused):
            failed = _Look(requested_at=now, answered_at=None, job_ids=job_ids)
            return failed if last is None else replace(last, requested_at=now, job_ids=job_ids)
        return _Look(requested_at=now, answered_at=now, job_ids=job_ids, reports=reports)


def observed(run: Run, reports: Iterable[JobReport], at: datetime) -> Run:
    """The run with the counts of these reports, where it does not know newer ones.

    A job that has ended is shown by its counts only: it is its event that ends the part.
    """
    by_id = {report.job_id: report for report in reports}
    shown = reduce(advance, _facts(run, by_id, at), run)
    for name, state in run.steps.items():
        active = [part.job_id for part in state.parts if part.is_active]
        if active and all(job_id in by_id for job_id in active) and not _is_newer(state, at):
            shown = shown.with_step(name, replace(shown.state(name), counted_at=at))
    return shown


def _facts(run: Run, by_id: Mapping[str, JobReport], at: datetime) -> Iterator[JobProgressed]:
    for job_id, key, _ in active_jobs(run):
        step = run.pipeline.step_of_label(key.label)
        if step is not None and job_id in by_id and not _is_newer(run.state(step.name), at):
            yield progress_of(by_id[job_id], key, at)


def _is_newer(state: StepState, at: datetime) -> bool:
    return state.counted_at is not None and state.counted_at > at
