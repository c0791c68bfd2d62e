"""API Gateway: start, list, look, cancel. What the caller got wrong is a problem document."""

from __future__ import annotations

import json
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from batchrelay.api import openapi
from batchrelay.api.service import problem
from batchrelay.api.views import run_document
from batchrelay.aws_lambda.metrics import record, record_start
from batchrelay.aws_lambda.wiring import begin_invocation, lambda_api
from batchrelay.domain.errors import CodecError, InputError, PathNotFound

logger, metrics, app = Logger(), Metrics(), APIGatewayRestResolver()

app.get("/openapi.json")(lambda: answer(openapi.document()))
app.get("/pipelines")(lambda: answer(lambda_api().pipelines()))
app.get("/runs")(lambda: answer(lambda_api().runs(app.current_event.query_string_parameters)))
app.get("/runs/<run_id>")(lambda run_id: answer(lambda_api().run(run_id)))
app.get("/runs/<run_id>/story")(lambda run_id: answer(lambda_api().story(run_id)))
app.get("/runs/<run_id>/steps/<step>")(lambda **ids: answer(lambda_api().step(**ids)))


@app.post("/pipelines/<name>/runs")
def start(name: str) -> Response[str]:
    key = app.current_event.headers.get("Idempotency-Key")
    handled = lambda_api().start(name, app.current_event.decoded_body, key)
    record_start(metrics, logger, handled)
    return answer(run_document(handled.run), 200 if handled.is_repeated else 201)


@app.post("/runs/<run_id>/cancel")
def cancel(run_id: str) -> Response[str]:
    record(metrics, handled := lambda_api().cancel(run_id, app.current_event.decoded_body))
    return answer(run_document(handled.run), 202)


@app.exception_handler([InputError, UnicodeDecodeError])
def refused(error: Exception) -> Response[str]:
    logger.warning("request refused", extra={"reason": str(error)})
    return answer(document := problem(error), document["status"], "application/problem+json")


@app.exception_handler(CodecError)
def unreadable(error: CodecError) -> Response[str]:
    logger.error("stored document unreadable", extra={"reason": str(error)})
    return answer(document := problem(error), document["status"], "application/problem+json")


app.not_found(lambda _: refused(PathNotFound(f"there is no {app.current_event.path[:200]}")))


def answer(document: Any, status: int = 200, kind: str = "application/json") -> Response[str]:
    return Response(status_code=status, content_type=kind, body=json.dumps(document))


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request."""
    begin_invocation(context)
    return app.resolve(event, context)
