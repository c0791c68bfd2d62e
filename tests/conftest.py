"""Unit tests open no socket; a test that needs the local cloud says so with `cloud`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from hypothesis import settings
from pytest_socket import disable_socket, enable_socket

from batchrelay.adapters.memory.jobs import MemoryJobs
from batchrelay.domain.job_tags import JOB_TAGS
from batchrelay_local.launch import LocalCloud
from tests.recorded_calls import pytest_configure

__all__ = ["pytest_configure"]

# A client parses the model of its service, which takes longer than most tests: once is enough.
botocore.session.create_loader = cache(botocore.session.create_loader)

# The gate has fixed seeds, and times nothing: a red build is of the change, not of a busy machine.
# Verification programs draw new seeds.
settings.register_profile("gate", derandomize=True, deadline=None)
settings.load_profile("gate")


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("cloud") is None:
        disable_socket(allow_unix_socket=True)
    else:
        enable_socket()


@pytest.fixture(autouse=True)
def _no_aws_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test can reach an account, whatever the developer's machine is set up for.

    boto3's own session keeps the keys that it has read first, and each cloud has its own.
    """
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "absent")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "absent")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@pytest.fixture(autouse=True)
def _tags_of_submissions(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test fails if a run of it submitted a job without our tags to the AWS Batch in memory."""
    untagged: list[Any] = []
    submit = MemoryJobs.submit

    def submitted(jobs: MemoryJobs, request: Mapping[str, Any]) -> str:
        untagged.extend([request] if is_ours(request) and not has_our_tags(request) else [])
        return submit(jobs, request)

    monkeypatch.setattr(MemoryJobs, "submit", submitted)
    yield
    assert untagged == []


def is_ours(request: Mapping[str, Any]) -> bool:
    """Whether a run of ours made it: a test that speaks to AWS Batch itself gives no such value."""
    overrides = request.get("containerOverrides") or request.get("container") or {}
    return any(e["name"] == "BATCHRELAY_RUN_ID" for e in overrides.get("environment", ()))


def has_our_tags(request: Mapping[str, Any]) -> bool:
    """Of a SubmitJob request, or of what DescribeJobs says of the job."""
    return request.get("propagateTags") is True and set(JOB_TAGS) <= set(request.get("tags", {}))


def check_tags_of_jobs(cloud: LocalCloud) -> None:
    """Every job that runs of ours submitted to a local cloud has our tags."""
    batch = client_of(cloud, "batch")
    untagged = []
    for queue in batch.describe_job_queues()["jobQueues"]:
        pages = batch.get_paginator("list_jobs").paginate(
            jobQueue=queue["jobQueueName"], filters=[{"name": "JOB_NAME", "values": ["br-*"]}]
        )
        ids = [job["jobId"] for page in pages for job in page["jobSummaryList"]]
        for start in range(0, len(ids), 100):
            jobs = batch.describe_jobs(jobs=ids[start : start + 100])["jobs"]
            untagged += [job["jobName"] for job in jobs if is_ours(job) and not has_our_tags(job)]
    assert untagged == []


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """One local cloud for all tests that need one."""
    enable_socket()
    running = LocalCloud.start(directory=tmp_path_factory.mktemp("jobs"))
    yield running
    enable_socket()
    check_tags_of_jobs(running)
    running.stop()


@pytest.fixture
def on_cloud(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> LocalCloud:
    """Every AWS client of this test talks to the local cloud."""
    use(cloud, monkeypatch)
    return cloud


class LentCloud(LocalCloud):
    """A cloud that does not end with the run that is on it."""

    def watch(self, on_end: Callable[[str], None]) -> None:
        """The run is in the process of the tests, which its end must not end."""

    def stop(self) -> None:
        """Others use it."""


@pytest.fixture
def run_on_cloud(stays: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """`batchrelay run` in this process has the cloud of all verbs: to start one takes longer."""
    lend(stays, monkeypatch)


def lend(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch, *, faults: str = "") -> None:
    """This cloud, which has these faults, to `batchrelay run` in this process."""
    fields = ("endpoint", "access_key", "secret", "outputs", "process", "folder")
    lent = LentCloud(**{name: getattr(cloud, name) for name in fields})

    def start(*, directory: Path, port: int, chaos: str) -> LocalCloud:
        """Where the processes of jobs begin, their definitions say."""
        assert (port, chaos) == (0, faults), "that takes a cloud of its own"
        return lent

    monkeypatch.setattr(LocalCloud, "start", start)


@pytest.fixture(scope="session")
def _stays(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    cloud = LocalCloud.start(directory=tmp_path_factory.mktemp("stays"))
    yield cloud
    enable_socket()
    check_tags_of_jobs(cloud)
    cloud.stop()


@pytest.fixture
def stays(_stays: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> LocalCloud:
    """A local cloud for all tests of verbs, where they find it.

    A module has names of its own for its pipelines, and for job queues whose jobs it lists.
    """
    use(_stays, monkeypatch)
    return _stays


def use(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every AWS client of this test talks to this cloud."""
    for name, value in cloud.environment.items():
        monkeypatch.setenv(name, value)


def write(folder: Path, text: str) -> str:
    """A pipeline file's path."""
    path = folder / "pipeline.yaml"
    path.write_text(text)
    return str(path)


def make_queue(batch: Any, name: str, *, slots: int) -> None:
    """A job queue on a compute environment of its own."""
    batch.create_compute_environment(
        computeEnvironmentName=f"slots-{name}",
        type="MANAGED",
        computeResources={"type": "EC2", "maxvCpus": slots, "subnets": []},
    )
    order = [{"order": 1, "computeEnvironment": f"slots-{name}"}]
    batch.create_job_queue(jobQueueName=name, priority=1, computeEnvironmentOrder=order)


@pytest.fixture(scope="session")
def batch_queue(cloud: LocalCloud) -> str:
    """A job queue with four slots, and the job definition `shell`."""
    batch = client_of(cloud, "batch")
    make_queue(batch, "queue", slots=4)
    batch.register_job_definition(
        jobDefinitionName="shell",
        type="container",
        containerProperties={"image": "none", "command": ["true"], "vcpus": 1, "memory": 64},
    )
    return "queue"


def client_of(cloud: LocalCloud, service: str) -> Any:
    """A client of any AWS service, on this cloud."""
    session: Any = boto3.Session(
        aws_access_key_id=cloud.access_key,
        aws_secret_access_key=cloud.secret,
        region_name="us-east-1",
    )
    return session.client(service, endpoint_url=cloud.endpoint)


def stop_schedules(cloud: LocalCloud) -> None:
    """Where calls are counted, and where a test says when reconcile is called."""
    scheduler = client_of(cloud, "scheduler")
    for schedule in scheduler.list_schedules()["Schedules"]:
        scheduler.delete_schedule(Name=schedule["Name"])


def physical_id(cloud: LocalCloud, logical_id: str) -> str:
    """What the deployed stack calls a resource of the template."""
    answer = client_of(cloud, "cloudformation").describe_stack_resource(
        StackName="batchrelay", LogicalResourceId=logical_id
    )
    found: str = answer["StackResourceDetail"]["PhysicalResourceId"]
    return found
