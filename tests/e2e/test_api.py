"""The API on the local cloud: signed requests, through API Gateway and the deployed function."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from batchrelay.aws_lambda.wiring import store
from batchrelay.domain.pipeline import Pipeline, Step
from batchrelay.domain.values import Json
from batchrelay_cli.stack.client import local_client_factory
from batchrelay_local.launch import LocalCloud
from tests.builders import T0
from tests.conftest import client_of, make_queue

pytestmark = pytest.mark.cloud
PATIENCE_S = 20


def ask(
    cloud: LocalCloud, method: str, path: str, body: Any = None, *, key: str = "", sign: bool = True
) -> tuple[int, Any]:
    """Status and document."""
    request = AWSRequest(
        method,
        cloud.outputs["ApiUrl"] + path,
        headers={"Content-Type": "application/json", **({"Idempotency-Key": key} if key else {})},
        data=None if body is None else json.dumps(body).encode(),
    )
    if sign:
        credentials = Credentials(cloud.access_key, cloud.secret)
        SigV4Auth(credentials, "execute-api", "us-east-1").add_auth(request)
    assert request.url is not None
    sent = urllib.request.Request(  # noqa: S310  # loopback
        request.url, data=request.data, headers=dict(request.headers), method=method
    )
    try:
        with urllib.request.urlopen(sent) as answer:  # noqa: S310
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


@pytest.fixture
def name(cloud: LocalCloud) -> str:
    """A registered pipeline whose one array never ends."""
    name = f"p-{uuid.uuid4().hex[:8]}"
    batch = client_of(cloud, "batch")
    make_queue(batch, name, slots=2)
    batch.register_job_definition(
        jobDefinitionName=name,
        type="container",
        containerProperties={
            "image": "none",
            "command": ["sleep", "100000"],
            "vcpus": 1,
            "memory": 64,
        },
    )
    request: dict[str, Json] = {
        "jobQueue": name,
        "jobDefinition": name,
        "arrayProperties": {"size": 3},
    }
    steps = (Step(name="wait", request=request), Step(name="after", needs=("wait",), request={}))
    pipelines = store(cloud.outputs["TableName"], local_client_factory(cloud.environment))
    pipelines.register(Pipeline(name=name, version=1, steps=steps), T0)
    return name


def until(condition: Callable[[], bool]) -> None:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < PATIENCE_S, "it takes too long"
        time.sleep(0.1)


def test_a_run_is_started_once_looked_at_and_cancelled(cloud: LocalCloud, name: str) -> None:
    status, run = ask(cloud, "POST", f"/pipelines/{name}/runs", {}, key="night 1")
    assert (status, run["status"]) == (201, "RUNNING")
    assert ask(cloud, "POST", f"/pipelines/{name}/runs", {}, key="night 1")[0] == 200
    path = f"/runs/{run['runId']}"
    assert [r["runId"] for r in ask(cloud, "GET", f"/runs?pipeline={name}")[1]["runs"]] == [
        run["runId"]
    ]
    assert name in [p["pipeline"] for p in ask(cloud, "GET", "/pipelines")[1]["pipelines"]]
    assert ask(cloud, "POST", f"{path}/cancel", {"reason": "enough"})[0] == 202
    until(lambda: ask(cloud, "GET", path)[1]["status"] == "CANCELLED")
    _, step = ask(cloud, "GET", f"{path}/steps/wait")
    assert (step["status"], step["stopped"], step["failed"]) == ("CANCELLED", 3, 0)
    [job] = client_of(cloud, "batch").describe_jobs(jobs=[step["jobs"][0]["jobId"]])["jobs"]
    assert job["status"] == "FAILED"
    _, document = ask(cloud, "GET", f"{path}/history")
    whats = [moment["what"] for moment in document["history"]]
    assert [what for what in whats if what.startswith("run ")][-1] == "run CANCELLED"


def test_a_wrong_request_is_answered_with_a_problem(cloud: LocalCloud) -> None:
    status, problem = ask(cloud, "POST", "/pipelines/absent/runs", {})
    assert (status, problem["detail"]) == (404, "there is no pipeline absent")
    assert ask(cloud, "GET", "/runs?limit=many")[0] == 400


def test_a_request_that_is_not_signed_is_forbidden(cloud: LocalCloud) -> None:
    assert ask(cloud, "GET", "/runs", sign=False)[0] == 403
