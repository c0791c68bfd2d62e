"""Why a run's items failed, as documents: what was collected, else what AWS Batch says now.

A step that has ended, or a round of it, has its causes in S3. Of one at work, and where they could
not be collected, AWS Batch lists the failed children: as many as a person waits for, and the
document says when that is not all.

Of a sample the number is given and not the item: who may call the API may not be one who may read
the list that it is from.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

from batchrelay.api.views import Document
from batchrelay.domain.errors import InvalidItems, JobForgotten, NotDone, Refused
from batchrelay.domain.failures import (
    Cause,
    ChildFailure,
    FailureClass,
    failure_class,
    in_order,
    is_redriven,
    shown_last,
)
from batchrelay.domain.n_to_n import UPSTREAM_FAILED, unsatisfiable_reason
from batchrelay.domain.pipeline import Step
from batchrelay.domain.requests import results_uri
from batchrelay.domain.run import Run
from batchrelay.domain.step_state import JobOutcome, Part, StepState, StepStatus
from batchrelay.domain.values import Json, failures_uri
from batchrelay.ports import Jobs, Logs, Objects
from batchrelay.preparation.failures.causes import REFUSED, UPSTREAM, Causes, with_log
from batchrelay.preparation.failures.files import causes_for_good, collected_causes
from batchrelay.preparation.failures.latest_round import Records

CHILDREN_MAX = 1_000
"""Failed children of one job that are listed: ten pages of ListJobs."""

REQUEST_CHILDREN_MAX = 3_000
"""And of one request: about 5 s of the 29 s that API Gateway waits."""

LOGS_MAX = 20
"""Logs that are read for one request: two calls each."""

LINE_CHARS_MAX = 300
"""Characters of a line of a log."""

RUN_CHARS_MAX = 3_000_000
"""Characters of a run's failures, after which a step is named only: Lambda answers with 6 MB."""

_GONE = (
    "its causes are no longer in S3: they expire with the run's lists, or were deleted. "
    "What AWS Batch still says of its latest round is shown; its reason names the causes"
)
_CUT = (
    "AWS Batch was asked for the first {children:,} failed children of a job: if it has more, they "
    "are not counted"
)
_FORGOTTEN = (
    "AWS Batch no longer knows job {job}: it keeps ended jobs for seven days. The step's reason "
    "and its counts are kept with the run, and the logs in CloudWatch Logs"
)
_UNANSWERED = "AWS Batch gave no complete answer, so there may be more: ask again ({error})"
_DENIED = "AWS Batch could not be asked: {error}"
_CURED = "round {round} ended well: every item that failed before has succeeded since"
_AT_WORK = "round {round} is at work: what fails in it is added when it ends"
_TOO_MANY = "not looked at, because there is too much to show at once: ask for this step alone"


@dataclass
class _Request:
    """What one request may still ask of AWS."""

    children: int = REQUEST_CHILDREN_MAX
    logs: int = LOGS_MAX
    chars: int = RUN_CHARS_MAX


@dataclass
class _Found:
    """The causes of a step's failures, and how they came to be known."""

    causes: list[Cause] = field(default_factory=list)
    round: int | None = None
    items: int | None = None
    """All of them; None if children were counted."""
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureReader:
    """Reads failures for people who look at a run."""

    objects: Objects
    jobs: Jobs
    logs: Logs

    def of_run(self, run: Run) -> Document:
        """Of every step that has failures."""
        request = _Request()
        steps: list[Json] = []
        for step in run.pipeline.order:
            if not has_failures(run.state(step.name)):
                continue
            document = self._document(run, step, request)
            request.chars -= len(json.dumps(document))
            steps.append(document)
        return {"runId": run.id, "status": str(run.status), "steps": steps}

    def of_step(self, run: Run, step: Step) -> Document:
        """Of one step; without causes if it has no failures."""
        return self._document(run, step, _Request())

    def _document(self, run: Run, step: Step, request: _Request) -> Document:
        state = run.state(step.name)
        found = self._found(run, step, request)
        is_collected = found.items is not None
        return {
            "step": step.name,
            "status": str(state.status),
            "reason": state.reason_so_far or None,
            "round": found.round,
            "counted": "items" if is_collected and state.items is not None else "children",
            "total": found.items if is_collected else state.children,
            "failed": sum(c.count for c in found.causes if c.named is not FailureClass.STOPPED),
            "stopped": sum(c.count for c in found.causes if c.named is FailureClass.STOPPED),
            "again": sum(cause.again for cause in found.causes),
            "failures": failures_uri(state.failures) if state.failures else None,
            "causes": [_cause(state, cause, found) for cause in found.causes],
            "notes": list(found.notes),
        }

    def _found(self, run: Run, step: Step, request: _Request) -> _Found:
        state = run.state(step.name)
        if not has_failures(state):
            return _Found()
        if request.chars <= 0:
            return _Found(notes=[_TOO_MANY])
        if not state.failures:
            return self._asked(run, step, request)
        try:
            collected = collected_causes(self.objects, state.failures)
        except InvalidItems:
            found = self._asked(run, step, request)
            return replace(found, notes=[_GONE, *found.notes])
        notes = []
        if state.status is StepStatus.SUCCEEDED:
            notes.append(_CURED.format(round=state.round))
        elif not state.status.is_terminal:
            notes.append(_AT_WORK.format(round=state.round))
        return _Found(
            causes=sorted(collected.causes, key=lambda cause: in_order(cause.named, cause.count)),
            round=collected.round,
            items=collected.items,
            notes=notes,
        )

    def to_redrive(self, run: Run, step: Step, classes: frozenset[str]) -> tuple[int, int] | None:
        """How many of a step failed, and how many were stopped, that a redrive runs again; None
        where it finds out which have these classes."""
        state = run.state(step.name)
        if not classes:
            return state.failed, state.stopped
        if not state.is_collected:
            return None
        causes = causes_for_good(self.objects, state)
        again = [c for c in causes if is_redriven(classes, c.named, c.exit_code)]
        stopped = sum(c.count for c in again if c.named is FailureClass.STOPPED)
        return sum(c.count for c in again) - stopped, stopped

    # --- what AWS Batch says

    def _asked(self, run: Run, step: Step, request: _Request) -> _Found:
        state = run.state(step.name)
        parts, round_number = latest_round(state)
        causes, counts = Causes(), Counter[int]()
        found = _Found(round=round_number)
        for number, part in enumerate(parts):
            if not _has_failures(part):
                continue
            if request.children <= 0:
                _note(found.notes, _TOO_MANY)
                break
            first = sum(before.size for before in parts[:number])
            if part.job_id is None:
                reason = _refusal(run, step, number)
                failure = ChildFailure(index=0, job_id="", reason=reason)
                counts[causes.of(failure, first * state.chunk)] += part.size
                continue
            for failure in self._failed_children(part.job_id, request, found.notes):
                if failure_class(failure) is FailureClass.STOPPED:
                    continue
                counts[causes.of(failure, (first + failure.index) * state.chunk)] += 1
        for cause in causes.counted(counts, {}):
            known = self._with_failed_item(run, step, cause)
            found.causes.append(self._with_log(known, request))
        return found

    def _failed_children(
        self, job_id: str, request: _Request, notes: list[str]
    ) -> Iterator[ChildFailure]:
        most = min(CHILDREN_MAX, request.children)
        before = request.children
        try:
            for failure in islice(self.jobs.failed_children(job_id), most):
                request.children -= 1
                yield failure
            if before - request.children == most:
                _note(notes, _CUT.format(children=most))
        except JobForgotten:
            _note(notes, _FORGOTTEN.format(job=job_id))
        except NotDone as error:
            _note(notes, _UNANSWERED.format(error=error))
        except Refused as error:
            _note(notes, _DENIED.format(error=error))

    def _with_failed_item(self, run: Run, step: Step, cause: Cause) -> Cause:
        """Of a child with several items, the first that its worker did not record as done."""
        state = run.state(step.name)
        round_number = latest_round(state)[1]
        if state.chunk == 1 or not cause.sample_job or round_number > state.first_round:
            return cause
        records = Records(self.objects, results_uri(run, step.name, round_number))
        first = cause.sample_number
        try:
            done = records.succeeded(first // state.chunk)
        except (NotDone, Refused):
            return cause
        left = (number for number in range(first, first + state.chunk) if number not in done)
        return replace(cause, sample_number=next(left, first))

    def _with_log(self, cause: Cause, request: _Request) -> Cause:
        if request.logs <= 0:
            return cause
        request.logs -= 1
        try:
            return with_log(self.logs, cause)
        except NotDone:  # its causes are worth more than its log
            request.logs = 0
            return cause


def has_failures(state: StepState) -> bool:
    """Whether something of a step has failed, for good or not."""
    if state.failures or state.status is StepStatus.FAILED:
        return True
    return any(map(_has_failures, latest_round(state)[0]))


def latest_round(state: StepState) -> tuple[tuple[Part, ...], int]:
    """The jobs of the latest round that has any, and its number."""
    if state.parts or not state.earlier_rounds:
        return state.parts, state.round
    return state.earlier_rounds[-1], state.round - 1


def _has_failures(part: Part) -> bool:
    """Also one that was stopped may have children that failed before."""
    is_stopped_or_active = part.job_id is not None and part.outcome in (None, JobOutcome.CANCELLED)
    return part.outcome is JobOutcome.FAILED or (is_stopped_or_active and part.failed > 0)


def _refusal(run: Run, step: Step, number: int) -> str:
    """Why a part that FAILED never had a job."""
    reason = unsatisfiable_reason(run, step, number)
    if reason:
        return UPSTREAM if reason == UPSTREAM_FAILED else reason
    state = run.state(step.name)
    is_first_reason = not any(part.failed for part in state.parts if part.job_id is not None)
    return ((state.job_reason or state.reason) if is_first_reason else "") or REFUSED


def _note(notes: list[str], sentence: str) -> None:
    if sentence not in notes:
        notes.append(sentence)


# --- documents


def _cause(state: StepState, cause: Cause, found: _Found) -> Document:
    return {
        "class": str(cause.named),
        "exitCode": cause.exit_code,
        "reason": cause.reason or None,
        "count": cause.count,
        "again": cause.again,
        "sample": _sample(state, cause, found) if cause.sample_job else None,
    }


def _sample(state: StepState, cause: Cause, found: _Found) -> Document:
    round_number, index = _place(state, cause.sample_job)
    is_first = latest_round(state)[1] == state.first_round
    is_known = found.items is not None or (state.queue is None and is_first)
    return {
        "number": cause.sample_number if is_known else None,
        "jobId": cause.sample_job,
        "round": round_number,
        "index": index,
        "log": [shown_last(str(line))[:LINE_CHARS_MAX] for line in cause.log],
    }


def _place(state: StepState, job_id: str) -> tuple[int | None, int | None]:
    """The round of a child, and its index within that round."""
    parent_id, _, index = job_id.partition(":")
    for round_number, parts in state.every_round:
        first = 0
        for part in parts:
            if part.job_id == parent_id:
                return round_number, first + int(index or 0)
            first += part.size
    return None, None
