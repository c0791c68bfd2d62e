"""What doctor costs in an account at most, in cents; counted before anything is made."""

from __future__ import annotations

from dataclasses import dataclass

from batchrelay.prices import HOUR_S, Estimate, Place, Prices, Unknown
from batchrelay_cli.doctor.place import ATTEMPT_TIMEOUT_S
from batchrelay_cli.doctor.registry import PROBES

VCPUS, MEMORY_MIB = 0.25, 512
"""Of one attempt."""

START_S_MAX = 90
"""Seconds before the program starts that Fargate bills: the image, of 2 MB, is pulled."""

STOP_S_MAX = 30
"""Seconds between SIGTERM and SIGKILL. Source: Batch UG, job_timeouts."""

ATTEMPT_S_MAX = START_S_MAX + ATTEMPT_TIMEOUT_S + STOP_S_MAX

ADDRESS_USD_HOUR = 0.005
"""Of a public IPv4 address. Source: Amazon VPC pricing, written down from memory."""

SQS_REQUESTS_MAX = 10_000
"""An hour of looking for events, each received and deleted alone, and the rules' messages."""

S3_REQUESTS_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """No more than this."""

    cents: float
    attempts: int
    source: str
    """Date and source of the prices."""


def upper_bound(prices: Prices, region: str) -> Bound | Unknown:
    """By the attempts that the probes may take, each as long as an attempt can be.

    Free are: AWS Batch itself, events of AWS services, IAM, a log group without events.
    """
    attempts = sum(probe.attempts for probe in PROBES)
    seconds = attempts * ATTEMPT_S_MAX
    jobs = prices.cost_of(
        seconds=seconds,
        vcpus=VCPUS,
        memory_mib=MEMORY_MIB,
        place=Place(region=region),
        attempts=attempts,
    )
    if isinstance(jobs, Unknown):
        return jobs
    return Bound(
        cents=100 * (jobs.amount + _others(prices, seconds)),
        attempts=attempts,
        source=_sources(prices, jobs),
    )


def _others(prices: Prices, seconds: float) -> float:
    per_million = prices.per_million
    requests = (
        SQS_REQUESTS_MAX * per_million["sqs.requests"] + S3_REQUESTS_MAX * per_million["s3.puts"]
    )
    return seconds / HOUR_S * ADDRESS_USD_HOUR + requests / 1_000_000


def _sources(prices: Prices, jobs: Estimate) -> str:
    return f"Fargate: {jobs.source}; SQS, S3: {prices.source_of('services')}"
