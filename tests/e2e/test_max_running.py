"""maxRunning with real processes: as many children run as it says, and never one more."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from batchrelay.domain.run import Run
from batchrelay.domain.step_state import StepStatus
from tests.conftest import client_of, make_queue
from tests.e2e.failing_runs import FailingRuns, failing_runs, shell, sizes

pytestmark = pytest.mark.cloud

SLOTS = 8
QUEUE = {"jobQueue": "Wide"}
NAP = "sleep 0.2"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FailingRuns]:
    with failing_runs(tmp_path_factory.mktemp("bounded")) as ready:
        make_queue(client_of(ready.cloud, "batch"), "Wide", slots=SLOTS)
        yield ready


def widest(runs: FailingRuns, run: Run, step: str) -> int:
    """How many children of a step ran at the same time, of all its parts and rounds."""
    batch = client_of(runs.cloud, "batch")
    ids = [
        f"{part.job_id}:{index}" if part.size > 1 else str(part.job_id)
        for part in run.state(step).every_part
        if part.job_id is not None
        for index in range(part.size)
    ]
    assert len(ids) <= 100
    jobs = [job for job in batch.describe_jobs(jobs=ids)["jobs"] if "startedAt" in job]
    times = [(job["startedAt"], 1) for job in jobs] + [(job["stoppedAt"], -1) for job in jobs]
    running = most = 0
    for _, change in sorted(times):  # who ends makes room for who begins in the same millisecond
        running += change
        most = max(most, running)
    return most


def left_behind(runs: FailingRuns) -> list[str]:
    listed = client_of(runs.cloud, "batch").list_consumable_resources()["consumableResources"]
    return [entry["consumableResourceName"] for entry in listed]


def test_parts_and_rounds_share_their_bound_and_a_step_without_one_has_none(
    runs: FailingRuns,
) -> None:
    script = f'{NAP}; [ "$BATCHRELAY_ROUND" = 1 ] || [ $AWS_BATCH_JOB_ARRAY_INDEX -lt 8 ]'
    flow = {"maxRunning": 3, "canary": 2, "retryFailed": {"rounds": 1}}
    run, calls = runs.calls_of(
        shell("bounded", script, flow=flow, arrayProperties={"size": 16}, **QUEUE),
        shell("free", NAP, flow={}, arrayProperties={"size": 16},
              dependsOn=[{"jobName": "bounded"}], **QUEUE),
    )  # fmt: skip
    assert run.status == "SUCCEEDED"
    assert sizes(run, "bounded") == [[2, 14], [6]]
    assert widest(runs, run, "bounded") == 3
    assert widest(runs, run, "free") == SLOTS
    assert left_behind(runs) == []
    assert calls["batch.createconsumableresource"] == 3, "one for each submission that needs it"
    assert calls["batch.deleteconsumableresource"] == 1


def test_steps_that_follow_each_other_child_by_child_have_bounds_of_their_own(
    runs: FailingRuns,
) -> None:
    run = runs.play(
        shell("first", NAP, flow={"maxRunning": 2}, arrayProperties={"size": 12}, **QUEUE),
        shell("second", NAP, flow={"maxRunning": 4},
              dependsOn=[{"jobName": "first", "type": "N_TO_N"}], **QUEUE),
    )  # fmt: skip
    assert run.status == "SUCCEEDED"
    assert widest(runs, run, "first") == 2
    assert widest(runs, run, "second") <= 4
    assert left_behind(runs) == []


def test_a_stopped_run_leaves_no_resource(runs: FailingRuns) -> None:
    flow = {"maxRunning": 2, "failFast": True}
    script = "[ $AWS_BATCH_JOB_ARRAY_INDEX = 0 ] && exit 3; exec sleep 600"
    run = runs.play(
        shell("wide", script, flow=flow, arrayProperties={"size": 12}, **QUEUE), reconcile=True
    )
    assert (run.status, run.state("wide").status) == ("FAILED", StepStatus.FAILED)
    assert widest(runs, run, "wide") == 2
    assert left_behind(runs) == []
