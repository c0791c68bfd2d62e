"""`batchrelay doctor` on a local cloud: what our Batch does is what the docs assume."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from batchrelay_cli.doctor.place import PREFIX
from batchrelay_local.launch import LocalCloud
from tests.conftest import client_of, use
from tests.e2e.command_line import batchrelay
from tests.stack import ROOT

pytestmark = pytest.mark.cloud

OTHERWISE = {
    "unknown_dependency=met": "Q3",
    "n_to_n_unequal=common": "Q2",
    "failed_parent=at_first": "Q13",
    "unit_wait=passed": "Q21",
}
"""What `local up --assume` takes, and the question. Not all: to see some takes long."""

NAME_BEGINS = f"{PREFIX}-"


def left(cloud: LocalCloud) -> list[str]:
    """What doctor made that is still there."""
    batch, listed = client_of(cloud, "batch"), client_of(cloud, "events").list_rules()["Rules"]
    definitions = batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"]
    environments = batch.describe_compute_environments()["computeEnvironments"]
    resources = batch.list_consumable_resources()["consumableResources"]
    groups = client_of(cloud, "logs").describe_log_groups()["logGroups"]
    names = [
        *(entry["jobQueueName"] for entry in batch.describe_job_queues()["jobQueues"]),
        *(entry["computeEnvironmentName"] for entry in environments),
        *(entry["jobDefinitionName"] for entry in definitions),
        *(entry["consumableResourceName"] for entry in resources),
        *(entry["Name"] for entry in listed),
        *(url.rpartition("/")[2] for url in client_of(cloud, "sqs").list_queues()["QueueUrls"]),
        *(entry["Name"] for entry in client_of(cloud, "s3").list_buckets()["Buckets"]),
        *(entry["RoleName"] for entry in client_of(cloud, "iam").list_roles()["Roles"]),
        *(group["logGroupName"].removeprefix("/") for group in groups),
    ]
    assert len(names) > 10, "those of the stack"
    return [name for name in names if name.startswith(NAME_BEGINS)]


def test_on_the_local_cloud_all_is_as_assumed_and_its_transcript_says_the_same(
    stays: LocalCloud, tmp_path: Path
) -> None:
    transcript = tmp_path / "doctor.jsonl"
    result = batchrelay("doctor", "--transcript", str(transcript), "--output", "json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    unseen = {(r["number"], r["aspect"]) for r in document["rows"] if r["verdict"] != "as assumed"}
    assert unseen == {("Q14", "id"), ("Q24", "a timeout")}
    assert left(stays) == []
    replay = batchrelay("doctor", "--replay", str(transcript), "--output", "json")
    assert (replay.exit_code, json.loads(replay.stdout)) == (0, document)


def test_a_transcript_is_not_written_over_a_file(stays: LocalCloud, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    result = batchrelay("doctor", "--transcript", str(tmp_path / "mine"))
    assert result.exit_code == 2
    assert "mine: File exists" in result.stderr
    assert left(stays) == []


def interrupted(folder: Path, number: signal.Signals) -> list[str]:
    """What doctor writes that is interrupted while probes have jobs of a hundred seconds."""
    process = subprocess.Popen(
        [sys.executable, "-m", "batchrelay_cli", "doctor", "--transcript", folder / "t"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if line.startswith("Q1 "):  # a probe has ended: the others are at work
            break
    process.send_signal(number)
    start_s = time.monotonic()
    stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout) == (130, ""), stderr
    assert stderr.splitlines()[-1] == "interrupted"
    assert "Traceback" not in stderr
    assert time.monotonic() - start_s < 10
    return [line.rstrip() for line in (*lines, *stderr.splitlines())]


def test_an_interrupt_removes_everything(stays: LocalCloud, tmp_path: Path) -> None:
    interrupted(tmp_path, signal.SIGINT)
    assert left(stays) == []
    result = batchrelay("doctor", "--replay", str(tmp_path / "t"))
    assert result.exit_code == 2
    assert "doctor was interrupted" in result.stderr


def test_where_the_cloud_does_otherwise_it_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = LocalCloud.start(directory=tmp_path, stack=False, assume=",".join(OTHERWISE))
    try:
        use(cloud, monkeypatch)
        result = batchrelay("doctor", "--transcript", str(tmp_path / "t"), "--output", "json")
    finally:
        cloud.stop()
    assert result.exit_code == 4, result.output
    rows = json.loads(result.stdout)["rows"]
    differing = {row["number"] for row in rows if row["verdict"] == "differs"}
    caused_too = {"Q7", "Q26"}  # by a parent that ends before its children
    assert differing - caused_too == set(OTHERWISE.values())


def test_a_cloud_of_its_own_ends_with_it(tmp_path: Path) -> None:
    first, cost, *_ = interrupted(tmp_path, signal.SIGTERM)
    assert cost.startswith("no cost: a local cloud; in an account at most ")
    port = int(first.removeprefix("local cloud at http://127.0.0.1:"))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port)).close()
