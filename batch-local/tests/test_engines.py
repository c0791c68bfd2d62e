"""Containers by an engine: one that listens on a Unix socket here, and really runs processes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from batch_local import BatchLocal, EngineError
from batch_local.command_line import main
from fake_engine import FakeEngine, fake_engine

pytestmark = pytest.mark.cloud

HOST_LOST = "Host EC2 (instance i-0123456789abcdef0) terminated."


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    with fake_engine(tmp_path) as running:
        yield running


@pytest.fixture
def batch(engine: FakeEngine) -> Iterator[BatchLocal]:
    with BatchLocal(engine=engine.url, job_environment={"STAGE": "test"}) as running:
        running.make_queue("q", vcpus=4)
        yield running


def submitted(batch: BatchLocal, memory: str = "64", **request: Any) -> str:
    """A job of a definition with these container properties."""
    amounts = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": memory}]
    properties: dict[str, Any] = {"image": "busybox", "resourceRequirements": amounts}
    own: dict[str, Any] = {
        name: request.pop(name) for name in ("image", "command", "user") if name in request
    }
    client = batch.client()
    client.register_job_definition(
        jobDefinitionName="d", type="container", containerProperties=properties | own
    )
    job = client.submit_job(jobName="j", jobQueue="q", jobDefinition="d", **request)
    return str(job["jobId"])


def run(batch: BatchLocal, **request: Any) -> dict[str, Any]:
    return batch.wait(submitted(batch, **request))


def test_a_container_has_the_image_and_the_variables_of_its_job(
    engine: FakeEngine, batch: BatchLocal
) -> None:
    script = "echo $AWS_BATCH_JOB_ARRAY_INDEX $STAGE $MINE $HOME >&2; echo end"
    job = run(batch, command=["sh", "-c", script], arrayProperties={"size": 2},
              containerOverrides={"environment": [{"name": "MINE", "value": "own"}]})  # fmt: skip
    assert job["status"] == "SUCCEEDED"
    assert batch.log(f"{job['jobId']}:1") == ["1 test own", "end"]  # and no home of this machine
    [body, _] = engine.bodies
    assert (body["Image"], body["Labels"]["batch-local.job"][:-2]) == ("busybox", job["jobId"])
    assert body["HostConfig"]["NetworkMode"] == "host"
    assert f"AWS_ENDPOINT_URL_BATCH={batch.endpoint}" in body["Env"]
    assert engine.containers == {}


def test_an_image_may_have_the_command(batch: BatchLocal) -> None:
    assert batch.log(run(batch)["jobId"]) == ["no command"]


@pytest.mark.parametrize(("code", "status"), [(0, "SUCCEEDED"), (3, "FAILED")])
def test_the_exit_code_is_that_of_the_container(batch: BatchLocal, code: int, status: str) -> None:
    job = run(batch, command=["sh", "-c", f"exit {code}"])
    assert (job["status"], job["container"]["exitCode"]) == (status, code)


def test_an_image_that_is_not_there_is_pulled(engine: FakeEngine, batch: BatchLocal) -> None:
    assert run(batch, image="registry/alpine")["status"] == "SUCCEEDED"
    assert engine.pulls == ["registry/alpine latest"]


@pytest.mark.parametrize(
    ("image", "why"),
    [
        ("no/such:1", "pull access denied for no/such:1, repository does not exist"),
        ("registry/broken", "no space left on device"),
    ],
)
def test_an_image_that_cannot_be_pulled_fails_the_start(
    batch: BatchLocal, image: str, why: str
) -> None:
    job = run(batch, image=image)
    assert (job["status"], job["statusReason"]) == ("FAILED", "Task failed to start")
    reason = f"CannotPullContainerError: Error response from daemon: {why}"
    assert job["container"]["reason"] == reason
    assert "logStreamName" not in job["container"]


def test_a_program_that_is_not_in_the_image_fails_the_start(
    engine: FakeEngine, batch: BatchLocal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fake_engine.ENTRYPOINT", ["/absent"])
    job = run(batch)
    assert job["container"]["reason"] == (
        "CannotStartContainerError: Error response from daemon: "
        'exec: "/absent": No such file or directory'
    )
    assert engine.containers == {}


def test_a_container_that_used_up_its_memory_says_so(batch: BatchLocal) -> None:
    job = run(batch, memory="4", command=["sleep", "60"])
    container = job["container"]
    assert (job["status"], container["exitCode"]) == ("FAILED", 137)
    assert container["reason"] == "OutOfMemoryError: Container killed due to memory usage"


def test_a_termination_is_a_sigterm(engine: FakeEngine, batch: BatchLocal) -> None:
    job_id = submitted(batch, command=["sleep", "60"])
    until_running(batch, job_id)
    batch.client().terminate_job(jobId=job_id, reason="enough")
    job = batch.wait(job_id)
    assert (job["statusReason"], job["container"]["exitCode"]) == ("enough", 143)
    assert engine.signals == ["SIGTERM"]


def test_a_job_that_is_stopped_during_the_pull_never_starts(
    engine: FakeEngine, batch: BatchLocal
) -> None:
    job_id = submitted(batch, image="registry/slow", command=["true"])
    while not engine.pulls:
        time.sleep(0.01)
    batch.client().terminate_job(jobId=job_id, reason="enough")
    engine.may_pull.set()
    job = batch.wait(job_id)
    assert (job["status"], job["statusReason"], engine.processes) == ("FAILED", "enough", {})
    assert engine.containers == {}


def test_what_does_not_stop_is_killed(
    engine: FakeEngine, batch: BatchLocal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batch_local.scheduling.scheduler.STOP_GRACE_S", 0.2)
    job_id = submitted(batch, command=["sh", "-c", "trap '' TERM; echo on; sleep 60 & wait; wait"])
    until_running(batch, job_id)
    while batch.log(job_id) != ["on"]:
        time.sleep(0.01)
    batch.client().terminate_job(jobId=job_id, reason="enough")
    assert batch.wait(job_id)["container"]["exitCode"] == 137
    assert engine.signals == ["SIGTERM", "SIGKILL"]


def test_the_end_of_the_engine_is_the_loss_of_the_host(
    engine: FakeEngine, batch: BatchLocal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batch_local.engines.engine.Engine.wait", _broken)
    job = run(batch, command=["true"])
    assert (job["status"], job["statusReason"]) == ("FAILED", HOST_LOST)
    assert "exitCode" not in job["container"]
    [attempt] = batch.timeline()["jobs"][0]["attempts"]
    assert attempt["containers"][0]["reason"] == "CannotInspectContainerError: it is gone"


def _broken(*_: Any) -> None:
    raise EngineError("it is gone")


def test_the_end_of_the_server_ends_its_containers(engine: FakeEngine) -> None:
    with BatchLocal(engine=engine.url) as batch:
        batch.make_queue("q")
        until_running(batch, submitted(batch, command=["sleep", "60"]))
    assert engine.containers == {}
    [process] = engine.processes.values()
    assert process.wait(5) == -15


def test_containers_of_a_task_share_its_volumes(engine: FakeEngine, batch: BatchLocal) -> None:
    amounts = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]
    mount = {"sourceVolume": "v", "containerPath": "/v"}
    one = {"image": "busybox", "resourceRequirements": amounts, "mountPoints": [mount]}
    task = {
        "volumes": [{"name": "v"}],
        "containers": [
            {**one, "name": "a", "command": ["true"]},
            {**one, "name": "b", "command": ["true"], "essential": False},
        ],
    }
    client = batch.client()
    client.register_job_definition(
        jobDefinitionName="t", type="container", ecsProperties={"taskProperties": [task]}
    )
    job = batch.wait(client.submit_job(jobName="t", jobQueue="q", jobDefinition="t")["jobId"])
    assert job["status"] == "SUCCEEDED"
    binds = {bind for body in engine.bodies for bind in body["HostConfig"]["Binds"]}
    [bind] = binds
    assert bind.startswith("batch-local-")
    assert set(engine.volumes) == {bind.partition(":")[0]}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--engine", "lxc"], "engine 'lxc': write docker, podman or unix:///PATH/OF/ITS.sock"),
        (["--engine", "unix://x.sock"], "engine 'unix://x.sock': write docker, podman or"),
        (["--engine", "docker", "--image", "a=b"], "docker has the images themselves: leave out"),
    ],
)
def test_an_engine_that_cannot_be_is_refused(options: list[str], sentence: str) -> None:
    result = CliRunner().invoke(main, ["up", *options])
    assert result.exit_code == 2
    assert sentence in result.output


def test_another_docker_host_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://10.0.0.1:2375")
    with pytest.raises(ValueError, match=r"DOCKER_HOST 'tcp://.*' is not a Unix socket: write"):
        BatchLocal(engine="docker")


def test_an_engine_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"no engine answers at .*/absent.sock \(.*No such file"):
        BatchLocal(engine=f"unix://{tmp_path}/absent.sock").start()


def until_running(batch: BatchLocal, job_id: str) -> None:
    while batch.client().describe_jobs(jobs=[job_id])["jobs"][0]["status"] != "RUNNING":
        time.sleep(0.01)
