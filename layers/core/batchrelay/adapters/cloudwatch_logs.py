"""CloudWatch Logs: what jobs print."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from botocore.config import Config

from batchrelay.adapters.client_errors import AWS_ERRORS, classified
from batchrelay.adapters.clients import aws_client
from batchrelay.domain.errors import Denied
from batchrelay.domain.job_containers import log_place

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import GetLogEventsRequestTypeDef, OutputLogEventTypeDef

PAGES_MAX = 5
"""Pages that are read until one has a line: one may be empty though there are lines before it.
Source: GetLogEvents."""

CONNECT_TIMEOUT_S, READ_TIMEOUT_S, TRIES = 2, 5, 3
"""Of a call: a log explains a failure, and nothing waits for it."""

_SOON = Config(
    retries={"total_max_attempts": TRIES, "mode": "standard"},
    connect_timeout=CONNECT_TIMEOUT_S,
    read_timeout=READ_TIMEOUT_S,
)


@dataclass
class CloudWatchLogs:
    """Logs of jobs that AWS Batch still knows."""

    @cached_property
    def _jobs(self) -> BatchClient:
        client: BatchClient = aws_client("batch", config=_SOON)
        return client

    @cached_property
    def _client(self) -> CloudWatchLogsClient:
        client: CloudWatchLogsClient = aws_client("logs", config=_SOON)
        return client

    def tail(self, job_id: str, lines: int) -> tuple[str, ...]:
        """None either of a log that must not be read: why a job failed is known without it.

        Fewer than there are if they have more than a megabyte together: one page is read.
        """
        try:
            jobs = self._jobs.describe_jobs(jobs=[job_id])["jobs"]
        except AWS_ERRORS as error:
            raise classified(error) from error
        place = log_place(jobs[0]) if jobs else None
        if place is None:
            return ()
        try:
            return tuple(event["message"] for event in self._last_events(*place, lines))
        except self._client.exceptions.ResourceNotFoundException:
            return ()
        except AWS_ERRORS as error:
            problem = classified(error)
            if isinstance(problem, Denied):
                return ()
            raise problem from error

    def _last_events(self, group: str, stream: str, lines: int) -> list[OutputLogEventTypeDef]:
        """The same token twice says that there are none before. Source: GetLogEvents, nextToken."""
        request: GetLogEventsRequestTypeDef = {
            "logGroupName": group,
            "logStreamName": stream,
            "limit": lines,
            "startFromHead": False,
        }
        for _ in range(PAGES_MAX):
            answer = self._client.get_log_events(**request)
            token = answer["nextBackwardToken"]
            if answer["events"] or request.get("nextToken") == token:
                return answer["events"]
            request["nextToken"] = token
        return []
