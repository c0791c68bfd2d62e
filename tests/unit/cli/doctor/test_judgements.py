"""What each probe makes of what it saw: pure functions of answers, events and times."""

from __future__ import annotations

from typing import Any

import pytest

from batchrelay_cli.doctor.live import ABSENT_OPERATION
from batchrelay_cli.doctor.place import TAG
from batchrelay_cli.doctor.port import CallFailed, ReceivedEvent
from batchrelay_cli.doctor.probe import Observation, Probe, Seen, Unseen, Verdict, judged
from batchrelay_cli.doctor.probes import (
    array_size,
    bulk_stops,
    cancelled_runnable,
    ended_dependencies,
    event_delays,
    event_flags,
    event_statuses,
    exit_rules,
    failed_pairs,
    failed_parent,
    failed_starts,
    first_index,
    large_events,
    last_summary,
    listing_filters,
    listing_lag,
    override_limits,
    reasons,
    repeated_events,
    terminated_parent,
    unit_wait,
    upload_keys,
    waiting_children,
)
from batchrelay_cli.doctor.registry import PROBES
from batchrelay_cli.doctor.world import REASON

AS, DIFFERS, UNSEEN = Verdict.AS_ASSUMED, Verdict.DIFFERS, Verdict.NOT_OBSERVABLE
REFUSAL = CallFailed(call="batch.SubmitJob", code="ClientException", message="no")
EXITED, DEPENDENT = "Essential container in task exited", "Dependent Job failed"


def failed(reason: str | None = EXITED, attempts: int = 1, **more: Any) -> dict[str, Any]:
    """A job that FAILED; its attempts ended for the same reason."""
    reasons_ = {} if reason is None else {"statusReason": reason}
    attempt: dict[str, Any] = {"container": {}, **reasons_}
    return {"status": "FAILED", "attempts": [attempt] * attempts, **reasons_, **more}


SUCCEEDED = {"status": "SUCCEEDED", "attempts": [{}], "statusReason": EXITED}


def event(job_id: str, status: str, **more: Any) -> dict[str, Any]:
    return {"jobId": job_id, "status": status, **more}


def events_of(parent: str, child: str) -> list[dict[str, Any]]:
    """Of an array, in a wrong order."""
    pairs = (("p", parent), ("p:0", child))
    return [event(i, word) for i, words in pairs for word in reversed(words.split())]


def ended(sent_at_ms: int) -> ReceivedEvent:
    detail = {"jobId": "j", "status": "FAILED", "stoppedAt": 1_000}
    return ReceivedEvent(document={"detail": detail}, sent_at_ms=sent_at_ms)


def padded(chars: int) -> dict[str, Any]:
    environment = [{"name": large_events.NAME, "value": "x" * chars}]
    return event("j", "RUNNING", container={"environment": environment})


def stopped(at: int, **more: Any) -> dict[str, Any]:
    return failed(**more) | {"stoppedAt": at, "container": {"exitCode": 7}}


CHILD = "RUNNABLE STARTING RUNNING SUCCEEDED"
CASES: list[tuple[Probe, Observation | Seen | Unseen, list[Verdict]]] = [
    (array_size.PROBE, {f"size {n}": array_size.seen(REFUSAL) for n in (0, 1)}, [AS, AS]),
    (array_size.PROBE, {"size 0": array_size.seen(None)}, [DIFFERS, UNSEEN]),
    (
        ended_dependencies.PROBE,
        {
            "an unknown job": array_size.seen(REFUSAL),
            "a SUCCEEDED job": ended_dependencies.outcome(SUCCEEDED),
            "a FAILED job": ended_dependencies.outcome(failed(DEPENDENT)),
        },
        [AS, AS, AS],
    ),
    (
        ended_dependencies.PROBE,
        {
            "an unknown job": array_size.seen(None),
            "a SUCCEEDED job": ended_dependencies.outcome(failed(DEPENDENT)),
            "a FAILED job": ended_dependencies.outcome(failed("Dependent job failed")),
        },
        [DIFFERS, DIFFERS, DIFFERS],
    ),
    (
        event_statuses.PROBE,
        event_statuses.observed(events_of("PENDING SUCCEEDED", CHILD)),
        [AS, AS, AS],
    ),
    (
        event_statuses.PROBE,
        event_statuses.observed(events_of("SUBMITTED SUCCEEDED", f"PENDING {CHILD}")),
        [DIFFERS, DIFFERS, DIFFERS],
    ),
    (
        first_index.PROBE,
        first_index.index([event("p:0", "RUNNING", arrayProperties={"index": 0})]),
        [AS],
    ),
    (first_index.PROBE, first_index.index([event("p:0", "RUNNING")]), [DIFFERS]),
    (first_index.PROBE, first_index.index([event("p", "PENDING")]), [UNSEEN]),
    (last_summary.PROBE, last_summary.counts({"SUCCEEDED": 2, "FAILED": 1}), [AS]),
    (
        last_summary.PROBE,
        last_summary.counts({"SUCCEEDED": 1, "FAILED": 1, "RUNNING": 1}),
        [DIFFERS],
    ),
    (last_summary.PROBE, last_summary.counts({}), [DIFFERS]),
    (
        event_flags.PROBE,
        {
            "isCancelled": event_flags.flag({"isCancelled": True}, "isCancelled"),
            "isTerminated": event_flags.flag({"isTerminated": False}, "isTerminated"),
            "tags of children": event_flags.tags([event("p:0", "RUNNING", tags={TAG: "x"})]),
        },
        [AS, DIFFERS, DIFFERS],
    ),
    (event_flags.PROBE, {"tags of children": event_flags.tags([])}, [UNSEEN, UNSEEN, UNSEEN]),
    (
        listing_lag.PROBE,
        {"ListJobs": listing_lag.lag(300_000), "DescribeJobs": listing_lag.lag(300_001)},
        [AS, DIFFERS],
    ),
    (
        exit_rules.PROBE,
        {
            "order": exit_rules.order(failed()),
            "case": exit_rules.case(failed(attempts=2)),
            "`*` on nothing": exit_rules.star(failed()),
        },
        [AS, AS, AS],
    ),
    (
        exit_rules.PROBE,
        {
            "order": exit_rules.order(failed(attempts=2)),
            "case": exit_rules.case(failed()),
            "`*` on nothing": exit_rules.star(failed(attempts=2)),
        },
        [DIFFERS, DIFFERS, DIFFERS],
    ),
    (
        exit_rules.PROBE,
        {
            "order": exit_rules.order(failed()),
            "case": exit_rules.case(failed("another text")),
            "`*` on nothing": exit_rules.star({"attempts": [{"container": {"reason": "r"}}]}),
        },
        [AS, UNSEEN, UNSEEN],
    ),
    (failed_starts.PROBE, failed_starts.counted(failed(attempts=2)), [AS]),
    (failed_starts.PROBE, failed_starts.counted(failed(attempts=3)), [DIFFERS]),
    (cancelled_runnable.PROBE, cancelled_runnable.ends("RUNNABLE", "FAILED", 10), [AS]),
    (cancelled_runnable.PROBE, cancelled_runnable.ends("STARTING", "FAILED", 10), [DIFFERS]),
    (cancelled_runnable.PROBE, cancelled_runnable.ends("RUNNING", "RUNNABLE", 10), [DIFFERS]),
    (failed_parent.PROBE, failed_parent.end(parent_ms=5, failed_ms=3, other_ms=5), [AS]),
    (failed_parent.PROBE, failed_parent.end(parent_ms=4, failed_ms=3, other_ms=5), [DIFFERS]),
    (failed_parent.PROBE, failed_parent.end(parent_ms=5, failed_ms=5, other_ms=5), [UNSEEN]),
    (repeated_events.PROBE, repeated_events.ids([{"id": "a", "detail": {}}]), [UNSEEN]),
    (repeated_events.PROBE, repeated_events.ids([{"id": i, "detail": {}} for i in "ab"]), [AS]),
    (repeated_events.PROBE, repeated_events.ids([{"id": "a", "detail": {}}] * 2), [DIFFERS]),
    (
        upload_keys.PROBE,
        upload_keys.observed({"key": upload_keys.KEY, "sequencer": "00A1"}),
        [AS, AS],
    ),
    (
        upload_keys.PROBE,
        upload_keys.observed({"key": "a+b%2Bc", "sequencer": "x1"}),
        [DIFFERS, DIFFERS],
    ),
    (
        bulk_stops.PROBE,
        {
            "CancelJobs": bulk_stops.absent(REFUSAL),
            "TerminateJobs": bulk_stops.absent(
                CallFailed(call="batch.TerminateJobs", code=ABSENT_OPERATION, message="")
            ),
        },
        [AS, DIFFERS],
    ),
    (
        waiting_children.PROBE,
        {
            "while it waits": waiting_children.listed([]),
            "after it FAILED": waiting_children.listed([{}, {}]),
        },
        [AS, DIFFERS],
    ),
    (large_events.PROBE, large_events.container([padded(large_events.CHARS)]), [AS]),
    (
        large_events.PROBE,
        large_events.container([padded(large_events.CHARS), padded(9)]),
        [DIFFERS],
    ),
    (large_events.PROBE, large_events.container([event("j", "RUNNING")]), [DIFFERS]),
    (unit_wait.PROBE, unit_wait.holds("RUNNABLE"), [AS]),
    (unit_wait.PROBE, unit_wait.holds("SUCCEEDED"), [DIFFERS]),
    (
        reasons.PROBE,
        {
            "SUCCEEDED": reasons.reason(SUCCEEDED),
            "exit code 3": reasons.reason(failed(None)),
            "a parent": reasons.reason(failed("Array Child Job failed")),
            "behind a failed job": reasons.reason(failed(DEPENDENT)),
            "no such program": reasons.reason(failed("CannotStartContainerError")),
        },
        [AS, DIFFERS, AS, AS, DIFFERS, UNSEEN],
    ),
    (
        listing_filters.PROBE,
        {"order": listing_filters.order(["a", "b"], newer="a", older="b")},
        [UNSEEN, UNSEEN, AS],
    ),
    (
        listing_filters.PROBE,
        {"order": listing_filters.order(["b", "a"], newer="a", older="b")},
        [UNSEEN, UNSEEN, DIFFERS],
    ),
    (
        terminated_parent.PROBE,
        terminated_parent.observed(
            stopped(9, reason="Array Child Job failed"), [stopped(8, reason=REASON)]
        ),
        [AS, AS, AS, AS],
    ),
    (
        terminated_parent.PROBE,
        terminated_parent.observed(
            stopped(9, reason=REASON),
            [stopped(10, reason=EXITED) | {"container": {"exitCode": 137}}],
        ),
        [DIFFERS, DIFFERS, DIFFERS, DIFFERS],
    ),
    (
        failed_pairs.PROBE,
        {
            "child of the failed child": failed_pairs.end(failed(DEPENDENT, attempts=0)),
            "child of the other": failed_pairs.end(SUCCEEDED),
            "the dependent parent": failed_pairs.end(failed(DEPENDENT, attempts=0)),
        },
        [AS, AS, DIFFERS],
    ),
    (
        override_limits.PROBE,
        {
            "overrides of 8,200 characters": override_limits.end(SUCCEEDED),
            "request of 31 KiB": array_size.seen(REFUSAL),
        },
        [DIFFERS, AS],
    ),
    (
        event_delays.PROBE,
        event_delays.delay(event_delays.delays_ms([ended(900), ended(2_000)])),
        [AS],
    ),
    (event_delays.PROBE, event_delays.delay(event_delays.delays_ms([ended(302_000)])), [DIFFERS]),
    (event_delays.PROBE, event_delays.delay([]), [UNSEEN]),
]


@pytest.mark.parametrize(("probe", "seen", "verdicts"), CASES)
def test_what_a_probe_saw_is_judged(
    probe: Probe, seen: Observation | Seen | Unseen, verdicts: list[Verdict]
) -> None:
    whole = {probe.aspects[0].name: seen} if isinstance(seen, Seen | Unseen) else seen
    assert [row.verdict for row in judged(probe, whole)] == verdicts


def test_a_probe_without_a_case_only_asks_whether_a_request_is_refused() -> None:
    """`array_size.seen` is all that there is to judge."""
    judged_here = {probe.number for probe, _, _ in CASES}
    others = {probe.number for probe in PROBES} - judged_here
    assert others == {"Q2", "Q4", "Q23"}


def test_a_row_says_what_was_seen() -> None:
    [row, _] = judged(array_size.PROBE, {"size 0": array_size.seen(REFUSAL)})
    assert (row.number, row.aspect, row.assumed, row.observed) == (
        "Q1",
        "size 0",
        "refused",
        "refused (no)",
    )
