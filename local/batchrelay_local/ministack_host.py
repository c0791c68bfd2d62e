"""MiniStack, and everything that we ask of its inside, but for its functions: those are in
ministack_functions.py. No other module imports it.

The hooks, each held by a test in tests/contract/test_ministack_hooks.py, so that an update of
MiniStack fails loudly:

1. `services.batch.handle_request` answers AWS Batch; ours takes its place.
2. `services.cloudwatch_logs.handle_request` answers CloudWatch Logs; ours reads jobs' logs first.
   `_log_groups` are the groups with their streams and events, `_create_log_group` makes one,
   `_compile_filter_pattern` reads a filter pattern.
3. `services.eventbridge._dispatch_event` puts an event of an `aws.*` source on the bus, which
   PutEvents refuses, as in AWS.
4. `services.eventbridge._rules` are the rules, and `_archives` the archives: an event that
   none of them can want is not written.
5. The environment variables of `ENVIRONMENT`, and `GATEWAY_PORT`, `STATE_DIR`, `S3_DATA_DIR`,
   `SERVICES` and `AWS_ENDPOINT_URL`, are written to `os.environ` and read when it is imported.
6. `services.scheduler._tick_schedules` is called by MiniStack's thread each
   `_SCHEDULE_TICK_INTERVAL` seconds; ours takes its place. It reads `_schedules._data`, by account,
   region and name, and sends with `services.eventbridge._invoke_target`.
7. `services.scheduler.handle_request` answers EventBridge Scheduler; what AWS refuses of a
   schedule's times is refused before.
8. `core.iam_evaluator.resolve_credential` answers a `ResolvedCredential` for the keys
   that its STS and IAM have made.
9. `app.detect_service` says which service a request reaches, `app._routing_params` from what.
11. `app.app` is the application; `app.SERVICE_REGISTRY` and `app.SERVICE_NAME_ALIASES` name its
   services.
12. `core.responses.set_request_account_id` and `set_request_region` say for whom hook 6 invokes.
"""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from batch_local import ACCOUNT, REGION
from batch_local.embedding import (
    ACTIONS,
    Asgi,
    BusEvent,
    HttpServer,
    Job,
    LogApi,
    Logs,
    SignedRequest,
    group_of,
)
from batchrelay_local.event_patterns import may_want
from batchrelay_local.schedules.context import with_context
from batchrelay_local.schedules.due import DueSchedules
from batchrelay_local.schedules.requests import refusal
from batchrelay_local.services import SERVICES

Answer = tuple[int, dict[str, str], bytes]

SCHEDULE_TICK_S = 1
"""AWS fires within the minute; a person who tries a schedule waits for it."""

ScheduleKey = tuple[str, str, str]
"""Account, region, and "group/name"."""

BatchHandler = Callable[[str, str, bytes, Mapping[str, list[str]]], tuple[int, dict[str, Any]]]

ENVIRONMENT = {
    "BIND_HOST": "127.0.0.1",
    "MINISTACK_HOST": "127.0.0.1",
    "IOT_MTLS_ENABLED": "0",  # or it opens a port on all interfaces
    "SFTP_ENABLED": "0",
    "LOG_LEVEL": "WARNING",
    "MINISTACK_REGION": REGION,
    "DOCKER_HOST": "unix:///nowhere",  # no container is ever looked for
}


class MiniStackHost:
    """One process's AWS on one port of the loopback interface.

    Args:
        port: 0 for a free one.
        folder: where MiniStack may write, instead of a shared temporary folder.
        service_names: the services that are on; None for all.

    Raises:
        OSError: the port is taken.
    """

    def __init__(self, port: int, folder: Path, service_names: frozenset[str] | None) -> None:
        self._server = HttpServer(port)
        self.endpoint = f"http://127.0.0.1:{self._server.port}"
        os.environ.update(ENVIRONMENT | {"GATEWAY_PORT": str(self._server.port)})
        os.environ["STATE_DIR"] = str(folder / "state")
        os.environ["S3_DATA_DIR"] = str(folder / "s3")
        if service_names is not None:
            os.environ["SERVICES"] = ",".join(sorted(service_names))
        os.environ["AWS_ENDPOINT_URL"] = self.endpoint
        self._due: DueSchedules[ScheduleKey] = DueSchedules()
        self._schedules_began = threading.Event()

    def install_batch(self, handle: BatchHandler) -> None:
        """AWS Batch is answered by this."""
        from ministack.services import batch

        async def handle_request(
            method: str, path: str, _headers: Any, body: bytes, query: Any
        ) -> Answer:
            status, document = handle(method, path, body, query)
            return _json_answer(status, document)

        batch.handle_request = handle_request

    def install_logs(self, logs: Logs) -> None:
        """The log streams of jobs are read from this; all others from MiniStack."""
        from ministack.services import cloudwatch_logs

        theirs = cloudwatch_logs.handle_request
        api = LogApi(logs, _other_streams, cloudwatch_logs._compile_filter_pattern)  # noqa: SLF001  # hook 2
        logs.ensure_group = _ensure_group

        async def handle_request(
            method: str, path: str, headers: Any, body: bytes, query: Any
        ) -> Answer:
            action = headers.get("x-amz-target", "").rpartition(".")[2]
            request = _document(body)
            ours = api.answer(action, request) if action in ACTIONS else None
            if ours is not None:
                return _json_answer(*ours)
            answer: Answer = await theirs(method, path, headers, body, query)
            if action == "DeleteLogGroup" and answer[0] == 200:
                logs.forget(group_of(request))
            return answer

        cloudwatch_logs.handle_request = handle_request

    def install_schedules(self) -> None:
        """Schedules are due as in AWS, once `begin_schedules` was called."""
        from ministack.services import scheduler

        theirs = scheduler.handle_request

        async def handle_request(
            method: str, path: str, headers: Any, body: bytes, query: Any
        ) -> Answer:
            if method in ("POST", "PUT") and path.startswith("/schedules/"):
                problem = refusal(body)
                if problem is not None:
                    error = {"__type": "ValidationException", "Message": problem}
                    return _json_answer(400, error)
            answer: Answer = await theirs(method, path, headers, body, query)
            return answer

        scheduler.handle_request = handle_request  # hook 7
        scheduler._tick_schedules = self._fire_schedules  # noqa: SLF001  # hook 6
        scheduler._SCHEDULE_TICK_INTERVAL = SCHEDULE_TICK_S  # noqa: SLF001  # hook 6

    def begin_schedules(self) -> None:
        """Fire what is due from now on. A rate of the stack itself begins one interval later."""
        self._due.at(datetime.now(UTC), _schedules())
        self._schedules_began.set()

    def _fire_schedules(self) -> None:
        from ministack.services import scheduler

        if not self._schedules_began.is_set():
            return
        records = _schedules()
        due = self._due.at(datetime.now(UTC), records)
        for firing in due.firings:
            _fire(firing.key, records[firing.key], firing.time)
        for key in due.completed:
            scheduler._schedules._data.pop(key, None)  # noqa: SLF001  # hook 6

    def start(self, wrap: Callable[[Asgi], Asgi]) -> None:
        """Serve; requests are answered when this returns. `wrap` sees every request first."""

        def make_app() -> Asgi:
            from ministack.app import app

            return wrap(app)

        self._server.start(make_app)

    def is_wanted(self, job: Job) -> bool:
        """Whether a rule or an archive could want this job's state change; True when in doubt."""
        from ministack.services import eventbridge

        try:
            patterns = [r.get("EventPattern") or "" for r in list(eventbridge._rules.values())]  # noqa: SLF001  # hook 4
            has_archive = bool(list(eventbridge._archives.values()))  # noqa: SLF001  # hook 4
        except RuntimeError:  # they are being changed at this very moment
            return True
        is_child = job.parent is not None
        return has_archive or any(may_want(text, str(job.status), is_child) for text in patterns)

    def session_secret(self, access_key: str) -> str | None:
        """The secret of a key that this cloud's STS or IAM has made; None if it has made none."""
        from ministack.core.iam_evaluator import ResolvedCredential, resolve_credential

        credential = resolve_credential(access_key, ACCOUNT)  # hook 8
        is_made = isinstance(credential, ResolvedCredential) and credential.principal_type != "Root"
        return credential.secret_access_key if is_made else None

    def publish(self, events: list[BusEvent]) -> None:
        """Put events on the default bus, in order, soon; from any thread."""
        self._server.call_soon(_dispatch, events)

    def stop(self) -> None:
        """Close the port."""
        self._server.stop()


def services(extra: Sequence[str]) -> frozenset[str]:
    """The services that are on: those of batchrelay, and what the user adds.

    Raises:
        ValueError: MiniStack has no such service.
    """
    from ministack.app import SERVICE_NAME_ALIASES, SERVICE_REGISTRY

    unknown = [n for n in extra if n not in SERVICE_REGISTRY and n not in SERVICE_NAME_ALIASES]
    if unknown:
        names = ", ".join(sorted(SERVICE_REGISTRY))
        raise ValueError(f"there is no service {', '.join(unknown)}; known: {names}")
    return SERVICES | frozenset(extra)


def routed_service(request: SignedRequest, path: str, body: bytes) -> str:
    """The service that MiniStack gives a request to."""
    from ministack.app import _routing_params, detect_service  # hook 9

    query = parse_qs(request.query, keep_blank_values=True)
    headers = dict(request.headers)
    params = _routing_params(request.method, path, headers, body, query)
    service: str = detect_service(request.method, path, headers, params)
    return service


class _OtherStream:
    """A stream of MiniStack, as ours are read. Hook 2."""

    def __init__(self, stream: Mapping[str, Any]) -> None:
        self.created_at: int = stream["creationTime"]
        self._events: list[dict[str, Any]] = stream["events"]

    def __len__(self) -> int:
        return len(self._events)

    def time(self, index: int) -> int:
        return int(self._events[index]["timestamp"])

    def size(self, index: int) -> int:
        return len(self._events[index]["message"].encode())

    def messages(self, start: int, end: int) -> list[str]:
        return [event["message"] for event in self._events[start:end]]


def _other_streams(group: str) -> Mapping[str, _OtherStream] | None:
    """The streams of a group that no job wrote; None if there is no such group."""
    from ministack.services import cloudwatch_logs

    log_group = cloudwatch_logs._log_groups.get(group)  # noqa: SLF001  # hook 2
    if log_group is None:
        return None
    return {name: _OtherStream(stream) for name, stream in list(log_group["streams"].items())}


def _ensure_group(group: str, is_created: bool) -> bool:
    """Whether a log group is there, or was created."""
    from ministack.services import cloudwatch_logs

    if group not in cloudwatch_logs._log_groups and is_created:  # noqa: SLF001  # hook 2
        cloudwatch_logs._create_log_group({"logGroupName": group})  # noqa: SLF001  # hook 2
    return group in cloudwatch_logs._log_groups  # noqa: SLF001  # hook 2


def _document(body: bytes) -> dict[str, Any]:
    """A request's JSON; MiniStack says what is wrong with one that is not."""
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _dispatch(events: list[BusEvent]) -> None:
    from ministack.services import eventbridge

    for event in events:
        eventbridge._dispatch_event(  # noqa: SLF001  # hook 3
            {
                "EventId": event.id,
                "Source": "aws.batch",
                "DetailType": event.detail_type,
                "Detail": event.detail,
                "EventBusName": "default",
                "Time": int(time.time()),
                "Resources": event.resources,
                "Account": ACCOUNT,
                "Region": REGION,
            }
        )


def _schedules() -> dict[ScheduleKey, dict[str, Any]]:
    """All that are stored; a copy, since requests change them meanwhile."""
    from ministack.services import scheduler

    return dict(list(scheduler._schedules._data.items()))  # noqa: SLF001  # hook 6


def _fire(key: ScheduleKey, record: Mapping[str, Any], time: datetime) -> None:
    """Invoke a schedule's target, once. Context attributes of its input become what they say."""
    from ministack.core import responses
    from ministack.services import eventbridge

    account, region, _ = key
    responses.set_request_account_id(account)
    responses.set_request_region(region)
    execution_id = str(uuid.uuid4())
    event = {
        "EventId": execution_id,
        "Source": "aws.scheduler",
        "DetailType": "Scheduled Event",
        "Detail": "{}",
        "Time": int(time.timestamp()),
        "Resources": [record["Arn"]],
        "Account": account,
        "Region": region,
    }
    target = dict(record["Target"])
    if isinstance(target.get("Input"), str):
        target["Input"] = with_context(target["Input"], record["Arn"], time, execution_id)
    eventbridge._invoke_target(target, event, record)  # noqa: SLF001  # hook 6


def _json_answer(status: int, document: dict[str, Any]) -> Answer:
    headers = {"Content-Type": "application/json"}
    if status >= 400:
        headers["x-amzn-errortype"] = str(document["__type"])
    return status, headers, json.dumps(document).encode()
