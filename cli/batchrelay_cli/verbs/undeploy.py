"""`batchrelay undeploy PIPELINE`: takes away what deploy made."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from batchrelay.aws_lambda.wiring import store, timers, upload_batches
from batchrelay.domain.pipeline import Pipeline, S3Trigger
from batchrelay.domain.upload_batch import TimerMessage
from batchrelay.domain.values import counted
from batchrelay.triggers.messages import debounced_trigger
from batchrelay_cli.client import Client
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.stack.access import open_stack
from batchrelay_cli.stack.client import Stack
from batchrelay_cli.stack.event_rules import TriggerRules
from batchrelay_cli.stack.job_definitions import deregister
from batchrelay_cli.terminal import say
from batchrelay_cli.verbs.completion import PIPELINE
from batchrelay_cli.verbs.options import echo_json, output_option, stack_option


@click.command(epilog="Example: batchrelay undeploy word-count")
@click.argument("pipeline", type=PIPELINE)
@stack_option
@output_option
def undeploy(pipeline: str, stack_name: str, output: str) -> None:
    """Take a pipeline away: it can be started no more, and its job definitions are deregistered.

    Its runs can still be looked at. While one is open, it is refused: its next jobs would fail.
    """
    with open_stack(stack_name) as stack:
        pipelines = store(stack.outputs["TableName"], stack.make_client)
        version = pipelines.registered_version(pipeline)
        _check_runs(stack, pipeline)
        rules = TriggerRules(stack=stack, stack_name=stack_name, pipeline=pipeline)
        changes = rules.changes(())
        rules.make(())
        _check_upload_batches(stack, pipelines.get_pipeline(pipeline, version))
        _check_runs(stack, pipeline)  # runs that an upload batch has started meanwhile
        definition_names = deregister(stack.batch, pipeline)
        pipelines.unregister(pipeline)  # last: an interrupted undeploy can be repeated
    if output == "json":
        document = {"pipeline": pipeline, "version": version, "jobDefinitions": definition_names}
        echo_json({**document, "triggers": changes})
        return
    for line in changes:
        say(line)
    say(f"pipeline {pipeline}: gone; it was at version {version}")
    for name in definition_names:
        say(f"job definition {name}: deregistered")


def _check_runs(stack: Stack, pipeline: str) -> None:
    """Raises: UsageProblem, if one is open."""
    still_open = Client(stack).open_runs(pipeline)
    if still_open:
        some = ", ".join(still_open[:3]) + (", …" if len(still_open) > 3 else "")
        are, them = ("is", "it") if len(still_open) == 1 else ("are", "them")
        count = counted(len(still_open), "runs")
        raise UsageProblem(
            f"{count} of {pipeline} {are} open ({some}): wait for {them}, or "
            f"batchrelay cancel --all-of {pipeline}"
        )


def _check_upload_batches(stack: Stack, pipeline: Pipeline) -> None:
    """Uploads that are being collected become a run yet. Raises: UsageProblem."""
    batches = upload_batches(stack.outputs["TableName"], stack.make_client)
    uploads = [trigger for trigger in pipeline.triggers if isinstance(trigger, S3Trigger)]
    for trigger in uploads:
        debounced = debounced_trigger(pipeline.name, trigger)
        if debounced is None:
            continue
        batch = batches.batch(debounced.name)
        if batch.timer_at is None:
            continue
        if batch.timer_at < datetime.now(UTC):  # its timer may have fired while undeployed
            timer = TimerMessage(trigger=debounced, number=batch.number, at=batch.timer_at)
            timers(stack.outputs["TriggerQueueUrl"], stack.make_client).send(timer, 0)
        raise UsageProblem(
            f"{batch.count:,} uploads to {trigger.bucket} are yet to become a run of "
            f"{pipeline.name}; no more are taken: undeploy it again when that has ended"
        )
