"""What bounds a simulated run, and what it does about attempts that do not end well."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.simulate.runs import AT_ONCE, array, definition, simulated, written

RETRY = {"attempts": 10, "evaluateOnExit": [{"onStatusReason": "Host EC2*", "action": "RETRY"}]}


@pytest.mark.parametrize(("children", "slots"), [(10, 3), (1_000, 64), (7, 7), (2, 100)])
def test_children_of_one_duration_run_in_waves_of_the_vcpus(
    tmp_path: Path, children: int, slots: int
) -> None:
    file = written(tmp_path, array("work", children))
    run = simulated(file, "--vcpus", str(slots), "--duration", "30s", *AT_ONCE)
    assert run["status"] == "SUCCEEDED"
    assert run["makespanSeconds"] == math.ceil(children / slots) * 30
    assert run["vcpuHours"] == pytest.approx(children * 30 / 3_600)
    assert run["steps"][0]["longestSeconds"] == 30


def test_what_a_child_asks_for_is_what_it_takes_of_the_vcpus(tmp_path: Path) -> None:
    file = written(tmp_path, array("work", 12), jobDefinitions=[definition(vcpus="4")])
    run = simulated(file, "--vcpus", "18", "--duration", "10s", *AT_ONCE)
    assert run["makespanSeconds"] == 30, "four at a time, and two vCPUs lie idle"


def test_steps_in_one_queue_share_its_vcpus_and_another_queue_has_its_own(tmp_path: Path) -> None:
    file = written(tmp_path, array("one", 4), array("two", 4, jobQueue="R"))
    together = simulated(file, "--vcpus", "4", "--duration", "10s", *AT_ONCE)
    apart = simulated(file, "--vcpus", "Q=4", "--vcpus", "R=1", "--duration", "10s", *AT_ONCE)
    assert together["makespanSeconds"] == 20
    assert [step["toSeconds"] for step in apart["steps"]] == [10, 40]


def test_max_running_bounds_a_step_however_many_vcpus_there_are(tmp_path: Path) -> None:
    file = written(tmp_path, array("work", 10, flow={"maxRunning": 3}))
    run = simulated(file, "--vcpus", "100", "--duration", "30s", *AT_ONCE)
    assert run["makespanSeconds"] == 4 * 30
    assert run["waitSeconds"] == {"maxRunning": 90, "work": 30}, "the last wave waits for nothing"


def test_what_a_run_waits_for_is_counted_to_its_end(tmp_path: Path) -> None:
    file = written(
        tmp_path, array("work", 4), {"jobName": "last", "dependsOn": [{"jobName": "work"}]}
    )
    options = ("--vcpus", "2", "--duration", "30s", "--start", "5s", "--event-delay", "2s")
    run = simulated(file, *options)
    assert run["waitSeconds"] == {"vCPUs": 35, "start": 10, "work": 60, "orchestration": 4}
    assert run["makespanSeconds"] == sum(run["waitSeconds"].values())


def test_children_that_follow_each_other_do_not_wait_for_the_whole_step(tmp_path: Path) -> None:
    after = {"dependsOn": [{"jobName": "first", "type": "N_TO_N"}]}
    file = written(tmp_path, array("first", 8), {"jobName": "second", **after})
    options = ("--duration", "first=uniform(10s, 60s)", "--duration", "second=10s", *AT_ONCE)
    run = simulated(file, "--vcpus", "8", *options)
    first, second = run["steps"]
    assert second["children"] == 8
    assert run["makespanSeconds"] == first["longestSeconds"] + 10


def test_a_list_has_the_items_of_the_option_and_a_child_takes_a_chunk_of_them(
    tmp_path: Path,
) -> None:
    flow = {"forEach": {"file": "s3://b/list.csv"}, "chunk": 4}
    file = written(tmp_path, {"jobName": "work", "flow": flow})
    run = simulated(file, "--items", "10", "--vcpus", "100", "--duration", "30s", *AT_ONCE)
    [step] = run["steps"]
    assert (step["items"], step["children"]) == (10, 3)
    assert run["makespanSeconds"] == 4 * 30
    assert run["vcpuHours"] == pytest.approx(10 * 30 / 3_600), "the last child has two items"


def test_workers_share_the_items_of_their_queue(tmp_path: Path) -> None:
    flow = {"forEach": {"prefix": "s3://b/in/"}, "queue": {"workers": 4}}
    file = written(tmp_path, {"jobName": "work", "flow": flow})
    run = simulated(file, "--items", "work=10", "--vcpus", "100", "--duration", "30s", *AT_ONCE)
    [step] = run["steps"]
    assert step["children"] == 4
    assert run["makespanSeconds"] == 90


def test_outputs_and_levels_come_of_the_items_of_other_steps(tmp_path: Path) -> None:
    output = "s3://b/out/${item.key}.txt"
    flow = {"forEach": {"prefix": "s3://b/in/"}, "output": output}
    tree = {"aggregate": {"of": "work", "fanIn": 3}, "output": "s3://b/all.txt"}
    file = written(
        tmp_path,
        {"jobName": "work", "flow": flow},
        {"jobName": "tree", "dependsOn": [{"jobName": "work"}], "flow": tree},
    )
    run = simulated(file, "--items", "9", "--vcpus", "9", "--duration", "10s", *AT_ONCE)
    assert [step["children"] for step in run["steps"]] == [9, 4]
    assert run["makespanSeconds"] == 30, "a level of three, and a level of one"


def test_a_condition_on_a_parameter_skips_a_step(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        {"jobName": "work", "flow": {"when": "params.deep == true"}},
        params={"deep": {"type": "boolean", "default": "false"}},
    )
    options = ("--vcpus", "1", "--duration", "10s", *AT_ONCE)
    assert simulated(file, *options)["steps"][0]["status"] == "SKIPPED"
    assert simulated(file, *options, "--param", "deep=true")["makespanSeconds"] == 10


def test_a_timeout_stops_what_runs_longer(tmp_path: Path) -> None:
    timeout = {"timeout": {"attemptDurationSeconds": 60}}
    file = written(tmp_path, {"jobName": "work", **timeout})
    run = simulated(file, "--vcpus", "1", "--duration", "2h", *AT_ONCE)
    assert run["status"] == "FAILED"
    assert run["makespanSeconds"] == 60


# --- what does not end well


def spot_run(folder: Path, step: dict[str, Any], *options: str) -> Any:
    file = written(folder, step)
    return simulated(file, "--vcpus", "1000", "--duration", "30m", "--spot", "0.2", *options)


def test_reclaimed_attempts_run_again_if_the_retry_strategy_says_so(tmp_path: Path) -> None:
    run = spot_run(tmp_path, array("work", 1_000, retryStrategy=RETRY), *AT_ONCE)
    assert run["status"] == "SUCCEEDED"
    assert run["attempts"] == 1_000 + run["reclaimedAttempts"]
    expected = 1 / math.sqrt(1 - 0.2) - 1  # half an hour is survived by the square root of 0.8
    assert run["reclaimedAttempts"] / 1_000 == pytest.approx(expected, rel=0.2)
    assert run["makespanSeconds"] > 30 * 60


def test_without_one_a_reclaimed_child_fails_its_step(tmp_path: Path) -> None:
    run = spot_run(tmp_path, array("work", 1_000), *AT_ONCE)
    assert run["status"] == "FAILED"
    assert run["steps"][0]["failed"] == run["reclaimedAttempts"] > 0
    assert "SpotInterruption" in run["steps"][0]["reason"]


def test_what_a_reclaimed_worker_was_at_work_on_is_done_by_another(tmp_path: Path) -> None:
    flow = {"forEach": {"prefix": "s3://b/in/"}, "queue": {"workers": 50}}
    step = {"jobName": "work", "flow": flow, "retryStrategy": RETRY}
    run = spot_run(tmp_path, step, "--items", "100", *AT_ONCE)
    assert run["status"] == "SUCCEEDED"
    assert run["reclaimedAttempts"] > 0
    assert run["vcpuHours"] > 100 * 0.5, "a hundred half hours, and what was lost"


def test_failed_items_run_again_in_rounds(tmp_path: Path) -> None:
    file = written(tmp_path, array("work", 1_000, flow={"retryFailed": {"rounds": 5}}))
    options = ("--vcpus", "1000", "--duration", "10s", "--fail", "work=0.1", *AT_ONCE)
    run = simulated(file, *options)
    assert run["status"] == "SUCCEEDED"
    assert run["attempts"] == 1_000 + run["failedAttempts"]
    assert run["failedAttempts"] == pytest.approx(111, rel=0.3)
    assert run["makespanSeconds"] in (30, 40, 50, 60), "rounds of 10 s"


# --- seeds


def test_a_seed_plays_the_same_run_again_and_another_one_does_not(tmp_path: Path) -> None:
    file = written(tmp_path, array("one", 20), array("two", 20))
    options = ("--vcpus", "4", "--duration", "lognormal(median=60s, sigma=0.5)", "--spot", "0.1")
    first = simulated(file, *options, "--seed", "5")
    assert simulated(file, *options, "--seed", "5") == first
    assert simulated(file, *options, "--seed", "6") != first


def test_what_is_assumed_of_a_step_changes_nothing_of_what_another_draws(tmp_path: Path) -> None:
    file = written(tmp_path, array("one", 20), array("two", 20))
    options = ("--vcpus", "40", "--duration", "two=exponential(mean=60s)", *AT_ONCE)
    runs = [simulated(file, *options, "--duration", f"one={text}")
            for text in ("5s", "uniform(1s, 9s)")]  # fmt: skip
    assert runs[0]["steps"][1] == runs[1]["steps"][1]
