"""What the Python clients share. Of job.json, number 3 is retried once and number 7 fails."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

JOB_FILE = Path(__file__).parent / "job.json"
ENDED = ("SUCCEEDED", "FAILED")
JOB = json.loads(JOB_FILE.read_text())


def expect(what: str, found: object, wanted: object) -> None:
    """End the program with a sentence if the two differ."""
    if found != wanted:
        sys.exit(f"failed: {what} is {found!r}, not {wanted!r}")


def exit_codes(job: Mapping[str, Any]) -> Sequence[int]:
    """Of a job's attempts, in order."""
    return [attempt["container"]["exitCode"] for attempt in job["attempts"]]


def job_counts(batch: Any, **selector: str) -> dict[str, int]:
    """The jobs of each status of a queue (jobQueue) or of an array (arrayJobId)."""
    jobs = batch.get_paginator("list_jobs")
    pages = {status: jobs.paginate(**selector, jobStatus=status) for status in ENDED}
    return {status: sum(len(page["jobSummaryList"]) for page in pages[status]) for status in ENDED}


def make_queue(batch: Any) -> None:
    """The queue q, of two vCPUs."""
    batch.create_compute_environment(
        computeEnvironmentName="e",
        type="MANAGED",
        computeResources={"type": "EC2", "maxvCpus": 2, "subnets": ["none"]},
    )
    order = [{"order": 1, "computeEnvironment": "e"}]
    batch.create_job_queue(jobQueueName="q", priority=1, computeEnvironmentOrder=order)


def job_of(batch: Any, job_id: str) -> Mapping[str, Any]:
    """What DescribeJobs says of it."""
    [job] = batch.describe_jobs(jobs=[job_id])["jobs"]
    return job


def log_of(logs: Any, job: Mapping[str, Any]) -> Sequence[str]:
    """The lines of a job's last attempt."""
    page = logs.get_log_events(
        logGroupName="/aws/batch/job",
        logStreamName=job["container"]["logStreamName"],
        startFromHead=True,
    )
    return [event["message"] for event in page["events"]]
