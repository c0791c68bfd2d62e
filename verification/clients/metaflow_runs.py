"""Two runs of metaflow_flow.py, looked at through Metaflow's own clients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
from expect import expect, job_counts, make_queue
from metaflow import Run, Runner, Task, metaflow_version
from metaflow.plugins.aws.batch.batch_client import BatchClient

FLOW = str(Path(__file__).with_name("metaflow_flow.py"))


def main() -> None:
    batch = boto3.client("batch")
    make_queue(batch)
    boto3.client("s3").create_bucket(Bucket="metaflow")

    run = run_of(failing=-1)
    expect("a run that ends well", (run.finished, run.successful), (True, True))
    expect("its total", run.data.total, 4 + 9 + 49)
    tasks = {task.index: task for task in run["square"]}
    tasks_by_number = dict(zip((2, 3, 7), (tasks[index] for index in range(3)), strict=True))
    attempts = {number: ends_of(task) for number, task in tasks_by_number.items()}
    good, bad = ("SUCCEEDED", 0), ("FAILED", 1)
    expect("the jobs of each number", attempts, {2: [good], 3: [bad, good], 7: [good]})
    lines = [line for line in tasks_by_number[3].stdout.splitlines() if line.startswith("attempt")]
    expect("the log of number 3", lines, ["attempt 1 at 3 in AWS_ECS_EC2"])

    run = run_of(failing=7)
    expect("a run that fails", (run.finished, run.successful), (False, False))
    [task] = [task for task in run["square"] if not task.successful]
    expect("the jobs of the task that failed", ends_of(task), [bad, bad])
    expect("its log", "no square of 7" in task.stderr.splitlines(), True)
    expect(
        "the jobs of each status", job_counts(batch, jobQueue="q"), {"SUCCEEDED": 5, "FAILED": 4}
    )
    print(f"Metaflow {metaflow_version.get_version()} (boto3 {boto3.__version__})")


def run_of(*, failing: int) -> Run:
    with Runner(FLOW, show_output=False).run(failing=failing) as running:
        return running.run


def ends_of(task: Task) -> list[tuple[str, int]]:
    """Status and exit code of the job of each of its attempts, as Metaflow's Batch client says."""
    ids = [entry for entry in task.metadata if entry.name == "aws-batch-job-id"]
    jobs: list[Any] = [
        BatchClient().attach_job(entry.value) for entry in sorted(ids, key=lambda e: e.created_at)
    ]
    return [(job.status, job.status_code) for job in jobs]


main()
