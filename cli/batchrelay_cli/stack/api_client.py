"""A stack that stays, in AWS or in a local cloud: found by its name, called by its API's function.

The function is invoked directly: that takes `lambda:InvokeFunction` and no URL, and the answers are
those of the API.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlsplit

import click
from botocore.exceptions import BotoCoreError, ClientError

from batchrelay.domain.run import RunStatus
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.stack.client import (
    FunctionFailedError,
    InvalidSettingsError,
    Stack,
    environment_clients,
    find_stack,
)

_OPEN = tuple(status for status in RunStatus if not status.is_terminal)


_SETTINGS = "set AWS_REGION and AWS_PROFILE, or AWS_ENDPOINT_URL of a cloud that is up"
_LOCAL_UP = (
    "start a local cloud with `batchrelay local up` and paste the export lines that it prints"
)


class ApiProblem(UsageProblem):
    """The API answered that the caller has to change something."""

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.status = status
        """HTTP's: 404 if there is no such run."""


@contextmanager
def open_stack(stack_name: str) -> Iterator[Stack]:
    """The stack; what AWS says against it is one clear line."""
    try:
        stack = find_stack(stack_name)
        if "AnswerApiName" not in stack.outputs:
            raise UsageProblem(f"stack {stack_name} does not belong to this version of batchrelay")
        yield stack
    except ClientError as error:
        raise UsageProblem(_sentence(error, stack_name)) from None
    except FunctionFailedError as error:
        raise click.ClickException(str(error)) from None
    except (BotoCoreError, InvalidSettingsError) as error:
        raise UsageProblem(f"{str(error).rstrip('.')}: {_SETTINGS}, or {_LOCAL_UP}") from None


@contextmanager
def account_client(service: str) -> Iterator[Any]:
    """A client of a service without any stack; what AWS says against it is one clear line."""
    try:
        yield environment_clients()(service)
    except ClientError as error:
        raise UsageProblem(str(error)) from None
    except (BotoCoreError, InvalidSettingsError) as error:
        raise UsageProblem(f"{str(error).rstrip('.')}: {_SETTINGS}") from None


def _sentence(error: ClientError, stack_name: str) -> str:
    """CloudFormation has no error of its own for a stack that is not there, only this one for what
    DescribeStacks was asked for: a name of a stack. Source: DescribeStacks, StackName."""
    is_missing = error.response["Error"]["Code"] == "ValidationError"
    if error.operation_name == "DescribeStacks" and is_missing:
        return f"there is no stack {stack_name}: deploy it with `sam deploy`, or {_LOCAL_UP}"
    return str(error)


def start_run(
    stack: Stack, pipeline: str, params: Mapping[str, str], *, key: str, version: int | None = None
) -> tuple[int, dict[str, Any]]:
    """Start a run; its document, as `request`.

    A request whose answer is lost is sent again: by its key it is one run.
    """
    body: dict[str, Any] = {"params": dict(params), "key": key}
    body |= {} if version is None else {"version": version}
    return request(stack, "POST", "pipelines", pipeline, "runs", body=body)


def open_runs(stack: Stack, pipeline: str) -> list[str]:
    """The ids of the runs that have not ended: those that wait first, or they would begin."""
    return [run for status in _OPEN for run in _runs(stack, pipeline, status)]


def _runs(stack: Stack, pipeline: str, status: str) -> Iterator[str]:
    query = {"pipeline": pipeline, "status": status}
    while True:
        page = ask(stack, "GET", "runs", query=query)
        yield from (run["runId"] for run in page["runs"])
        if page["next"] is None:
            return
        query["next"] = page["next"]


def is_local(stack: Stack) -> bool:
    """Whether it is a cloud on this machine."""
    return is_loopback(stack.batch.meta.endpoint_url)


def is_loopback(url: str) -> bool:
    """Whether it is an address of this machine."""
    return urlsplit(url).hostname in ("127.0.0.1", "localhost")


def ask(
    stack: Stack,
    method: str,
    *path: str,
    body: Mapping[str, Any] | None = None,
    query: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The API's document. Raises: ApiProblem with its sentence, for what the caller can fix."""
    return request(stack, method, *path, body=body, query=query)[1]


def request(
    stack: Stack,
    method: str,
    *path: str,
    body: Mapping[str, Any] | None = None,
    query: Mapping[str, str] | None = None,
) -> tuple[int, dict[str, Any]]:
    """HTTP's status, and the document. Raises: as `ask`."""
    if "" in path:
        raise UsageProblem("a name or an id is empty")
    route = "/" + "/".join(quote(piece, safe="") for piece in path)
    answer = stack.invoke(
        stack.outputs["AnswerApiName"],
        {
            "httpMethod": method,
            "path": route,
            "resource": route,
            "headers": {},
            "queryStringParameters": dict(query or {}) or None,
            "body": None if body is None else json.dumps(body),
            "isBase64Encoded": False,
            "requestContext": {"stage": "v1"},
        },
    )
    document: dict[str, Any] = json.loads(answer["body"])
    status = answer["statusCode"]
    if 400 <= status < 500:
        sentence = document.get("detail") or document.get("message") or str(document)
        raise ApiProblem(sentence, status)
    if status >= 500:
        raise click.ClickException(f"the API failed: {document}")
    return status, document
