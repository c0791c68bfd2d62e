"""The queue and the bucket that the workflow needs, and what became of its jobs."""

import sys

import boto3

batch, s3 = boto3.client("batch"), boto3.client("s3")
QUEUE, BUCKET = "q", "snakemake-files"


def make() -> None:
    batch.create_compute_environment(
        computeEnvironmentName="e",
        type="MANAGED",
        computeResources={"type": "EC2", "maxvCpus": 2, "subnets": ["none"]},
    )
    order = [{"order": 1, "computeEnvironment": "e"}]
    batch.create_job_queue(jobQueueName=QUEUE, priority=1, computeEnvironmentOrder=order)
    s3.create_bucket(Bucket=BUCKET)


def show() -> None:
    jobs = batch.list_jobs(jobQueue=QUEUE, jobStatus="SUCCEEDED")["jobSummaryList"]
    total = s3.get_object(Bucket=BUCKET, Key="total.txt")["Body"].read().decode().strip()
    print(f"{len(jobs)} jobs SUCCEEDED, the total is {total}")


if __name__ == "__main__":
    {"make": make, "show": show}[sys.argv[1]]()
