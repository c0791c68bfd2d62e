"""What jobs print, a file an attempt; read as CloudWatch Logs would answer.

Standard output and standard error go into one file through one descriptor: their order is kept.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from batchrelay_local.batch.model import Attempt, Job

LOG_GROUP = "/aws/batch/job"
"""Source: Batch User Guide, job_states."""

LOG_EVENTS_MAX = 10_000
"""Events of one GetLogEvents answer. Source: GetLogEvents, limit."""


class Logs:
    """The log streams of this machine's jobs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._attempts: dict[str, Attempt] = {}

    def open_stream(self, job: Job, attempt: Attempt) -> tuple[str, Path]:
        """The stream of an attempt and the file behind it. Source: reference §3.6."""
        stream = f"{job.spec.definition.name[:200]}/default/{attempt.task_id}"
        self._attempts[stream] = attempt
        return stream, self._file(attempt)

    def get_log_events(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """The answer to GetLogEvents; None if there is no such stream here."""
        attempt = self._attempts.get(request.get("logStreamName", ""))
        if attempt is None:
            return None
        lines = self._file(attempt).read_text(errors="replace").splitlines()
        limit = min(int(request.get("limit", LOG_EVENTS_MAX)), LOG_EVENTS_MAX)
        start, end = self._window(request, len(lines), limit)
        time = attempt.stopped_at or attempt.started_at
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

    def _file(self, attempt: Attempt) -> Path:
        return self._folder / f"{attempt.task_id}.log"
