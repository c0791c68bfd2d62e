"""`batchrelay dlq`: messages that no handler could do anything with; shown, or sent again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click

from batchrelay.domain.values import counted
from batchrelay_cli.stack.access import open_stack
from batchrelay_cli.stack.client import Stack
from batchrelay_cli.terminal import excerpt, say
from batchrelay_cli.verbs.options import echo_json, output_option, stack_option

QUEUES = {
    "job-events": ("JobEventDeadLettersUrl", "JobEventQueueUrl"),
    "triggers": ("TriggerDeadLettersUrl", "TriggerQueueUrl"),
    "preparations": ("PrepareDeadLettersUrl", "PrepareQueueUrl"),
}
"""What they are called here; the outputs of the dead letters' queue and of the source."""

SHOWN_S = 30
"""Seconds for which a message that is shown is not seen by others, and by us not twice."""

RECEIVE_MAX = 10
"""Messages of one ReceiveMessage. Source: ReceiveMessage."""


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """One message, and where it goes when it is sent again."""

    queue: str
    dead_url: str
    source_url: str
    receipt: str
    sent_at: datetime
    body: str

    @property
    def about(self) -> str:
        """Which job or step it is about, as far as it says."""
        try:
            document = json.loads(self.body)
            if self.queue == "triggers":
                return f"pipeline {document['pipeline']}"
            if self.queue == "preparations":
                return f"run {document['run_id']}, step {document['step']}"
            return f"{document['detail']['jobName']} {document['detail']['status']}"
        except (ValueError, KeyError, TypeError):
            return f"not what was expected: {excerpt(self.body, 60)}"


@click.command(epilog="Example: batchrelay dlq --stack batchrelay-prod --replay")
@stack_option
@click.option("--replay", is_flag=True, help="Send them to the queue that they came from.")
@output_option
def dlq(stack_name: str, replay: bool, output: str) -> None:
    """Show the dead letters of a stack, or send them again once their cause is fixed.

    It uses the AWS settings of your environment: AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL. Events
    and preparations that are repeated change nothing, so a replay is safe.
    """
    with open_stack(stack_name) as stack:
        letters = list(_letters(stack))
        for letter in letters if replay else ():
            _send_again(stack, letter)
    if output == "json":
        echo_json([_document(letter) for letter in letters])
        return
    for letter in letters:
        say(f"{letter.sent_at:%Y-%m-%d %H:%M:%S}  {letter.queue:12}  {excerpt(letter.about)}")
    outcome = "sent again" if replay else "shown; --replay sends them again" if letters else "none"
    say(f"{counted(len(letters), 'dead letters')}{': ' + outcome if letters else ''}")


def _letters(stack: Stack) -> Iterator[DeadLetter]:
    """All of them; each is invisible to others for a while."""
    for name, (dead, source) in QUEUES.items():
        while messages := _received(stack, stack.outputs[dead]):
            for message in messages:
                sent_s = int(message["Attributes"]["SentTimestamp"]) / 1_000
                yield DeadLetter(
                    queue=name,
                    dead_url=stack.outputs[dead],
                    source_url=stack.outputs[source],
                    receipt=message["ReceiptHandle"],
                    sent_at=datetime.fromtimestamp(sent_s, UTC),
                    body=message["Body"],
                )


def _received(stack: Stack, url: str) -> list[Mapping[str, Any]]:
    answer = stack.sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=RECEIVE_MAX,
        VisibilityTimeout=SHOWN_S,
        WaitTimeSeconds=1,
        AttributeNames=["SentTimestamp"],
    )
    messages: Any = answer.get("Messages", [])
    return list(messages)


def _send_again(stack: Stack, letter: DeadLetter) -> None:
    """Sent before it is deleted: a crash in between repeats it."""
    stack.sqs.send_message(QueueUrl=letter.source_url, MessageBody=letter.body)
    stack.sqs.delete_message(QueueUrl=letter.dead_url, ReceiptHandle=letter.receipt)


def _document(letter: DeadLetter) -> dict[str, Any]:
    return {
        "queue": letter.queue,
        "sentAt": letter.sent_at.isoformat(),
        "about": letter.about,
        "body": letter.body,
    }
