"""An asset that a job makes, with messages through its log and through S3; one of an array."""

# no `from __future__ import annotations`: Dagster reads the annotations of an asset
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import boto3
from dagster import (
    AssetExecutionContext,
    Config,
    ExecuteInProcessResult,
    Failure,
    MaterializeResult,
    PipesEnvContextInjector,
    RunConfig,
    asset,
    materialize,
    open_pipes_session,
)
from dagster_aws.pipes import (
    PipesCloudWatchMessageReader,
    PipesS3ContextInjector,
    PipesS3MessageReader,
)
from expect import ENDED, JOB, exit_codes, expect, job_counts, job_of, log_of, make_queue

COMMAND = [sys.executable, str(Path(__file__).with_name("dagster_job.py"))]
BUCKET = "pipes"
batch, logs, s3 = boto3.client("batch"), boto3.client("logs"), boto3.client("s3")


class Number(Config):
    """What is squared, and the way of the messages."""

    number: int
    way: str


@asset
def squared(context: AssetExecutionContext, config: Number) -> MaterializeResult:
    """What Dagster's own client of ECS does, with a job of AWS Batch for the task of ECS."""
    way, extras = config.way, {"number": config.number}
    with open_pipes_session(context, **way_of(way), extras=extras) as session:
        variables = session.get_bootstrap_env_vars().items()
        overrides = {
            "command": [*COMMAND, way],
            "environment": [{"name": name, "value": value} for name, value in variables],
        }
        job = end_of(submit(way, containerOverrides=overrides))
        stream = job["container"]["logStreamName"]
        session.report_launched({"extras": {"log_group": "/aws/batch/job", "log_stream": stream}})
        check_end(job)
    [result] = session.get_results()
    return result


@asset
def squares() -> MaterializeResult:
    """An array of jobs, by boto3 alone."""
    job = end_of(submit("array", arrayProperties={"size": 20}))
    check_end(job)
    return MaterializeResult()


def main() -> None:
    make_queue(batch)
    s3.create_bucket(Bucket=BUCKET)
    batch.register_job_definition(**JOB)
    for way in ("log", "s3"):
        result = result_of(squared, number=9, way=way)
        [made] = result.asset_materializations_for_node("squared")
        expect(f"the square through the {way}", made.metadata["squared"].value, 81)
        failure = failure_of(result_of(squared, number=7, way=way))
        expect("the failure of number 7", failure, "Essential container in task exited [2]")
    [job] = [job for job in ended_jobs("s3") if job["status"] == "SUCCEEDED"]
    expect("the log of a job", log_of(logs, job), ["attempt 1 at 9"])

    expect("the failure of the array", failure_of(result_of(squares)), "Array Child Job failed []")
    [array] = ended_jobs("array")
    counts = job_counts(batch, arrayJobId=array["jobId"])
    expect("its children", counts, {"SUCCEEDED": 19, "FAILED": 1})
    codes = [exit_codes(job_of(batch, f"{array['jobId']}:{index}")) for index in (3, 7)]
    expect("the exit codes of children 3 and 7", codes, [[75, 0], [2]])
    print(f"Dagster {version('dagster')} (dagster-aws {version('dagster-aws')})")


def way_of(way: str) -> dict[str, Any]:
    """How the context reaches a job, and its messages Dagster."""
    if way == "log":
        return {
            "context_injector": PipesEnvContextInjector(),
            "message_reader": PipesCloudWatchMessageReader(client=logs),
        }
    return {
        "context_injector": PipesS3ContextInjector(bucket=BUCKET, client=s3),
        "message_reader": PipesS3MessageReader(bucket=BUCKET, client=s3, interval=0.2),
    }


def submit(name: str, **request: Any) -> str:
    return batch.submit_job(jobName=name, jobQueue="q", jobDefinition="square", **request)["jobId"]


def end_of(job_id: str) -> Any:
    while (job := job_of(batch, job_id))["status"] not in ENDED:
        time.sleep(0.3)
    return job


def check_end(job: Any) -> None:
    if job["status"] == "FAILED":
        raise Failure(f"{job['statusReason']} {exit_codes(job)}", allow_retries=False)


def result_of(made: Any, **config: Any) -> ExecuteInProcessResult:
    settings = RunConfig(ops={"squared": Number(**config)}) if config else None
    return materialize([made], run_config=settings, raise_on_error=False)


def failure_of(result: ExecuteInProcessResult) -> str:
    [event] = [event for event in result.all_events if event.is_step_failure]
    return event.step_failure_data.error.message.partition(": ")[2].strip()


def ended_jobs(name: str) -> list[Any]:
    named = [{"name": "JOB_NAME", "values": [name]}]
    summaries = batch.list_jobs(jobQueue="q", filters=named)["jobSummaryList"]
    return [job_of(batch, summary["jobId"]) for summary in summaries]


main()
