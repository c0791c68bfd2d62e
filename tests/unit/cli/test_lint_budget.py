"""What lint says of `budget`."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchrelay.codec import decode_pipeline, encode_pipeline
from batchrelay.domain.budget import Budget, Rate
from batchrelay_cli.client.budget_check import check_rates_here
from batchrelay_cli.pipeline_file.problems import PipelineFileError
from batchrelay_cli.pipeline_file.read import read

FILE = """\
pipeline: bounded
defaults: {jobQueue: Q, jobDefinition: d}
BUDGET
steps:
  - {jobName: a}
  - {jobName: b, jobQueue: "arn:aws:batch:us-east-1:1:job-queue/R"}
notify:
  - topicArn: "${env.topicArn}"
    NOTICE
"""
HIGH = 1_000_001


def written(tmp_path: Path, budget: str, notice: str = "") -> Path:
    path = tmp_path / "pipeline.yaml"
    path.write_text(FILE.replace("BUDGET", budget).replace("NOTICE", notice))
    return path


def problems(path: Path) -> list[str]:
    """With their lines."""
    try:
        file = read(path)
    except PipelineFileError as error:
        return [f"{problem.line}: {problem.message}" for problem in error.problems]
    return [f"{problem.line}: {problem.message}" for problem in file.warnings]


def test_a_budget_and_its_rates_are_read_and_stored(tmp_path: Path) -> None:
    text = "budget: {usd: 50, rates: {R: {vcpuHour: 0.03, gibHour: 0}}}"
    pipeline = read(written(tmp_path, text)).pipeline
    rates = {"R": Rate(vcpu_hour=0.03, gib_hour=0)}
    assert pipeline.budget == Budget(usd=50, rates=rates)
    assert decode_pipeline(encode_pipeline(pipeline), 1) == pipeline
    assert "PAUSED" in pipeline.notify[0].on, "without being written"


def test_without_a_budget_no_notice_is_of_a_pause(tmp_path: Path) -> None:
    pipeline = read(written(tmp_path, "")).pipeline
    assert (pipeline.budget, "PAUSED" in pipeline.notify[0].on) == (None, False)
    [problem] = problems(written(tmp_path, "", "on: [PAUSED]"))
    assert problem.startswith("9: no run is PAUSED without a budget: write `budget: {usd: 50}`")


@pytest.mark.parametrize("usd", ["0", "-1", "fifty", '"50"', "true", "[1]", ".nan", ".inf", HIGH])
def test_what_is_no_amount_is_refused_with_what_to_write(tmp_path: Path, usd: object) -> None:
    [problem] = problems(written(tmp_path, f"budget: {{usd: {usd}}}"))
    assert problem.startswith("3: usd is a number of US dollars above 0, 1,000,000 at most")
    assert "write `budget: {usd: 50}`" in problem


@pytest.mark.parametrize(
    ("budget", "problem"),
    [
        ("budget: 50", "3: budget says how much a run may cost: write `budget: {usd: 50}`"),
        ("budget: {}", "3: usd is a number of US dollars above 0"),
        ("budget: {usd: 5, eur: 5}", "3: unknown key eur: a budget has rates, usd"),
        ("budget: {usd: 5, rates: 3}", "3: rates is a mapping of job queues"),
        ("budget: {usd: 5, rates: {Q: 3}}", "3: a rate has vcpuHour and gibHour"),
        ("budget: {usd: 5, rates: {Q: {vcpuHour: 1}}}", "3: a rate has vcpuHour and gibHour"),
        (
            "budget: {usd: 5, rates: {Q: {vcpuHour: -1, gibHour: 0}}}",
            "3: vcpuHour is a number from 0; got -1",
        ),
        (
            "budget: {usd: 5, rates: {Q: {vcpuHour: 0, gibHour: 0}}}",
            "3: a rate of 0 for both never reaches a budget",
        ),
        (
            "budget: {usd: 5, rates: {S: {vcpuHour: 1, gibHour: 0}}}",
            "3: no step has the job queue S: they have Q, R",
        ),
    ],
)
def test_what_is_no_budget_is_refused(tmp_path: Path, budget: str, problem: str) -> None:
    [answer] = problems(written(tmp_path, budget))
    assert answer.startswith(problem)


def test_a_run_that_would_wait_without_a_word_is_warned_of(tmp_path: Path) -> None:
    [warning] = problems(written(tmp_path, "budget: {usd: 5}", "on: [FAILED]"))
    assert warning.startswith("3: a run that reaches its budget waits for you, and no notice")
    assert problems(written(tmp_path, "budget: {usd: 5}", "on: [PAUSED]")) == []


def test_on_this_machine_every_queue_needs_a_rate(tmp_path: Path) -> None:
    rate = "{vcpuHour: 1, gibHour: 0}"
    file = read(written(tmp_path, f"budget: {{usd: 5, rates: {{R: {rate}}}}}"))
    with pytest.raises(PipelineFileError) as caught:
        check_rates_here(file)
    [problem] = caught.value.problems
    assert problem.line == 5
    assert problem.message == (
        "cost unknown (this machine has no price), so no budget can hold: write a rate: "
        "`budget.rates: {Q: {vcpuHour: 0.03, gibHour: 0.004}}`"
    )
    check_rates_here(
        read(written(tmp_path, f"budget: {{usd: 5, rates: {{R: {rate}, Q: {rate}}}}}"))
    )
    check_rates_here(read(written(tmp_path, "")))
