"""Failures grouped by their cause: for the collector, and for a step without one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from batchrelay.domain.errors import Refused
from batchrelay.domain.failures import Cause, ChildFailure, FailureClass, failure_class, normalised
from batchrelay.domain.limits import CAUSES_MAX, LOG_TAIL_LINES
from batchrelay.domain.step_state import Part
from batchrelay.ports import Logs

REFUSED = "AWS Batch refused the job"
UPSTREAM = "Dependent job failed"

Row = tuple[int, int]
"""A group, and the row of its manifest: an item of a round."""


class Causes:
    """Every cause that was met, by a number: a million failures name theirs by it."""

    def __init__(self) -> None:
        self.all: list[Cause] = []
        self._by_key: dict[tuple[FailureClass, int | None, str], int] = {}

    def of(self, failure: ChildFailure, number: int) -> int:
        """The cause of a failure; the first one is its sample. What was stopped has no exit code:
        whether it had begun is no other cause."""
        named = failure_class(failure)
        if named is FailureClass.STOPPED:
            failure = replace(failure, exit_code=None)
        return self.named(named, failure, number)

    def named(self, named: FailureClass, failure: ChildFailure, number: int) -> int:
        """The same of a failure whose class is known."""
        key = (named, failure.exit_code, normalised(failure.reason))
        cause = self._by_key.get(key)
        if cause is not None:
            return cause
        cause = self._by_key[key] = len(self.all)
        self.all.append(
            Cause(
                named=named,
                exit_code=failure.exit_code,
                reason=failure.reason,
                count=0,
                sample_number=number,
                sample_job=failure.job_id,
            )
        )
        return cause

    def counted(self, counts: Mapping[int, int], repeats: Mapping[int, int]) -> list[Cause]:
        """Those that have failures, the most frequent first; the rarest are one.

        Args:
            counts: how many failures have each cause.
            repeats: how many of them run again.
        """
        counted = [
            replace(cause, count=counts[number], again=repeats.get(number, 0))
            for number, cause in enumerate(self.all)
            if counts.get(number)
        ]
        counted.sort(key=lambda cause: -cause.count)
        return merged_causes(counted)


def merged_causes(causes: list[Cause]) -> list[Cause]:
    """At most CAUSES_MAX causes: what is beyond them is one, without a sample."""
    rare = causes[CAUSES_MAX:]
    if not rare:
        return causes
    count, again = sum(cause.count for cause in rare), sum(cause.again for cause in rare)
    reason = f"{len(rare):,} rarer causes"
    other = Cause(named=FailureClass.OTHER, exit_code=None, reason=reason, count=count, again=again)
    return [*causes[:CAUSES_MAX], other]


def with_log(logs: Logs, cause: Cause) -> Cause:
    """With the end of its sample's log, if that says why and may be read. Raises: NotDone."""
    if not cause.sample_job or cause.named in (FailureClass.UPSTREAM, FailureClass.STOPPED):
        return cause
    try:
        return replace(cause, log=logs.tail(cause.sample_job, LOG_TAIL_LINES))
    except Refused:
        return cause


def every_child(part: Part, job_id: str, reason: str) -> Iterator[ChildFailure]:
    """All children of a part for one reason: AWS Batch cannot be asked for them."""
    for index in range(part.size):
        yield ChildFailure(index=index, job_id=job_id, reason=reason)
