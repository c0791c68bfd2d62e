"""Rules and schedules are named by a hash: no pipeline and no stack makes a name AWS refuses."""

from __future__ import annotations

import re
from typing import Any

import pytest

from batchrelay.domain.pipeline import S3Trigger, ScheduleTrigger, Trigger
from batchrelay_cli.stack.client import Stack
from batchrelay_cli.stack.event_rules import TriggerRules

NAME = re.compile(r"[.\-_A-Za-z0-9]{1,64}")
"""Of a rule and of a schedule. Source: PutRule, CreateSchedule."""

LONG = S3Trigger(bucket="b" * 63, prefix="é\n\x1b[2J*" * 100, suffix="\\" * 300)
SCHEDULE = ScheduleTrigger(expression="rate(1 hour)", timezone="America/Argentina/ComodRivadavia")


class Recorder:
    """EventBridge and its Scheduler, which have nothing yet, and note what they are given."""

    def __init__(self) -> None:
        self.given: list[dict[str, Any]] = []

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, **_: str) -> list[Any]:
        return []

    def put_rule(self, **request: Any) -> None:
        self.given.append(request)

    put_targets = create_schedule = put_rule

    class exceptions:  # noqa: N801  # as botocore calls it
        class ConflictException(Exception):
            pass


def made(stack_name: str, name: str, *triggers: Trigger) -> list[dict[str, Any]]:
    service = Recorder()
    outputs = {"TriggerQueueArn": "arn:aws:sqs:r:1:q", "SchedulerRoleArn": "arn:aws:iam::1:role/r"}
    stack = Stack(make_client=lambda _: service, outputs=outputs)
    TriggerRules(stack=stack, stack_name=stack_name, pipeline=name).make(triggers)
    return service.given


@pytest.mark.parametrize("name", ["p", "p" * 128, "a-b_c", "0", "a" * 127 + "B"])
@pytest.mark.parametrize("stack_name", ["batchrelay", "s" * 128])
def test_every_name_fits(stack_name: str, name: str) -> None:
    rule, target, schedule = made(stack_name, name, LONG, SCHEDULE)
    for request in (rule, schedule):
        assert NAME.fullmatch(request["Name"])
        assert len(request["Description"]) <= 512
    assert target["Rule"] == rule["Name"]
    assert len(rule["EventPattern"]) <= 4_096
    assert len(schedule["Target"]["Input"]) <= 8_192


def test_no_two_pipelines_of_any_stacks_share_a_rule() -> None:
    """Names have no slash, so what is hashed can be taken apart."""
    pairs = [("a", "b-c"), ("a-b", "c"), ("a", "b"), ("b", "a"), ("a", "B"), ("A", "b")]
    names = [made(*pair, LONG)[0]["Name"] for pair in pairs]
    assert len(set(names)) == len(pairs)
