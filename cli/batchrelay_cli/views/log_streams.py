"""The log streams of a job, and one of them read as it grows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from batchrelay.domain.job_containers import LOG_GROUP, containers_of_attempt, containers_of_job
from batchrelay_cli.stack.client import LOG_LINES_MAX, Stack


@dataclass(frozen=True, kw_only=True)
class LogStream:
    """Where one container of one attempt writes."""

    group: str
    name: str
    container: str = ""
    """Its name, where the job has several."""


def streams_of(job: Mapping[str, Any]) -> list[LogStream]:
    """Those of a JobDetail, in the order of its attempts; none before its first has begun.

    A pod has no log in AWS Batch. Source: JobDetail.
    """
    containers = containers_of_job(job)
    attempts = [containers_of_attempt(attempt) for attempt in job.get("attempts", ())]
    groups = {container.get("name"): _group_of(container) for container in containers}
    streams = {}
    for container in (*(one for attempt in attempts for one in attempt), *containers):
        name = container.get("logStreamName")
        if name:
            stream = LogStream(
                group=groups.get(container.get("name"), LOG_GROUP),
                name=str(name),
                container=str(container.get("name") or "") if len(containers) > 1 else "",
            )
            streams[stream.group, stream.name] = stream
    return list(streams.values())


def _group_of(container: Mapping[str, Any]) -> str:
    options = (container.get("logConfiguration") or {}).get("options") or {}
    return str(options.get("awslogs-group", LOG_GROUP))


@dataclass(kw_only=True, eq=False)
class Tail:
    """A stream and how far it was read. It may begin with its last lines."""

    stack: Stack
    stream: LogStream
    from_head: bool
    is_at_end: bool = False
    """Whether the last page had nothing new."""
    _token: str | None = None

    def page(self) -> Iterator[str]:
        """The next lines; none yet of a stream that is not there yet.

        The same token again says that there is no more for now. Source: GetLogEvents,
        nextForwardToken.
        """
        begin: dict[str, Any] = {"startFromHead": self.from_head, "limit": LOG_LINES_MAX}
        token: dict[str, Any] = {"startFromHead": True, "nextToken": self._token}
        logs = self.stack.logs
        try:
            answer = logs.get_log_events(
                logGroupName=self.stream.group,
                logStreamName=self.stream.name,
                **(begin if self._token is None else token),
            )
        except logs.exceptions.ResourceNotFoundException:
            self.is_at_end = True
            return
        self.is_at_end = answer["nextForwardToken"] == self._token
        self._token = answer["nextForwardToken"]
        yield from (event["message"] for event in answer["events"])
