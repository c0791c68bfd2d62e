"""schemathesis reads the OpenAPI document, and throws at the API what it allows, and what not."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode, checks
from schemathesis.core.result import Ok

from tests.builders import T0, MemoryCloud, pipeline, step
from tests.handlers import CONTEXT, api, serve

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")
EXAMPLES = int(os.environ.get("FUZZ", "10"))
"""For each operation."""

KNOWN = {"name": "test", "run_id": "run100", "step": "a", "number": 3}
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]
StartResponse = Callable[[str, list[tuple[str, str]]], object]


def gateway(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """API Gateway as a WSGI application, behind its authorisation: a request in, an answer out."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    query = [pair.partition("=") for pair in environ["QUERY_STRING"].split("&") if pair]
    body = environ["wsgi.input"].read(length) if length else None
    key = environ.get("HTTP_IDEMPOTENCY_KEY")
    path = environ["PATH_INFO"].encode("latin-1").decode(errors="replace")
    event = {
        "httpMethod": environ["REQUEST_METHOD"],
        "path": path.removeprefix("/v1"),
        "resource": path,
        "headers": {} if key is None else {"Idempotency-Key": key},
        "queryStringParameters": {name: value for name, _, value in query} or None,
        "body": None if body is None else body.decode(errors="replace"),
        "isBase64Encoded": False,
        "requestContext": {"stage": "v1", "requestId": "r"},
    }
    answer = api.handler(event, CONTEXT)
    [kind] = answer["multiValueHeaders"]["Content-Type"]
    start_response(f"{answer['statusCode']} status", [("Content-Type", kind)])
    return [answer["body"].encode()]


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> MemoryCloud:
    """A pipeline that may be started."""
    running = MemoryCloud(pipeline(step("a", size=10), step("b", "a")))
    running.pipelines.pipelines.clear()
    running.pipelines.register(pipeline(step("a", size=10), step("b", "a")), T0)
    assert serve(running, monkeypatch).start("test", None, None).run.id == KNOWN["run_id"]
    return running


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.usefixtures("cloud")
def test_every_answer_is_one_of_the_openapi_document(mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_wsgi("/openapi.json", gateway)
    del schema.raw_schema["security"]
    seen: Counter[int] = Counter()
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query):
            continue  # any text may stand in a path
        strategy = operation.as_strategy(generation_mode=mode)

        @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
        @given(strategy, st.booleans())
        def ask(case: Any, is_known: bool) -> None:
            if is_known:  # or hardly any request would get behind the 404
                case.path_parameters.update({n: KNOWN[n] for n in case.path_parameters})
            response = case.call()
            seen[response.status_code] += 1
            case.validate_response(response, checks=CHECKS)

        ask()
    print(seen)
    assert seen
