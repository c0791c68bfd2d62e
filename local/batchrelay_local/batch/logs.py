"""What jobs print, read as CloudWatch Logs would answer.

Standard output and standard error go into one file through one descriptor: their order is kept.
A file serves one attempt after the other, so there are as many files as jobs ever ran at once: to
create a file for each of 10,000 attempts can take longer than to run them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchrelay_local.batch.model import Attempt, Job

LOG_GROUP = "/aws/batch/job"
"""Source: Batch User Guide, job_states."""

LOG_EVENTS_MAX = 10_000
"""Events of one GetLogEvents answer. Source: GetLogEvents, limit."""


@dataclass(slots=True)
class _Stream:
    """The bytes of a file that one attempt wrote."""

    attempt: Attempt
    descriptor: int
    start: int
    end: int | None = None
    """None while it may still write."""


class Logs:
    """The log streams of this machine's jobs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._streams: dict[str, _Stream] = {}
        self._files: list[int] = []
        self._free: list[int] = []

    def open_stream(self, job: Job, attempt: Attempt) -> int:
        """Begin the stream of an attempt; the file descriptor to write to, which stays ours."""
        descriptor = self._free.pop() if self._free else self._new_file()
        start = os.fstat(descriptor).st_size
        self._streams[stream_name(job, attempt)] = _Stream(attempt, descriptor, start)
        return descriptor

    def close_stream(self, job: Job, attempt: Attempt) -> None:
        """Nothing writes to the stream of an attempt any more."""
        stream = self._streams[stream_name(job, attempt)]
        stream.end = os.fstat(stream.descriptor).st_size
        self._free.append(stream.descriptor)

    def close(self) -> None:
        """Close the files."""
        while self._files:
            os.close(self._files.pop())

    def get_log_events(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """The answer to GetLogEvents; None if there is no such stream here."""
        stream = self._streams.get(request.get("logStreamName", ""))
        if stream is None:
            return None
        lines = _text(stream).splitlines()
        limit = min(int(request.get("limit", LOG_EVENTS_MAX)), LOG_EVENTS_MAX)
        start, end = self._window(request, len(lines), limit)
        time = stream.attempt.stopped_at or stream.attempt.started_at
        return {
            "events": [
                {"timestamp": time, "message": line, "ingestionTime": time}
                for line in lines[start:end]
            ],
            "nextForwardToken": f"f/{end}",
            "nextBackwardToken": f"b/{start}",
        }

    def _window(self, request: dict[str, Any], count: int, limit: int) -> tuple[int, int]:
        direction, _, position = str(request.get("nextToken") or "").partition("/")
        if direction == "f":
            start = min(int(position), count)
            return start, min(start + limit, count)
        if direction == "b":
            end = min(int(position), count)
            return max(end - limit, 0), end
        if request.get("startFromHead"):
            return 0, min(limit, count)
        return max(count - limit, 0), count

    def _new_file(self) -> int:
        path = self._folder / f"{len(self._files)}.log"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._files.append(descriptor)
        return descriptor


def stream_name(job: Job, attempt: Attempt) -> str:
    """The log stream of an attempt. Source: reference §3.6."""
    return f"{job.spec.definition.name[:200]}/default/{attempt.task_id}"


def _text(stream: _Stream) -> str:
    end = os.fstat(stream.descriptor).st_size if stream.end is None else stream.end
    pieces, position = [], stream.start
    while position < end and (piece := os.pread(stream.descriptor, end - position, position)):
        pieces.append(piece)
        position += len(piece)
    return b"".join(pieces).decode(errors="replace")
