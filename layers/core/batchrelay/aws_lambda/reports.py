"""Wires reports. The functions that write none do not import it: they start the faster."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from batchrelay.adapters.batch import BatchJobs
from batchrelay.adapters.cloudwatch_logs import CloudWatchLogs
from batchrelay.adapters.s3 import S3Objects
from batchrelay.api.failures import FailureReader
from batchrelay.api.views import run_document
from batchrelay.aws_lambda.wiring import SystemClock
from batchrelay.prices import list_prices
from batchrelay.report.collector import ReportSources
from batchrelay.report.end_of_run import EndReports
from batchrelay.report.measurement import CostMeasurement


def report_sources(make_client: Callable[..., Any]) -> ReportSources:
    """Where the facts of a run's report come from, for the command line."""
    return ReportSources(
        jobs=BatchJobs.described_at_length(make_client), objects=S3Objects(make_client=make_client)
    )


@cache
def lambda_measurement() -> CostMeasurement:
    """What measures jobs in this Lambda environment, made when it is first asked for."""
    jobs = BatchJobs.described_at_length()
    return CostMeasurement(jobs=jobs, region=jobs.region, prices=list_prices())


@cache
def lambda_reports() -> EndReports:
    """The reports of this Lambda environment, made when the first is asked for."""
    jobs, objects = BatchJobs.described_at_length(), S3Objects()
    return EndReports(
        sources=ReportSources(jobs=jobs, objects=objects),
        run_document=run_document,
        failures_of=FailureReader(objects=objects, jobs=jobs, logs=CloudWatchLogs()).of_run,
        clock=SystemClock(),
        region=jobs.region,
        prices=list_prices(),
    )
