"""A cloud starts alone and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from batchrelay_local.launch import (
    WATCH_S,
    CloudError,
    LocalCloud,
    job_environment,
    link_worker,
)
from tests.conftest import client_of
from tests.functional.local_cloud.processes import descendants, wait_until

pytestmark = pytest.mark.cloud

HOLDER = """
import sys, time
from pathlib import Path
from batchrelay_local.launch import LocalCloud
cloud = LocalCloud.start(directory=Path("."))
print(cloud.endpoint, cloud.process.pid, flush=True)
time.sleep(60)
"""


def can_connect(endpoint: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(endpoint.rpartition(":")[2]))) == 0


def busy(cloud: LocalCloud) -> None:
    """A job that ignores SIGTERM is running."""
    batch = client_of(cloud, "batch")
    batch.create_compute_environment(
        computeEnvironmentName="e", type="MANAGED",
        computeResources={"type": "EC2", "maxvCpus": 1, "subnets": []},
    )  # fmt: skip
    order = [{"order": 1, "computeEnvironment": "e"}]
    batch.create_job_queue(jobQueueName="q", priority=1, computeEnvironmentOrder=order)
    batch.register_job_definition(
        jobDefinitionName="d",
        type="container",
        containerProperties={
            "image": "",
            "command": ["sh", "-c", "trap '' TERM; sleep 60"],
            "vcpus": 1,
            "memory": 64,
        },
    )
    job = batch.submit_job(jobName="j", jobQueue="q", jobDefinition="d")
    wait_until(lambda: batch.describe_jobs(jobs=[job["jobId"]])["jobs"][0]["status"] == "RUNNING")


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_nothing_is_left_when_it_was_stopped(tmp_path: Path, how: str) -> None:
    cloud = LocalCloud.start(directory=tmp_path)
    busy(cloud)
    session = cloud.process.pid
    assert len(descendants(session)) >= 3, "the cloud, its guard and a job"
    if how == "stop":  # otherwise while the first workers are being started
        wait_until(lambda: len(descendants(session)) >= 5)
    getattr(cloud, how)()
    wait_until(lambda: descendants(session) == [], seconds=2)
    assert not can_connect(cloud.endpoint)
    assert not Path(cloud.folder).exists()
    cloud.stop()


def kill_session_leader(session: int) -> None:
    os.kill(session, signal.SIGKILL)


def kill_group_of_leader(session: int) -> None:
    os.killpg(session, signal.SIGKILL)


@pytest.mark.parametrize("kill", [kill_session_leader, kill_group_of_leader])
def test_jobs_and_workers_end_when_the_cloud_was_killed(tmp_path: Path, kill: Any) -> None:
    cloud = LocalCloud.start(directory=tmp_path)
    sentences: list[str] = []
    cloud.watch(sentences.append)
    client_of(cloud, "lambda").invoke(FunctionName=cloud.outputs["ReconcileName"], Payload=b"{}")
    busy(cloud)
    session = cloud.process.pid
    assert len(descendants(session)) >= 4, "the cloud, its guard, a worker and a job"
    kill(session)
    wait_until(lambda: descendants(session) == [], seconds=2)
    wait_until(lambda: sentences != [], seconds=1)
    [sentence] = sentences
    assert sentence.startswith("the local cloud ended unexpectedly; its last log line: ")
    assert not Path(cloud.folder).exists()
    cloud.stop()


def test_a_cloud_that_was_stopped_is_not_reported_as_ended(tmp_path: Path) -> None:
    cloud = LocalCloud.start(directory=tmp_path, stack=False)
    sentences: list[str] = []
    cloud.watch(sentences.append)
    cloud.stop()
    time.sleep(2 * WATCH_S)
    assert sentences == []


def test_nothing_is_left_when_its_holder_was_killed() -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    endpoint, pid = holder.stdout.readline().split()
    assert can_connect(endpoint)
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    wait_until(lambda: descendants(int(pid)) == [])
    assert not can_connect(endpoint)


def test_without_the_stack_no_fork_server_waits_for_a_function(tmp_path: Path) -> None:
    cloud = LocalCloud.start(directory=tmp_path, stack=False)
    try:
        assert len(descendants(cloud.process.pid)) == 2, "the cloud and its guard"
    finally:
        cloud.stop()


def test_two_clouds_live_side_by_side(tmp_path: Path, cloud: LocalCloud) -> None:
    other = LocalCloud.start(directory=tmp_path)
    try:
        client_of(other, "s3").create_bucket(Bucket="only-there")
        buckets = client_of(cloud, "s3").list_buckets()["Buckets"]
        assert "only-there" not in [bucket["Name"] for bucket in buckets]
    finally:
        other.stop()


def test_a_port_in_use_is_one_clear_line(tmp_path: Path, cloud: LocalCloud) -> None:
    port = int(cloud.endpoint.rpartition(":")[2])
    with pytest.raises(CloudError) as error:
        LocalCloud.start(directory=tmp_path, port=port)
    assert str(error.value) == (
        f"port {port} is in use: choose another with --port, or leave it out for a free one"
    )


def test_a_job_sees_no_credentials_of_the_user() -> None:
    user = {"PATH": "/usr/bin", "HOME": "/home/u", "AWS_PROFILE": "prod", "SECRET": "x"}
    assert job_environment(user) == {"PATH": "/usr/bin", "HOME": "/home/u"}
    assert job_environment(user, "/behind")["PATH"] == "/usr/bin:/behind"
    assert job_environment({}, "/behind")["PATH"] == f"{os.defpath}:/behind"


def test_of_batchrelays_own_programs_a_job_finds_the_worker_alone(tmp_path: Path) -> None:
    programs = link_worker(str(tmp_path))
    assert [path.name for path in Path(programs).iterdir()] == ["batchrelay-worker"]
    shown = subprocess.run(["batchrelay-worker", "--help"], env={"PATH": programs},
                           capture_output=True, check=True)  # fmt: skip
    assert b"batchrelay-worker" in shown.stdout
