"""`batchrelay simulate`: what it shows, what it costs, and what it wants to know."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from batchrelay.prices import list_prices
from batchrelay_cli.simulate.orchestration import Calls
from batchrelay_cli.views.simulation import timeline
from tests.unit.cli.simulate.runs import (
    AT_ONCE,
    array,
    definition,
    simulate,
    simulated,
    written,
)

EACH = {"forEach": {"prefix": "s3://b/in/"}}
LISTED = {"jobName": "work", "flow": EACH}


def fargate() -> dict[str, Any]:
    """1 vCPU and 2 GiB."""
    entry = definition(platformCapabilities=["FARGATE"])
    requirements = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}]
    more = {"resourceRequirements": requirements, "executionRoleArn": "r"}
    entry["containerProperties"] |= more
    return entry


def test_a_person_sees_a_table_a_timeline_and_what_limits_the_run(tmp_path: Path) -> None:
    file = written(
        tmp_path, array("work", 8), {"jobName": "last", "dependsOn": [{"jobName": "work"}]}
    )
    options = ("--vcpus", "2", "--duration", "work=30s", "--duration", "last=60s", *AT_ONCE)
    result = simulate(file, *options)
    assert result.exit_code == 0, result.output
    lines = [line.rstrip() for line in result.stdout.splitlines()]
    assert lines[:8] == [
        "played: SUCCEEDED after 3 min (simulated, seed 1)",
        "step  children   from     to  vCPU h     cost  waits most for",
        "work         8  0.0 s  2 min    0.07  unknown  vCPUs",
        "last         1  2 min  3 min    0.02  unknown  its job, 1 min",
        "",
        "work  |██████████████████████████▅             |",
        "last  |                          ▁▄▄▄▄▄▄▄▄▄▄▄▄▄|",
        "      0                                    3 min",
    ]
    assert "limited by: vCPUs 50 %, the longest children 50 %" in lines
    assert "vCPUs: 2, 83 % of their time at work (0.08 vCPU hours)" in lines
    assert "attempts: 9, of them 0 failed and 0 reclaimed" in lines


def test_a_run_that_fails_says_which_step_and_why(tmp_path: Path) -> None:
    file = written(tmp_path, array("work", 50))
    result = simulate(file, "--vcpus", "50", "--duration", "1h", "--spot", "0.5", *AT_ONCE)
    assert result.exit_code == 0, result.output
    assert "played: FAILED after" in result.stdout
    assert "\nwork: FAILED, " in result.stdout
    assert "SpotInterruption: Host EC2" in result.stdout
    assert "write a retryStrategy: {attempts: 3}" in result.stdout


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ("--vcpus", "1", "--items", "5"),
            "step work has no duration: write --duration work=60s, --duration 60s for",
        ),
        (
            ("--vcpus", "1", "--duration", "1s"),
            "only a run knows how many items step work has: write --items work=1000",
        ),
        (
            ("--items", "5", "--duration", "1s"),
            "it is not known how many vCPUs there are: write --vcpus 256",
        ),
        (("--vcpus", "1", "--duration", "other=1s"), "there is no step other: known are work"),
        (
            ("--vcpus", "1", "--duration", "1s", "--duration", "2s"),
            "--duration 2s: it is given twice",
        ),
        (
            ("--vcpus", "1", "--duration", "work=6"),
            "--duration work=6: '6' is no duration: write a number with",
        ),
        (("--vcpus", "R=1"), "--vcpus R=1: there is no job queue R: known are Q"),
        (("--vcpus", "0"), "--vcpus 0: write a number of vCPUs, above 0, at most 1,000,000"),
        (("--vcpus", "1", "--items", "x"), "--items x: write --items N or --items STEP=N"),
        (("--vcpus", "1", "--spot", "1"), "--spot 1: write a chance from 0 to below 1"),
        (("--vcpus", "1", "--fail", "-0.1"), "--fail -0.1: write a chance from 0 to below 1"),
        (("--vcpus", "1", "--start", "soon"), "--start soon: 'soon' is no duration"),
        (("--vcpus", "1", "--event-delay", "1"), "--event-delay 1: '1' is no duration"),
        (
            ("--vcpus", "1", "--items", "other=5", "--duration", "1s"),
            "--items other=N: there is no step other whose items a run lists",
        ),
        (
            ("--vcpus", "1", "--items", "5", "--duration", "1s", "--param", "x=1"),
            "unknown parameter x",
        ),
    ],
)
def test_what_is_missing_or_wrong_is_one_line_that_says_what_to_write(
    tmp_path: Path, options: tuple[str, ...], sentence: str
) -> None:
    result = simulate(written(tmp_path, LISTED), *options)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_child_that_is_larger_than_everything_never_starts(tmp_path: Path) -> None:
    file = written(tmp_path, array("work", 2), jobDefinitions=[definition(vcpus="16")])
    result = simulate(file, "--vcpus", "8", "--duration", "1s")
    assert result.exit_code == 2
    assert "a child of step work asks for 16 vCPUs, and there are 8 in all" in result.stderr


def test_workers_do_not_fail_by_chance_and_other_definitions_are_not_known(tmp_path: Path) -> None:
    pulled = {"jobName": "work", "flow": {**EACH, "queue": {"workers": 2}}}
    options = ("--vcpus", "1", "--items", "5", "--duration", "1s")
    refused = simulate(written(tmp_path, pulled), *options, "--fail", "work=0.1")
    assert "--fail work=P: its workers pull items from a queue" in refused.stderr
    elsewhere = simulate(written(tmp_path, LISTED, jobDefinitions=[]), *options)
    assert "job definition d of step work is not in this file" in elsewhere.stderr
    incomplete = fargate()
    del incomplete["containerProperties"]["executionRoleArn"]
    wrong = simulate(written(tmp_path, LISTED, jobDefinitions=[incomplete]), *options)
    assert "job definition d: Fargate needs executionRoleArn" in wrong.stderr


# --- cost


def test_a_run_costs_what_a_report_would_sum(tmp_path: Path) -> None:
    """100 × 90 s, and 10 s that Fargate bills as a minute, of 1 vCPU and 2 GiB in eu-west-1."""
    file = written(
        tmp_path,
        array("work", 100),
        {"jobName": "last", "dependsOn": [{"jobName": "work"}]},
        jobDefinitions=[fargate()],
    )
    durations = ("--duration", "work=90s", "--duration", "last=10s")
    run = simulated(file, "--vcpus", "100", *durations, "--region", "eu-west-1", *AT_ONCE)
    hour = 0.04048 + 2 * 0.004445
    assert run["steps"][0]["cost"]["amount"] == pytest.approx(2.5 * hour)
    assert run["steps"][1]["cost"]["amount"] == pytest.approx(hour / 60)
    assert run["cost"]["amount"] == pytest.approx((2.5 + 1 / 60) * hour)


def test_a_rate_of_ones_own_comes_first_and_what_has_no_price_is_unknown(tmp_path: Path) -> None:
    rates = tmp_path / "prices.json"
    rates.write_text(json.dumps({"queues": {"Q": {"vcpuHour": 0.02, "gibHour": 0.01}}}))
    file = written(tmp_path, array("one", 6), array("two", 6, jobQueue="R"))
    options = ("--vcpus", "12", "--duration", "1h", "--prices", str(rates), *AT_ONCE)
    one, two = simulated(file, *options)["steps"]
    assert one["cost"]["amount"] == pytest.approx(6 * 0.03)
    assert two["cost"]["amount"] is None
    assert two["cost"]["reason"].startswith("no price of EC2 without an instance type")


def test_attempts_that_are_tried_again_cost_what_they_took(tmp_path: Path) -> None:
    rates = tmp_path / "prices.json"
    rates.write_text(json.dumps({"queues": {"Q": {"vcpuHour": 0.02, "gibHour": 0}}}))
    file = written(tmp_path, array("work", 100, retryStrategy={"attempts": 5}))
    options = ("--vcpus", "12", "--duration", "1h", "--fail", "0.3", "--prices", str(rates))
    run = simulated(file, *options)
    assert run["failedAttempts"] > 10
    assert run["vcpuHours"] == run["attempts"]
    assert run["cost"]["amount"] == pytest.approx(0.02 * run["attempts"])


def test_orchestration_is_counted_and_does_not_grow_with_children(tmp_path: Path) -> None:
    def cost(size: int) -> float:
        file = written(tmp_path, array("work", size))
        run = simulated(file, "--vcpus", "5000", "--duration", "1s")
        amount: float = run["orchestrationCost"]["amount"]
        return amount

    assert 0 < cost(2) < 0.0001
    assert cost(2_000) < 1.1 * cost(2)


def test_calls_have_dated_prices() -> None:
    calls = Calls(
        invocations=3,
        messages=3,
        message_batches=1,
        write_units=6,
        reads=3,
        run_bytes=5_000,
        puts=2,
    )
    by_kind = calls.dollars(list_prices())
    assert by_kind["sqs.requests"] == pytest.approx(10 * 0.4e-6)
    assert by_kind["dynamodb.writeUnits"] == pytest.approx(10 * 0.625e-6)
    assert by_kind["dynamodb.readUnits"] == pytest.approx(6 * 0.125e-6)
    assert by_kind["lambda.gbSeconds"] == pytest.approx(3 * 0.5 * 0.15 * 13.33e-6)
    assert by_kind["s3.puts"] == pytest.approx(10e-6)
    assert by_kind["sns.publishes"] == 0


def test_a_timeline_shows_little_work_too() -> None:
    assert timeline([0, 0.01, 4, 8], 8) == " ▁▄█"
    assert timeline([0, 0], 0) == "  "
