"""What a pipeline file says of when its runs begin, and when they must have ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchrelay.domain.pipeline import S3Trigger, ScheduleTrigger
from batchrelay_cli.pipeline_file.problems import PipelineFileError
from batchrelay_cli.pipeline_file.read import read
from tests.unit.cli.pipeline_texts import GOOD, problems, read_text


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("15m", 900), ("6h", 21_600), ("2d", 172_800)]
)
def test_a_run_may_have_a_timeout(tmp_path: Path, text: str, seconds: int) -> None:
    path = tmp_path / "pipeline.yaml"
    step = "steps: [{jobName: a, jobDefinition: d, jobQueue: q}]"
    path.write_text(f"pipeline: p\ntimeout: {text}\n{step}\n")
    assert read(path).pipeline.timeout_s == seconds


@pytest.mark.parametrize("text", ["59", "0", "-5", "1w", "soon", "true", "[1]", "1.5h"])
def test_a_wrong_timeout_is_refused_with_what_to_write(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pipeline.yaml"
    step = "steps: [{jobName: a, jobDefinition: d, jobQueue: q}]"
    path.write_text(f"pipeline: p\ntimeout: {text}\n{step}\n")
    with pytest.raises(PipelineFileError, match="such as `timeout: 6h`"):
        read(path)


@pytest.mark.parametrize(
    ("schedule", "problem"),
    [
        ("{expression: cron(0 2 * * *)}", "needs six fields with one space between them"),
        ("{expression: hourly}", "expression must be one of EventBridge Scheduler"),
        ("{}", "expression must be one of EventBridge Scheduler"),
        ("{expression: cron(0 2 * * * *)}", "one of the two must be ?, and only one"),
        ("{expression: rate(1 minutes)}", "expression must be one of EventBridge Scheduler"),
        ("{expression: at(2020-13-41T00:00:00)}", "expression must be one of EventBridge"),
        ("{expression: rate(1 hour), timezone: Berlin}", "timezone 'Berlin' is not known"),
    ],
)
def test_a_wrong_schedule_is_reported_with_what_to_write(
    tmp_path: Path, schedule: str, problem: str
) -> None:
    [message] = problems(tmp_path, GOOD + f"triggers: [{{schedule: {schedule}}}]")
    assert problem in message


def test_a_schedule_that_aws_refuses_is_refused_with_its_place(tmp_path: Path) -> None:
    schedules = (
        "  - schedule: {expression: 'cron(99 99 ? * FOO *)'}\n"
        "  - schedule: {expression: 'cron(0 2 ? * 8 *)'}\n"
        "  - schedule: {expression: 'cron(0 2 ? * 0 *)', timezone: Mars/Olympus}\n"
        "  - schedule:\n"
        "      timezone: Europe/Berlin\n"
        "      expression: 'cron(0 2 ? * MON#6 *)'\n"
        "  - schedule: {expression: 'cron(0 2 45 * ? *)'}\n"
        "  - schedule: {expression: 'at(2026-03-29T02:30:00)', timezone: Europe/Berlin}\n"
        "  - schedule: {expression: 'cron(0-15/5 8-8 ? * FRIL *)', timezone: America/New_York}\n"
    )
    found = problems(tmp_path, GOOD + "triggers:\n" + schedules)
    assert [problem.split(" ", 1)[0] for problem in found] == [
        "7:28:",
        "8:28:",
        "9:28:",
        "9:59:",
        "12:19:",
        "13:28:",
        "14:28:",
    ]
    for problem, part in zip(
        found,
        (
            "minutes: 99 is not 0-59",
            "8 is not 1-7 (1 is Sunday) or SUN-SAT",
            "0 is not 1-7 (1 is Sunday) or SUN-SAT",
            "timezone 'Mars/Olympus' is not known",
            "the number behind # of MON#6 is not 1-5",
            "45 is not 1-31",
            "a clock change leaves this time out in Europe/Berlin",
        ),
        strict=True,
    ):
        assert part in problem


def test_triggers_are_read_and_give_their_variables(tmp_path: Path) -> None:
    text = (
        GOOD
        + "triggers: [{s3: {bucket: inbox, prefix: a/}}, {schedule: {expression: rate(1 day)}}]"
    )
    file = read_text(tmp_path, text + "\nparams: {x: '${trigger.key}', y: '${trigger.time}'}")
    assert file.pipeline.triggers == (
        S3Trigger(bucket="inbox", prefix="a/"),
        ScheduleTrigger(expression="rate(1 day)"),
    )
