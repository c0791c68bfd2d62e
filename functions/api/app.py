"""API Gateway: start, list, read and cancel runs. A wrong request gets a problem document."""

from __future__ import annotations

import json
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from batchrelay.api import openapi
from batchrelay.api.service import problem
from batchrelay.api.views import run_document
from batchrelay.aws_lambda.metrics import record, record_redrive, record_start
from batchrelay.aws_lambda.wiring import begin_invocation, lambda_api
from batchrelay.domain.errors import CodecError, InputError, PathNotFound
from batchrelay.engine.outcome import Handled

logger = Logger()
metrics = Metrics()
app = APIGatewayRestResolver()


@app.get("/openapi.json")
def describe() -> Response[str]:
    return answer(openapi.document())


@app.get("/pipelines")
def list_pipelines() -> Response[str]:
    return answer(lambda_api().pipelines())


@app.get("/runs")
def list_runs() -> Response[str]:
    return answer(lambda_api().runs(app.current_event.query_string_parameters))


@app.get("/runs/<run_id>")
def get_run(run_id: str) -> Response[str]:
    return answer(lambda_api().run(run_id))


@app.get("/runs/<run_id>/history")
def get_history(run_id: str) -> Response[str]:
    return answer(lambda_api().history(run_id))


@app.get("/runs/<run_id>/steps/<step>")
def get_step(run_id: str, step: str) -> Response[str]:
    return answer(lambda_api().step(run_id, step))


@app.get("/runs/<run_id>/failures")
@app.get("/runs/<run_id>/steps/<step>/failures")
def get_failures(run_id: str, step: str | None = None) -> Response[str]:
    return answer(lambda_api().failures(run_id, step))


@app.get("/runs/<run_id>/steps/<step>/items/<number>")
def get_item(run_id: str, step: str, number: str) -> Response[str]:
    return answer(lambda_api().item(run_id, step, number))


@app.post("/pipelines/<name>/runs")
def start(name: str) -> Response[str]:
    key = app.current_event.headers.get("Idempotency-Key")
    handled = lambda_api().start(name, app.current_event.decoded_body, key)
    record_start(metrics, logger, handled)
    return answer(run_document(handled.run), 200 if handled.is_repeated else 201)


@app.post("/runs/<run_id>/cancel")
def cancel(run_id: str) -> Response[str]:
    handled = lambda_api().cancel(run_id, app.current_event.decoded_body)
    record(metrics, handled)
    return answer(run_document(handled.run), 202)


@app.post("/runs/<run_id>/redrive")
def redrive(run_id: str) -> Response[str]:
    handled = lambda_api().redrive(run_id, app.current_event.decoded_body)
    if not isinstance(handled, Handled):
        return answer(handled)
    record_redrive(metrics, logger, handled)
    return answer(run_document(handled.run), 202)


@app.post("/runs/<run_id>/resume")
def resume(run_id: str) -> Response[str]:
    handled = lambda_api().resume(run_id, app.current_event.decoded_body)
    record(metrics, handled)
    return answer(run_document(handled.run), 202)


def refuse(error: Exception) -> Response[str]:
    document = problem(error)
    is_ours = isinstance(error, CodecError)
    log = logger.error if is_ours else logger.warning
    what = "stored document unreadable" if is_ours else "request refused"
    log(what, extra={"reason": str(error)})
    return answer(document, document["status"])


app.exception_handler([InputError, UnicodeDecodeError, CodecError])(refuse)
app.not_found(lambda _: refuse(PathNotFound(f"there is no {app.current_event.path[:200]}")))


def answer(document: Any, status: int = 200) -> Response[str]:
    kind = "application/json" if status < 400 else "application/problem+json"
    return Response(status_code=status, content_type=kind, body=json.dumps(document))


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request."""
    begin_invocation(context)
    return app.resolve(event, context)
