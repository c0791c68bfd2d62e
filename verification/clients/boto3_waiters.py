"""Waiters of jobs, of an array and its children, of one that fails and of one that is stopped."""

from __future__ import annotations

from typing import Any

import boto3
import botocore
from botocore.exceptions import WaiterError
from expect import JOB, exit_codes, expect, job_counts, job_of, log_of, make_queue

SLEEP = {"command": ["sleep", "600"]}
QUICKLY = {"Delay": 1, "MaxAttempts": 2}


def main() -> None:
    batch, logs = boto3.client("batch"), boto3.client("logs")
    expect("the waiters", batch.waiter_names, ["job_complete", "job_exists", "job_running"])
    make_queue(batch)
    batch.register_job_definition(**JOB)

    plain = submit(batch, "plain", parameters={"number": "9"})
    for waiter in ("job_exists", "job_running", "job_complete"):
        batch.get_waiter(waiter).wait(jobs=[plain])
    job = job_of(batch, plain)
    expect("the status of the plain job", (job["status"], exit_codes(job)), ("SUCCEEDED", [0]))
    expect("its log", log_of(logs, job), ["attempt 1", "9 squared is 81"])

    array = submit(batch, "array", arrayProperties={"size": 20})
    expect("the wait for the array", failure_of(batch, array), "terminal failure")
    expect("its children", job_counts(batch, arrayJobId=array), {"SUCCEEDED": 19, "FAILED": 1})
    batch.get_waiter("job_complete").wait(jobs=[f"{array}:{i}" for i in range(20) if i != 7])
    expect("the wait for child 7", failure_of(batch, f"{array}:7"), "terminal failure")
    codes = [exit_codes(job_of(batch, f"{array}:{index}")) for index in (3, 7)]
    expect("the exit codes of children 3 and 7", codes, [[75, 0], [2]])

    stopped = submit(batch, "stopped", containerOverrides=SLEEP)
    batch.get_waiter("job_running").wait(jobs=[stopped])
    expect("a job that waits", job_of(batch, stopped)["status"], "RUNNING")
    expect("a short wait for it", failure_of(batch, stopped, QUICKLY), "Max attempts exceeded")
    batch.terminate_job(jobId=stopped, reason="enough")
    expect("the wait for its end", failure_of(batch, stopped), "terminal failure")
    job = job_of(batch, stopped)
    expect("its reason", (job["statusReason"], exit_codes(job)), ("enough", [143]))
    print(f"boto3 {boto3.__version__} (botocore {botocore.__version__})")


def submit(batch: Any, name: str, **request: Any) -> str:
    return batch.submit_job(jobName=name, jobQueue="q", jobDefinition="square", **request)["jobId"]


def failure_of(batch: Any, job_id: str, config: dict[str, int] | None = None) -> str:
    """What the waiter of a job's end says in the end, or nothing."""
    try:
        batch.get_waiter("job_complete").wait(jobs=[job_id], WaiterConfig=config or {})
    except WaiterError as error:
        texts = ("terminal failure", "Max attempts exceeded")
        return next((text for text in texts if text in str(error)), str(error))
    return ""


main()
