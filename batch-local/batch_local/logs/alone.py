"""A CloudWatch Logs that has the streams of jobs, and nothing else."""

from __future__ import annotations

import json
from typing import Any

from batch_local.logs.api import ACTIONS, LogApi, group_of
from batch_local.logs.patterns import compiled
from batch_local.logs.streams import Logs


class JobLogs:
    """Answers requests of the service `logs`."""

    def __init__(self, logs: Logs) -> None:
        self._logs = logs
        self._api = LogApi(logs, lambda _group: {}, compiled)

    def handle(self, action: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """HTTP status and JSON body."""
        if action not in ACTIONS:
            return _refusal(
                "UnknownOperationException",
                f"{action} is not here: {', '.join(ACTIONS)} are, of the logs of jobs",
            )
        try:
            request = json.loads(body or b"{}")
        except ValueError:
            request = None
        if not isinstance(request, dict):
            return _refusal("SerializationException", "the request body is not a JSON object")
        return self._api.answer(action, request) or self._missing(group_of(request))

    def _missing(self, group: str) -> tuple[int, dict[str, Any]]:
        what = "stream" if self._logs.streams(group) else "group"
        return _refusal("ResourceNotFoundException", f"The specified log {what} does not exist.")


def _refusal(code: str, message: str) -> tuple[int, dict[str, Any]]:
    return 400, {"__type": code, "message": message}
