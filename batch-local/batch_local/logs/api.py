"""The part of CloudWatch Logs that answers for the groups that jobs wrote to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import botocore.session
from botocore.model import Shape
from botocore.validate import ParamValidator

from batch_local.arns import ACCOUNT, REGION
from batch_local.logs.queries import (
    EventStream,
    LogsError,
    describe_log_streams,
    filter_log_events,
    get_log_events,
)
from batch_local.logs.streams import Logs

ACTIONS = ("GetLogEvents", "FilterLogEvents", "DescribeLogStreams", "DeleteLogStream")
"""Those that are answered here where jobs have written."""


class LogApi:
    """Reads jobs' streams, and others' streams of the same group with them.

    Args:
        logs: what jobs printed.
        others: the streams of a group that others wrote, by name; None if there is no such group.
        compiled: a filter pattern as a function of a message.
    """

    def __init__(
        self,
        logs: Logs,
        others: Callable[[str], Mapping[str, EventStream] | None],
        compile_pattern: Callable[[str], Callable[[str], bool]],
    ) -> None:
        self._logs = logs
        self._others = others
        self._compile_pattern = compile_pattern

    def answer(self, action: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]] | None:
        """HTTP status and JSON; None where no job has written, and the others' owner answers."""
        group = group_of(request)
        ours = self._logs.streams(group)
        others = self._others(group)
        if not ours or others is None:
            return None
        try:
            _validate(action, request)
            return 200, self._perform(action, request, group, ours, others)
        except LogsError as error:
            return 400, {"__type": error.code, "message": str(error)}
        except _NotOurs:
            return None

    def _perform(
        self,
        action: str,
        request: dict[str, Any],
        group: str,
        ours: Mapping[str, Any],
        others: Mapping[str, EventStream],
    ) -> dict[str, Any]:
        name = str(request.get("logStreamName", ""))
        if action in ("GetLogEvents", "DeleteLogStream") and name not in ours:
            raise _NotOurs
        if action == "DeleteLogStream":
            self._logs.forget(group, name)
            return {}
        if action == "GetLogEvents":
            self._logs.refresh({name: ours[name]})
            return get_log_events(ours[name], request)
        self._logs.refresh(ours)
        if action == "FilterLogEvents":
            matches = self._compile_pattern(request.get("filterPattern") or "")
            return filter_log_events({**others, **ours}, request, matches)
        arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}"
        return describe_log_streams({**others, **ours}, request, arn)


class _NotOurs(Exception):
    """A stream that no job wrote."""


def group_of(request: Mapping[str, Any]) -> str:
    """The group's name, which may be given as an ARN."""
    group = str(request.get("logGroupName") or request.get("logGroupIdentifier") or "")
    return group.partition(":log-group:")[2].removesuffix(":*") or group


def _validate(action: str, request: dict[str, Any]) -> None:
    report = ParamValidator().validate(request, _shape(action))
    if report.has_errors():
        raise LogsError("InvalidParameterException", report.generate_report())


@cache
def _shape(action: str) -> Shape:
    model = botocore.session.get_session().get_service_model("logs")
    shape = model.operation_model(action).input_shape
    assert shape is not None, action
    return shape
