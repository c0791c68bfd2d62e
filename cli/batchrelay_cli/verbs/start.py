"""`batchrelay start`: a run of a registered pipeline."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import click
from botocore.exceptions import BotoCoreError

from batchrelay.aws_lambda.wiring import new_run_id, store
from batchrelay.domain.errors import PipelineNotFound
from batchrelay_cli.client import Client
from batchrelay_cli.client.budget_check import check_before_start
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.stack.access import open_stack
from batchrelay_cli.stack.client import FunctionFailedError, Stack
from batchrelay_cli.stack.local_setup import is_local_path, not_uploaded, upload_params
from batchrelay_cli.terminal import say
from batchrelay_cli.verbs.completion import PIPELINE
from batchrelay_cli.verbs.options import (
    echo_json,
    output_option,
    params_option,
    parse_params,
    stack_option,
)

_EXIT_CODES = {"FAILED": 1, "PARTIAL": 4}
"""Of a run that has ended already; one that goes on was started, which is 0."""


@click.command(epilog="Example: batchrelay start word-count --param source=texts --key 2026-01-31")
@click.argument("pipeline", type=PIPELINE)
@params_option
@click.option("--key", default="", help="The same key never starts two runs.")
@click.option("--version", type=click.IntRange(1), help="Not the version that is registered.")
@stack_option
@output_option
def start(
    pipeline: str,
    params: tuple[str, ...],
    key: str,
    version: int | None,
    stack_name: str,
    output: str,
) -> None:
    """Start a run of a pipeline that was deployed."""
    values = parse_params(params)
    own_key = secrets.token_hex(16)  # a request whose answer is lost is sent again: to one run
    with open_stack(stack_name) as stack:
        check_before_start(stack, pipeline, version)
        with _unanswered(key or own_key):
            param_values = _uploaded(stack, pipeline, values, version)
            started = Client(stack).start(
                pipeline, param_values, key=key or own_key, version=version
            )
    run = started.run
    if output == "json":
        echo_json(run)
    else:
        is_again = key and not started.is_new
        again = " (this key had started it; nothing was started now)" if is_again else ""
        say(f"run {run['runId']} of {pipeline}, version {run['version']}: {run['status']}{again}")
        say(f"look: batchrelay status {run['runId']} --watch")
    raise SystemExit(_EXIT_CODES.get(run["status"], 0))


@contextmanager
def _unanswered(key: str) -> Iterator[None]:
    """Say how to ask again, when it is not known whether the run was started."""
    try:
        yield
    except UsageProblem:  # it was refused: nothing was started
        raise
    except (KeyboardInterrupt, BotoCoreError, FunctionFailedError, click.ClickException):
        say(f"the run may have started: start it again with --key {key}", err=True)
        say("and the same parameters; one key never starts two runs", err=True)
        raise


def _uploaded(
    stack: Stack, pipeline: str, values: Mapping[str, str], version: int | None
) -> dict[str, str]:
    """The parameters, with the URIs of what was uploaded; its types are asked for a path only.

    Raises: UsageProblem: there is no such pipeline; before anything is uploaded for nothing.
    """
    if not any(map(is_local_path, values.values())):
        return dict(values)
    names = [entry["pipeline"] for entry in Client(stack).pipelines()]
    if pipeline not in names:
        raise UsageProblem(f"there is no pipeline {pipeline}: {', '.join(names) or 'none'}")
    pipelines = store(stack.outputs["TableName"], stack.make_client)
    try:
        number = version or pipelines.registered_version(pipeline)
        definition = pipelines.get_pipeline(pipeline, number)
    except PipelineNotFound as error:
        raise UsageProblem(str(error)) from None
    for hint in not_uploaded(definition, values):
        say(hint, err=True)
    uploads = upload_params(stack, definition, values, new_run_id())
    return {name: value for name, value, _ in uploads if value is not None}
