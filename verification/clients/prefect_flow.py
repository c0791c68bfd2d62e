"""Flows that submit jobs and wait for their ends: one job that ends well, an array that fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import prefect
import prefect_aws
from expect import JOB, exit_codes, expect, job_counts, job_of, log_of, make_queue
from prefect import flow
from prefect.states import State
from prefect_aws import AwsCredentials
from prefect_aws.batch import batch_submit
from prefect_aws.client_waiter import client_waiter

WAITERS = Path(__file__).parent / "models/batch/2016-08-10/waiters-2.json"


@flow
def squares(name: str, request: dict[str, Any]) -> str:
    """A job, once it has ended well."""
    credentials = AwsCredentials()
    job_id = batch_submit(name, "q", "square", credentials, **request)
    client_waiter(
        "batch",
        "JobComplete",
        credentials,
        waiter_definition=json.loads(WAITERS.read_text()),
        jobs=[job_id],
    )
    return job_id


def main() -> None:
    batch, logs = boto3.client("batch"), boto3.client("logs")
    make_queue(batch)
    batch.register_job_definition(**JOB)

    state = end_of("plain", {"parameters": {"number": "9"}})
    expect("the state of the flow", state.name, "Completed")
    job = job_of(batch, state.result())
    expect("its job", (job["jobName"], job["status"], exit_codes(job)), ("plain", "SUCCEEDED", [0]))
    expect("the log of its job", log_of(logs, job), ["attempt 1", "9 squared is 81"])

    state = end_of("array", {"arrayProperties": {"size": 20}})
    expect("the state of the flow with an array that fails", state.name, "Failed")
    reason = 'For expression "jobs[].status" we matched expected path: "FAILED" at least once'
    expect("its reason", reason in str(state.message), True)
    [array] = batch.list_jobs(jobQueue="q", jobStatus="FAILED")["jobSummaryList"]
    array_id = array["jobId"]
    expect("its children", job_counts(batch, arrayJobId=array_id), {"SUCCEEDED": 19, "FAILED": 1})
    codes = [exit_codes(job_of(batch, f"{array_id}:{index}")) for index in (3, 7)]
    expect("the exit codes of children 3 and 7", codes, [[75, 0], [2]])
    print(f"Prefect {prefect.__version__} (prefect-aws {prefect_aws.__version__})")


def end_of(name: str, request: dict[str, Any]) -> State[str]:
    return squares(name, request, return_state=True)


main()
