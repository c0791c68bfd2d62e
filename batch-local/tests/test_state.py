"""A folder of state: what happened is there again after a restart, whatever ended the last one."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from batch_local import BatchLocal, StateError
from batch_local.command_line import main
from servers import ended, make_shell, run_shell

pytestmark = pytest.mark.cloud

HOST_LOST = "Host EC2 (instance i-0123456789abcdef0) terminated."


def described(batch: BatchLocal) -> dict[str, Any]:
    """Everything that can be asked for."""
    client = batch.client()
    [definition] = client.describe_job_definitions()["jobDefinitions"]
    return {
        "jobs": batch.jobs,
        "timeline": batch.timeline()["jobs"],
        "environments": client.describe_compute_environments()["computeEnvironments"],
        "queues": client.describe_job_queues()["jobQueues"],
        "definition": definition,
        "policies": client.list_scheduling_policies()["schedulingPolicies"],
        "tags": client.list_tags_for_resource(resourceArn=definition["jobDefinitionArn"])["tags"],
        "units": client.list_consumable_resources()["consumableResources"],
        "logs": {job["jobId"]: log_of(batch, job["jobId"]) for job in batch.jobs},
    }


def log_of(batch: BatchLocal, job_id: str) -> list[str] | None:
    try:
        return batch.log(job_id)
    except LookupError:
        return None


def test_a_restart_changes_nothing_of_what_has_ended(tmp_path: Path) -> None:
    retry = {"attempts": 2}
    with BatchLocal(state=tmp_path / "state") as batch:
        client = batch.client()
        make_shell(client)
        client.create_scheduling_policy(name="policy")
        client.create_consumable_resource(consumableResourceName="units", totalQuantity=3)
        run_shell(client, "echo one; echo two", tags={"a": "b"})
        failed = run_shell(client, "echo three; exit 3", retryStrategy=retry)
        run_shell(client, "echo $AWS_BATCH_JOB_ARRAY_INDEX", arrayProperties={"size": 3})
        dependent = client.submit_job(jobName="j", jobQueue="shell", jobDefinition="shell",
                                      dependsOn=[{"jobId": failed["jobId"]}])  # fmt: skip
        ended(client, dependent["jobId"])
        arn = client.describe_job_definitions()["jobDefinitions"][0]["jobDefinitionArn"]
        client.tag_resource(resourceArn=arn, tags={"c": "d"})
        before = described(batch)
    assert len(failed["attempts"]) == 2
    events: list[Any] = []
    with BatchLocal(state=tmp_path / "state", events_to=[events.append]) as batch:
        assert described(batch) == before
        [child] = batch.client().describe_jobs(jobs=[f"{before['jobs'][2]['jobId']}:1"])["jobs"]
        assert (child["status"], batch.log(child["jobId"])) == ("SUCCEEDED", ["1"])
        run_shell(batch.client(), "echo four")
    assert [event["detail"]["status"] for event in events][-1:] == ["SUCCEEDED"]
    assert {event["detail"]["jobId"] for event in events} & {
        j["jobId"] for j in before["jobs"]
    } == set()
    with BatchLocal(state=tmp_path / "state") as batch:
        assert batch.log(batch.jobs[-1]["jobId"]) == ["four"]
        assert described(batch)["logs"].items() >= before["logs"].items()


def test_what_was_under_way_has_lost_its_host(tmp_path: Path) -> None:
    with BatchLocal(state=tmp_path) as batch:
        client = batch.client()
        make_shell(client)
        job = {"jobQueue": "shell", "jobDefinition": "shell"}
        slow = {"parameters": {"script": "echo begun; sleep 60"}, **job}
        quick = {"parameters": {"script": "true"}, **job}
        ids = {
            "array": client.submit_job(jobName="array", arrayProperties={"size": 2}, **slow)[
                "jobId"
            ]
        }
        after = [{"jobId": ids["array"]}]
        ids["dependent"] = client.submit_job(jobName="dependent", dependsOn=after, **quick)["jobId"]
        ids["waiting"] = client.submit_job(jobName="waiting", **quick)["jobId"]
        until(lambda: log_of(batch, f"{ids['array']}:1") == ["begun"])
    events: list[Any] = []
    with BatchLocal(state=tmp_path, events_to=[events.append]) as batch:
        jobs = {name: batch.wait(job_id) for name, job_id in ids.items()}
        [child] = batch.client().describe_jobs(jobs=[f"{ids['array']}:1"])["jobs"]
        assert log_of(batch, f"{ids['array']}:1") == ["begun"]
    reasons = {name: (job["status"], job["statusReason"]) for name, job in jobs.items()}
    assert reasons == {
        "array": ("FAILED", "Array Child Job failed"),
        "dependent": ("FAILED", "Dependent Job failed"),
        "waiting": ("SUCCEEDED", "Essential container in task exited"),
    }
    assert (child["statusReason"], child["attempts"][0]["container"].get("exitCode")) == (
        HOST_LOST,
        None,
    )
    failed = {e["detail"]["jobName"] for e in events if e["detail"]["status"] == "FAILED"}
    assert failed == {"array", "dependent"}


def test_a_lost_host_is_tried_again_where_the_strategy_says_so(tmp_path: Path) -> None:
    rule = {"onStatusReason": "Host EC2*", "action": "RETRY"}
    with BatchLocal(state=tmp_path / "state") as batch:
        client = batch.client()
        make_shell(client)
        script = f"if [ -e {tmp_path}/second ]; then exit 0; fi; touch {tmp_path}/second; sleep 60"
        job_id = client.submit_job(
            jobName="j", jobQueue="shell", jobDefinition="shell", parameters={"script": script},
            retryStrategy={"attempts": 2, "evaluateOnExit": [rule]},
        )["jobId"]  # fmt: skip
        until((tmp_path / "second").exists)
    with BatchLocal(state=tmp_path / "state") as batch:
        job = batch.wait(job_id)
    assert (job["status"], len(job["attempts"])) == ("SUCCEEDED", 2)


_SUBMIT = """
import sys, itertools
from pathlib import Path
from batch_local import BatchLocal
sys.path.insert(0, sys.argv[2])
from servers import make_shell
with BatchLocal(state=sys.argv[1]) as batch:
    client = batch.client()
    make_shell(client, vcpus=4)
    for number in itertools.count():
        job = client.submit_job(jobName="j", jobQueue="shell", jobDefinition="shell",
                                parameters={"script": "echo x"}, arrayProperties={"size": 5})
        print(job["jobId"], flush=True)
"""


@pytest.mark.parametrize("delay_s", [0.0, 0.13, 0.41])
def test_a_kill_loses_nothing_that_was_answered(tmp_path: Path, delay_s: float) -> None:
    state, here = tmp_path / "state", str(Path(__file__).parent)
    program = subprocess.Popen([sys.executable, "-c", _SUBMIT, str(state), here],
                               stdout=subprocess.PIPE, text=True)  # fmt: skip
    assert program.stdout is not None
    answered = [program.stdout.readline().strip()]
    time.sleep(delay_s)
    os.kill(program.pid, signal.SIGKILL)
    answered += program.stdout.read().split()
    program.wait()
    program.stdout.close()
    with BatchLocal(state=state) as batch:
        kept = [job["jobId"] for job in batch.jobs]
        assert kept[: len(answered)] == answered
        assert len(kept) <= len(answered) + 1
        for job_id in kept:
            children = batch.wait(job_id)["arrayProperties"]["statusSummary"]
            assert children["SUCCEEDED"] + children["FAILED"] == 5


def test_one_folder_has_one_server(tmp_path: Path) -> None:
    with BatchLocal(state=tmp_path), pytest.raises(StateError, match="is in use by another"):
        BatchLocal(state=tmp_path).start()
    with BatchLocal(state=tmp_path):
        result = CliRunner().invoke(main, ["up", "--state", str(tmp_path)])
    assert result.exit_code == 2


def _other_format(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA user_version = 9")


def _other_writer(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE maker SET name = 'batch-local 0.0.1'")


def _other_program(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA application_id = 7")


def _no_record(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM record WHERE number = 1")


def _no_json(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE record SET body = '{' WHERE number = 2")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (_other_format, "has the format 9, and this batch-local reads 1: use the version that"),
        (_other_writer, "was written by batch-local 0.0.1, and this is batch-local 0.1.0: use"),
        (_other_program, "is not a state of batch-local: choose another folder"),
        (_no_record, r"is damaged at record 2 \(request: ClientException\("),
        (_no_json, "is damaged .*: restore it, or choose another folder"),
    ],
)
def test_a_state_that_cannot_be_used_is_refused(
    tmp_path: Path, damage: Callable[[sqlite3.Connection], None], sentence: str
) -> None:
    with BatchLocal(state=tmp_path) as batch:
        batch.make_queue("q")
    connection = sqlite3.connect(tmp_path / "state.sqlite")
    damage(connection)
    connection.commit()
    connection.close()
    with pytest.raises(StateError, match=sentence):
        BatchLocal(state=tmp_path).start()


@pytest.mark.parametrize("text", [b"no database at all", b"SQLite format 3\0" + b"x" * 5_000])
def test_a_file_that_is_no_state_is_refused(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "state.sqlite").write_bytes(text)
    with pytest.raises(StateError, match="is damaged"):
        BatchLocal(state=tmp_path).start()
    assert (tmp_path / "state.sqlite").read_bytes() == text


def test_other_assumptions_are_another_state(tmp_path: Path) -> None:
    with BatchLocal(state=tmp_path, assume="failed_parent=at_first"):
        pass
    with pytest.raises(StateError, match=r"0.1.0 --assume failed_parent=at_first, and this is"):
        BatchLocal(state=tmp_path).start()


def test_a_folder_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        BatchLocal(state=tmp_path / "file").start()


def until(happens: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.01)
