"""What a pipeline file says of when its runs begin, and when they must have ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchrelay.domain.pipeline import S3Trigger, ScheduleTrigger
from batchrelay_cli.pipeline_file.read import PipelineFileError, read
from tests.cli.test_pipeline_file import GOOD, problems, read_text


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("15m", 900), ("6h", 21_600), ("2d", 172_800)]
)
def test_a_run_may_have_a_timeout(tmp_path: Path, text: str, seconds: int) -> None:
    path = tmp_path / "pipeline.yaml"
    step = "steps: [{jobName: a, jobDefinition: d, jobQueue: q}]"
    path.write_text(f"pipeline: p\ntimeout: {text}\n{step}\n")
    assert read(path).pipeline.timeout_s == seconds


@pytest.mark.parametrize("text", ["59", "0", "-5", "1w", "soon", "true", "[1]", "1.5h"])
def test_a_timeout_that_is_none_is_refused_with_what_to_write(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pipeline.yaml"
    step = "steps: [{jobName: a, jobDefinition: d, jobQueue: q}]"
    path.write_text(f"pipeline: p\ntimeout: {text}\n{step}\n")
    with pytest.raises(PipelineFileError, match="such as `timeout: 6h`"):
        read(path)


@pytest.mark.parametrize(
    ("schedule", "problem"),
    [
        (
            "{expression: cron(0 2 * * *)}",
            "cron(0 2 * * ? *) (six fields, one of the two days is ?)",
        ),
        ("{expression: hourly}", "expression must be one of EventBridge Scheduler"),
        ("{}", "expression must be one of EventBridge Scheduler"),
        ("{expression: cron(0 2 * * * *)}", "expression must be one of EventBridge Scheduler"),
        ("{expression: rate(1 minutes)}", "expression must be one of EventBridge Scheduler"),
        ("{expression: at(2020-13-41T00:00:00)}", "expression must be one of EventBridge"),
        ("{expression: rate(1 hour), timezone: Berlin}", "timezone 'Berlin' is not known"),
    ],
)
def test_a_wrong_schedule_is_told_with_what_to_write(
    tmp_path: Path, schedule: str, problem: str
) -> None:
    [told] = problems(tmp_path, GOOD + f"triggers: [{{schedule: {schedule}}}]")
    assert problem in told


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
