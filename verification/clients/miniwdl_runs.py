"""A workflow that is itself a job, on EFS, and ends well; one on this machine that fails."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

import boto3
from expect import ENDED, exit_codes, expect, job_of, log_of, make_queue

WORKFLOW = str(Path(__file__).with_name("squares.wdl"))
SHARED = os.environ["MINIWDL__FILE_IO__ROOT"]
ROLE = "arn:aws:iam::123456789012:role/workflow"
AS_A_JOB = ("--workflow-queue", "q", "--workflow-role", ROLE, "--image", "none", "--follow")
ON_EFS = {"MINIWDL__SCHEDULER__CONTAINER_BACKEND": "aws_batch_job"}
ON_EC2 = {"MINIWDL__SCHEDULER__CONTAINER_BACKEND": "aws_batch_job_no_efs"}


def main() -> None:
    batch, logs = boto3.client("batch"), boto3.client("logs")
    make_queue(batch)

    place = ("--fsap", access_point(), "--mount", SHARED, "--dir", f"{SHARED}/good/.")
    followed = miniwdl("miniwdl-aws-submit", WORKFLOW, *AS_A_JOB, *place, **ON_EFS)
    expect("the exit code of a workflow that ends well", followed.returncode, 0)
    expect("its last line", followed.stderr.splitlines()[-1].split("\t")[0], "SUCCEEDED")
    expect("a retry in its log", "failed task will be retried" in followed.stderr, True)
    total = json.loads(Path(SHARED, "good/outputs.json").read_text())["squares.total"]
    expect("its total", total, sum(number**2 for number in range(10)))
    jobs = ended_jobs(batch)
    counts = Counter(job["status"] for job in jobs.values())
    expect("the jobs of each status", counts, {"SUCCEEDED": 12, "FAILED": 1})
    attempts = [exit_codes(jobs[name]) for name in ("square-3", "square-3-try2")]
    expect("the exit codes of number 3", attempts, [[75], [0]])
    expect("the log of its second job", log_of(logs, jobs["square-3-try2"]), ["attempt 2"])

    failed = miniwdl("miniwdl", "run", WORKFLOW, "failing=7", "--dir", f"{SHARED}/bad/.", **ON_EC2)
    expect("whether a workflow that fails has an exit code", failed.returncode != 0, True)
    cause = json.loads(Path(SHARED, "bad/error.json").read_text())["cause"]
    found = (cause["run"], cause["exit_status"], cause["statusReason"])
    expect("its cause", found, ("call-square-7", 2, "Essential container in task exited"))
    job = job_of(batch, cause["jobId"])
    end = (job["status"], exit_codes(job), log_of(logs, job))
    expect("the second job of number 7", end, ("FAILED", [2], ["attempt 2"]))
    print(f"miniwdl {version('miniwdl')} (miniwdl-aws {version('miniwdl-aws')})")


def access_point() -> str:
    """Of a file system that EFS knows; nothing is mounted."""
    efs = boto3.client("efs")
    file_system = efs.create_file_system(CreationToken="shared")["FileSystemId"]
    answer = efs.create_access_point(ClientToken="shared", FileSystemId=file_system)
    return answer["AccessPointId"]


def miniwdl(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **variables}
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environment)


def ended_jobs(batch: Any) -> dict[str, Any]:
    """By their names, without what miniwdl adds to make them unique."""
    pages = [batch.list_jobs(jobQueue="q", jobStatus=status) for status in ENDED]
    ids = [job["jobId"] for page in pages for job in page["jobSummaryList"]]
    jobs = [job_of(batch, job_id) for job_id in ids]
    return {job["jobName"].rpartition("-")[0]: job for job in jobs}


main()
