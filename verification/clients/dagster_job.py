"""What a job runs: it squares its number, and says so to Dagster, through its log or through S3."""

from __future__ import annotations

import os
import sys

import boto3
from dagster_pipes import PipesS3ContextLoader, PipesS3MessageWriter, open_dagster_pipes


def main(way: str) -> None:
    with open_dagster_pipes(**(through_s3() if way == "s3" else {})) as pipes:
        number = pipes.get_extra("number")
        print(f"attempt {os.environ['AWS_BATCH_JOB_ATTEMPT']} at {number}", flush=True)
        if number == 7:
            sys.exit(2)
        pipes.report_asset_materialization(metadata={"squared": number**2})


def through_s3() -> dict[str, object]:
    client = boto3.client("s3")
    return {
        "context_loader": PipesS3ContextLoader(client=client),
        "message_writer": PipesS3MessageWriter(client=client),
    }


main(*sys.argv[1:])
