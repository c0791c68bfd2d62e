"""Jobs that an SDK submitted are adopted from where they ran, and run there as a pipeline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from batchrelay_cli.pipeline_file.read import read
from batchrelay_local.launch import LocalCloud
from tests.conftest import client_of, make_queue
from tests.e2e.command_line import batchrelay
from tests.functional.local_cloud.processes import wait_until

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("stays")]


def note(folder: Path, what: str) -> list[str]:
    """A command that leaves a line of what it is."""
    line = f'echo "{what} ${{AWS_BATCH_JOB_ARRAY_INDEX:-0}} $MODE" >> "$1"'
    return ["sh", "-c", line, "sh", str(folder / "lines")]


@pytest.fixture
def last_job(stays: LocalCloud, tmp_path: Path) -> str:
    """The id of the last of three jobs, all of which have succeeded."""
    batch = client_of(stays, "batch")
    make_queue(batch, "Theirs", slots=4)
    container: dict[str, Any] = {"image": "i", "command": ["true"], "vcpus": 1, "memory": 64}
    batch.register_job_definition(
        jobDefinitionName="tools", type="container", containerProperties=container
    )

    def submit(name: str, **more: Any) -> str:
        environment = [{"name": "MODE", "value": "${full}"}]
        overrides = {"command": note(tmp_path, name), "environment": environment}
        answer = batch.submit_job(
            jobName=name,
            jobQueue="Theirs",
            jobDefinition="tools",
            containerOverrides=overrides,
            **more,
        )
        return str(answer["jobId"])

    array = {"arrayProperties": {"size": 3}}
    first = submit("list-items", **array)
    second = submit("work", dependsOn=[{"jobId": first, "type": "N_TO_N"}], **array)
    third = submit("merge", dependsOn=[{"jobId": second}])

    def has_succeeded() -> bool:
        [job] = batch.describe_jobs(jobs=[third])["jobs"]
        return bool(job["status"] == "SUCCEEDED")

    wait_until(has_succeeded)
    return third


def lines(folder: Path) -> list[str]:
    return sorted((folder / "lines").read_text().splitlines())


def test_jobs_of_a_queue_run_again_as_a_pipeline(
    last_job: str, stays: LocalCloud, tmp_path: Path
) -> None:
    before = lines(tmp_path)
    assert len(before) == 7
    file = tmp_path / "pipeline.yaml"
    adopted = batchrelay("adopt", "--queue", "Theirs", "--job", last_job, "-o", str(file))
    assert adopted.exit_code == 0, adopted.output
    assert adopted.stderr.splitlines() == [
        f"queue Theirs (DescribeJobs): 3 steps in {file}, nothing left out",
        f"next: batchrelay lint {file}",
    ]
    (tmp_path / "lines").unlink()
    deployed = batchrelay("deploy", str(file))
    assert deployed.exit_code == 0, deployed.output
    started = json.loads(batchrelay("start", "Theirs", "--output", "json").stdout)
    watched = batchrelay("status", started["runId"], "--watch")
    assert watched.exit_code == 0, watched.output
    assert lines(tmp_path) == before

    described = tmp_path / "jobs.json"
    batch = client_of(stays, "batch")
    names = ("list-items", "work", "merge")
    ids = [
        entry["jobId"]
        for name in names
        for entry in batch.list_jobs(
            jobQueue="Theirs", filters=[{"name": "JOB_NAME", "values": [name]}]
        )["jobSummaryList"]
    ]
    answer = batch.describe_jobs(jobs=ids)["jobs"]
    described.write_text(json.dumps({"jobs": answer}))
    same = tmp_path / "same.yaml"
    assert batchrelay("adopt", str(described), "-o", str(same)).exit_code == 0
    assert read(same).pipeline.steps == read(file).pipeline.steps


def task(folder: Path, what: str, **more: Any) -> dict[str, Any]:
    """A state that leaves a line of what it is."""
    line = f'echo "{what} $NAME" >> "$0"'
    overrides = {"Command": ["sh", "-c", line, str(folder / "lines")], **more.pop("overrides", {})}
    arguments = {"JobQueue": "Q", "JobDefinition": "shell", "ContainerOverrides": overrides}
    resource = "arn:aws:states:::batch:submitJob.sync"
    end = {} if "Next" in more else {"End": True}
    return {"Type": "Task", "Resource": resource, "Parameters": arguments, **end, **more}


def definition_of(folder: Path) -> dict[str, Any]:
    """A Map of two jobs, a Choice, what follows on both ways, and a Catch."""
    each = {"overrides": {"Environment": [{"Name": "NAME", "Value.$": "$.n"}]}, "Next": "Again"}
    inner = {"First": task(folder, "first", **each), "Again": task(folder, "again")}
    rule = {"Variable": "$.full", "BooleanEquals": True, "Next": "Full"}
    return {
        "StartAt": "Each",
        "States": {
            "Each": {
                "Type": "Map",
                "ItemsPath": "$.people",
                "ItemProcessor": {"StartAt": "First", "States": inner},
                "ResultPath": None,
                "Next": "Mode",
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Sorry"}],
            },
            "Mode": {"Type": "Choice", "Choices": [rule], "Default": "Short"},
            "Full": task(folder, "full", Next="Report"),
            "Short": task(folder, "short", Next="Report"),
            "Report": task(folder, "report"),
            "Sorry": task(folder, "sorry"),
        },
    }


DEFINITION = """
jobDefinitions:
  - jobDefinitionName: shell
    type: container
    containerProperties: {image: i, command: ["true"], vcpus: 1, memory: 64}
"""


def test_a_state_machine_runs_as_a_pipeline_on_the_way_that_its_input_chooses(
    stays: LocalCloud, tmp_path: Path
) -> None:
    source, file = tmp_path / "machine.asl.json", tmp_path / "pipeline.yaml"
    source.write_text(json.dumps(definition_of(tmp_path)))
    adopted = batchrelay("adopt", str(source), "-o", str(file))
    assert adopted.exit_code == 0, adopted.output
    file.write_text(file.read_text() + DEFINITION)
    given = tmp_path / "input.json"
    given.write_text(json.dumps({"people": [{"n": "Ann"}, {"n": "it's; `Bob`"}]}))
    assert batchrelay("deploy", str(file)).exit_code == 0
    for full, way in (("true", "full"), ("false", "short")):
        params = (f"execution-input={given}", f"full={full}")
        options = [word for param in params for word in ("--param", param)]
        started = batchrelay("start", "machine", *options, "--output", "json")
        watched = batchrelay("status", json.loads(started.stdout)["runId"], "--watch")
        assert watched.exit_code == 0, watched.output
        expected = ["again", "again", "first Ann", "first it's; `Bob`", way, "report"]
        assert sorted(line.strip() for line in lines(tmp_path)) == sorted(expected)
        (tmp_path / "lines").unlink()


def test_a_job_that_is_not_there_is_one_clear_line(stays: LocalCloud) -> None:
    gone = "00000000-0000-4000-8000-000000000000"
    result = batchrelay("adopt", "--queue", "Theirs", "--job", gone)
    assert result.exit_code == 2
    assert result.output == (
        f"batchrelay: AWS Batch does not know job {gone}: it forgets jobs seven days after their "
        "end\n"
    )
