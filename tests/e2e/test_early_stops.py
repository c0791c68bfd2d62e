"""A mistake is stopped early, with real processes: by a canary, and by failFast."""

from __future__ import annotations

import time

import pytest

from batchrelay.domain.step_state import JobOutcome, StepStatus
from tests.e2e.failing_runs import FailingRuns, results_of, shell, sizes

pytestmark = pytest.mark.cloud

PUT = (
    "child=$((BATCHRELAY_OFFSET + $${AWS_BATCH_JOB_ARRAY_INDEX:-$BATCHRELAY_INDEX})); "
    'python -c "import s3, sys; s3.put(sys.argv[1], sys.argv[2])" '
    "s3://${env.bucket}/results/${run.id}/$BATCHRELAY_STEP-$child $BATCHRELAY_PART"
)
"""Each child leaves which part it was of."""


def test_a_canary_stops_a_mistake_of_ten_thousand_items_after_ten(runs: FailingRuns) -> None:
    flow = {"canary": 10, "retryFailed": {"rounds": 2}, "tolerate": {"percent": 5}}
    run, calls = runs.calls_of(
        shell("wrong", "exit 64", flow=flow, arrayProperties={"size": 10_000}),
        shell("join", "true", flow={}, dependsOn=[{"jobName": "wrong"}]),
    )
    wrong = run.state("wrong")
    assert (run.status, wrong.status) == ("FAILED", StepStatus.FAILED)
    assert run.state("join").status is StepStatus.SKIPPED
    assert sizes(run, "wrong") == [[10, 9_990]]
    assert [part.job_id is not None for part in wrong.parts] == [True, False]
    assert (wrong.succeeded, wrong.failed, wrong.stopped) == (0, 10, 9_990)
    assert wrong.reason == (
        "the canary failed: 10 of 10 items; 10 × ExitCode (exit code 64), 9,990 × Stopped"
    )
    print(f"{len(wrong.parts)} parts, 1 job of 10 children; calls: {calls}")
    assert calls["batch.submitjob"] == 1
    failures = runs.failures(run, "wrong")
    assert [entry["number"] for entry in failures] == list(range(10_000))


def test_the_rest_follows_a_good_canary_and_every_child_knows_its_place(runs: FailingRuns) -> None:
    run = runs.play(
        shell("first", PUT, flow={"canary": 1}, arrayProperties={"size": 6}),
        shell("second", PUT, flow={}, dependsOn=[{"jobName": "first", "type": "N_TO_N"}]),
    )
    assert run.status == "SUCCEEDED"
    assert sizes(run, "first") == sizes(run, "second") == [[1, 5]]
    assert runs.texts(results_of(run)) == {
        f"{step}-{child}": str(int(child > 0)) for step in ("first", "second") for child in range(6)
    }


def test_a_step_that_fails_fast_is_terminated_at_the_next_reconcile(runs: FailingRuns) -> None:
    """Its children would take ten minutes each."""
    began = time.monotonic()
    script = "[ $AWS_BATCH_JOB_ARRAY_INDEX -lt 2 ] && exit 3; exec sleep 600"
    flow = {"failFast": True, "tolerate": {"count": 1}}
    run, calls = runs.calls_of(
        shell("wide", script, flow=flow, arrayProperties={"size": 40}), reconcile=True
    )
    wide = run.state("wide")
    assert time.monotonic() - began < 60
    assert (run.status, wide.status) == ("FAILED", StepStatus.FAILED)
    assert [part.outcome for part in wide.parts] == [JobOutcome.CANCELLED]
    assert (wide.failed, wide.stopped) == (2, 38)
    assert wide.reason == (
        "failFast: more items failed than are tolerated; 2 × ExitCode (exit code 3), 38 × Stopped"
    )
    assert calls["batch.terminatejobs"] == 1
