"""CPU of OnJobEvent for one event, warm, beside the same calls of boto3 alone.

`python -m benchmarks.hot_handler` prints {"handled", "bare"}, in seconds, to standard error: its
output is the function's log. AWS is in memory: the
answer of a call is there before a socket is opened, so that what is measured is ours and boto3's.
Every event is the first of its run again.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from io import BytesIO
from statistics import median
from types import SimpleNamespace
from typing import Any

import boto3
from botocore import xform_name
from botocore.awsrequest import AWSResponse

from batchrelay.codec import deflated, pipeline_text
from batchrelay.domain.events import JobSucceeded
from benchmarks.midway import Midway

STEPS, EVENTS, TRIALS = 10, 100, 9
CONTEXT = SimpleNamespace(
    function_name="OnJobEvent",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:OnJobEvent",
    aws_request_id="id",
    get_remaining_time_in_millis=lambda: 300_000,
)

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "benchmark",
    "AWS_SECRET_ACCESS_KEY": "benchmark",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_LAMBDA_FUNCTION_NAME": "OnJobEvent",
    "BATCHRELAY_TABLE": "t",
    "BATCHRELAY_BUCKET": "b",
    "BATCHRELAY_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:t",
    "BATCHRELAY_PREPARE_QUEUE_URL": "http://q",
    "BATCHRELAY_TRIGGER_QUEUE_URL": "http://q",
    "BATCHRELAY_RUN_TTL_DAYS": "90",
    "POWERTOOLS_METRICS_NAMESPACE": "batchrelay",
    "POWERTOOLS_SERVICE_NAME": "batchrelay",
}


def cpu_of_an_event() -> tuple[float, float]:
    """Seconds, in a process of its own: of the function, and of its calls alone."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.hot_handler"],
        env={**os.environ, **ENVIRONMENT},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )
    measured = json.loads(done.stderr.splitlines()[-1])
    return measured["handled"], measured["bare"]


class _Aws:
    """Answers every call of a session that is the default, and notes what it was given."""

    def __init__(self, answer: Callable[[str, str], Any]) -> None:
        self._answer_to = answer
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        """Service, operation and parameters."""
        session: Any = boto3.Session()
        boto3.DEFAULT_SESSION = session
        events = session.events
        events.register("before-send", self._answer)
        events.register("provide-client-params", self._note)

    def _note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.calls.append((model.service_model.service_name, model.name, dict(params)))

    def _answer(self, request: Any, event_name: str, **_: Any) -> Any:
        operation, asked = event_name.rpartition(".")[2], request.body.decode()
        headers: Any = {"content-type": "application/json"}
        body = BytesIO(json.dumps(self._answer_to(operation, asked)).encode())
        body.stream = lambda *_args, **_options: iter([body.getvalue()])  # type: ignore[attr-defined]
        return AWSResponse(request.url, 200, headers, body)


def _world() -> tuple[Callable[[str, str], Any], dict[str, Any]]:
    """What AWS answers, and the event: a job in the midst of a chain has succeeded."""
    midway = Midway.of(STEPS)
    assert isinstance(midway.event, JobSucceeded)
    run = {"version": {"N": "3"}, "document": _attribute(deflated(midway.text.encode()))}
    definition = {"document": _attribute(deflated(pipeline_text(midway.run.pipeline)))}
    submitted = {"jobId": "12345678-1234-4234-8234-999999999999", "jobName": "j"}

    def answer(operation: str, asked: str) -> Any:
        if operation == "GetItem":
            return {"Item": definition if "PIPELINE#" in asked else run}
        return submitted if operation == "SubmitJob" else {}

    key = midway.event.key
    detail = {"jobId": midway.event.job_id, "jobName": key.name, "status": "SUCCEEDED"}
    event = {"source": "aws.batch", "detail-type": "Batch Job State Change", "detail": detail}
    return answer, {"Records": [{"messageId": "m", "body": json.dumps(event)}]}


def _attribute(document: str | bytes) -> dict[str, str]:
    if isinstance(document, str):
        return {"S": document}
    return {"B": base64.b64encode(document).decode()}


def _measured() -> tuple[float, float]:
    from functions.on_job_event.app import handler

    answer, event = _world()
    aws = _Aws(answer)
    handler(event, CONTEXT)
    aws.calls.clear()
    assert handler(event, CONTEXT) == {"batchItemFailures": []}
    calls = list(aws.calls)
    assert [name for _, name, _ in calls] == ["GetItem", "PutItem", "SubmitJob", "PutItem"]
    make_client: Callable[..., Any] = boto3.client
    clients = {service: make_client(service) for service, _, _ in calls}
    bound = [
        (getattr(clients[service], xform_name(operation)), params)
        for service, operation, params in calls
    ]

    def bare() -> None:
        for call, params in bound:
            call(**params)

    pairs = [(_cpu(lambda: handler(event, CONTEXT)), _cpu(bare)) for _ in range(TRIALS)]
    handled, alone = (median(seconds) for seconds in zip(*pairs, strict=True))
    return handled, alone


def _cpu(action: Callable[[], object]) -> float:
    began = time.process_time()
    for _ in range(EVENTS):
        action()
    return (time.process_time() - began) / EVENTS


if __name__ == "__main__":
    of_handler, of_calls = _measured()
    print(json.dumps({"handled": of_handler, "bare": of_calls}), file=sys.stderr)
