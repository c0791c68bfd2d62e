"""The local AWS Batch alone: wide arrays of no-ops, memory, pages."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from batchrelay_local.launch import LocalCloud

ROOT = Path(__file__).resolve().parent.parent
ARRAY_MAX = 10_000
"""Children of an array of AWS Batch."""


@dataclass(frozen=True, kw_only=True)
class Wide:
    """What an array of no-ops took."""

    seconds: float
    peak_mb: int
    first_page_ms: float
    last_page_ms: float


def client(cloud: LocalCloud, service: str) -> Any:
    """A client of this cloud."""
    session: Any = boto3.Session(
        aws_access_key_id=cloud.access_key,
        aws_secret_access_key=cloud.secret,
        region_name="us-east-1",
    )
    return session.client(service, endpoint_url=cloud.endpoint)


def wide_array(children: int, slots: int, *, with_events: bool) -> Wide:
    """Run arrays of `true`, each of at most ARRAY_MAX children.

    Args:
        with_events: whether a rule of the bus wants the end of every child.
    """
    cloud = LocalCloud.start(directory=ROOT, stack=False)
    try:
        batch = client(cloud, "batch")
        make_queue(batch, slots)
        if with_events:
            _subscribe_to_all_events(cloud)
        sizes = [ARRAY_MAX] * (children // ARRAY_MAX) or [children]
        began = time.perf_counter()
        job_ids = [_submitted(batch, size) for size in sizes]
        while not _have_succeeded(batch, job_ids):
            time.sleep(0.05)
        seconds = time.perf_counter() - began
        pages = list(_pages(batch, job_ids[0]))
        return Wide(
            seconds=seconds,
            peak_mb=_peak_mb(cloud.process.pid),
            first_page_ms=min(pages[:2]),
            last_page_ms=min(pages[-2:]),
        )
    finally:
        cloud.stop()


def _submitted(batch: Any, size: int) -> str:
    job_id: str = batch.submit_job(
        jobName="wide", jobQueue="q", jobDefinition="noop", arrayProperties={"size": size}
    )["jobId"]
    return job_id


def _have_succeeded(batch: Any, job_ids: list[str]) -> bool:
    jobs = batch.describe_jobs(jobs=job_ids)["jobs"]
    return all(job["status"] == "SUCCEEDED" for job in jobs)


def make_queue(batch: Any, slots: int) -> None:
    """A queue of so many slots, and a job definition of a no-op."""
    batch.create_compute_environment(
        computeEnvironmentName="e",
        type="MANAGED",
        computeResources={"type": "EC2", "maxvCpus": slots, "subnets": []},
    )
    order = [{"order": 1, "computeEnvironment": "e"}]
    batch.create_job_queue(jobQueueName="q", priority=1, computeEnvironmentOrder=order)
    batch.register_job_definition(
        jobDefinitionName="noop",
        type="container",
        containerProperties={"image": "none", "command": ["true"], "vcpus": 1, "memory": 64},
    )


def _subscribe_to_all_events(cloud: LocalCloud) -> None:
    sqs, events = client(cloud, "sqs"), client(cloud, "events")
    url = sqs.create_queue(QueueName="all")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    pattern = '{"source": ["aws.batch"], "detail": {"status": ["SUCCEEDED", "FAILED"]}}'
    events.put_rule(Name="all", EventPattern=pattern)
    events.put_targets(Rule="all", Targets=[{"Id": "q", "Arn": arn["QueueArn"]}])


def _pages(batch: Any, job_id: str) -> Any:
    token: dict[str, str] = {}
    while True:
        began = time.perf_counter()
        page = batch.list_jobs(arrayJobId=job_id, jobStatus="SUCCEEDED", maxResults=100, **token)
        yield (time.perf_counter() - began) * 1000
        if "nextToken" not in page:
            return
        token = {"nextToken": page["nextToken"]}


def _peak_mb(pid: int) -> int:
    """The most resident memory that it ever had."""
    status = Path(f"/proc/{pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) // 1024
