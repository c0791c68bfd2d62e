"""The local AWS Batch alone: wide arrays of no-ops, memory, pages."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from batchrelay_local.launch import LocalCloud

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, kw_only=True)
class Wide:
    """What an array of no-ops took."""

    seconds: float
    rss_mb: int
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
    """Run an array of `true`; with `with_events`, a rule of the bus wants every event of it."""
    cloud = LocalCloud.start(directory=ROOT, stack=False)
    try:
        batch = client(cloud, "batch")
        make_queue(batch, slots)
        if with_events:
            _subscribe_to_all_events(cloud)
        began = time.perf_counter()
        job_id = batch.submit_job(
            jobName="wide", jobQueue="q", jobDefinition="noop", arrayProperties={"size": children}
        )["jobId"]
        while batch.describe_jobs(jobs=[job_id])["jobs"][0]["status"] != "SUCCEEDED":
            time.sleep(0.05)
        seconds = time.perf_counter() - began
        pages = list(_pages(batch, job_id))
        return Wide(
            seconds=seconds,
            rss_mb=_rss_mb(cloud.process.pid),
            first_page_ms=min(pages[:2]),
            last_page_ms=min(pages[-2:]),
        )
    finally:
        cloud.stop()


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


def _rss_mb(pid: int) -> int:
    """Resident memory now."""
    status = Path(f"/proc/{pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) // 1024
