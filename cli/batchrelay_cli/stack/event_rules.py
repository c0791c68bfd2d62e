"""The rules and schedules of a pipeline's triggers: one each, in EventBridge and its Scheduler.

Their names come from the stack and the pipeline, so that those of a trigger that was dropped are
found and removed. They send to the stack's queue of triggers; nothing is invoked for other objects.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError

from batchrelay.domain.pipeline import S3Trigger, ScheduleTrigger, Trigger
from batchrelay.triggers.messages import S3_INPUT_PATHS, s3_input, schedule_input
from batchrelay_cli.stack.client import Stack

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

TARGET_ID = "TriggerQueue"
_BY_US = " (batchrelay: "
"""Stands in a rule's description behind what it is."""

_T = TypeVar("_T", S3Trigger, ScheduleTrigger)


@dataclass(frozen=True, kw_only=True)
class _Known:
    """A rule or a schedule that is there: what it is called in a sentence, and what it holds."""

    text: str
    content: Any


@dataclass(frozen=True, kw_only=True)
class TriggerRules:
    """The rules and schedules of one pipeline of one stack."""

    stack: Stack = field(repr=False)
    stack_name: str
    pipeline: str

    @cached_property
    def _events(self) -> EventBridgeClient:
        client: EventBridgeClient = self.stack.make_client("events")
        return client

    @cached_property
    def _scheduler(self) -> Any:
        return self.stack.make_client("scheduler")

    @property
    def prefix(self) -> str:
        """Of the names of all of them."""
        digest = hashlib.sha256(f"{self.stack_name}/{self.pipeline}".encode()).hexdigest()[:16]
        return f"br-{digest}-"

    def changes(self, triggers: tuple[Trigger, ...]) -> list[str]:
        """One line for everything that is not yet as the triggers say."""
        return [line for line, _ in self._differences(triggers)]

    def make(self, triggers: tuple[Trigger, ...]) -> None:
        """Make them what the triggers say."""
        for _, change in self._differences(triggers):
            change()

    def _differences(
        self, triggers: tuple[Trigger, ...]
    ) -> Iterator[tuple[str, Callable[[], None]]]:
        """What to say, and what to do."""
        triggers_by_name = {
            f"{self.prefix}{number}": trigger for number, trigger in enumerate(triggers)
        }
        rules = {
            n: trigger for n, trigger in triggers_by_name.items() if isinstance(trigger, S3Trigger)
        }
        yield from _compared(self._rules(), rules, self._content, self._put_rule, self._delete_rule)
        schedules = {n: t for n, t in triggers_by_name.items() if isinstance(t, ScheduleTrigger)}
        put, delete = self._put_schedule, self._delete_schedule
        yield from _compared(self._schedules(), schedules, self._content, put, delete)

    def _content(self, trigger: Trigger) -> Any:
        """What AWS must hold for a trigger; comparable with what it holds."""
        if isinstance(trigger, S3Trigger):
            return pattern_of(trigger), [s3_input(self.pipeline, trigger)]
        return trigger.expression, trigger.timezone, schedule_input(self.pipeline, trigger)

    def _rules(self) -> Mapping[str, _Known]:
        rules: dict[str, _Known] = {}
        for page in self._events.get_paginator("list_rules").paginate(NamePrefix=self.prefix):
            for rule in page["Rules"]:
                targets: Any = self._events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
                inputs = [t.get("InputTransformer", {}).get("InputTemplate") for t in targets]
                text = rule.get("Description", "").rpartition(_BY_US)[0]
                content = (json.loads(rule["EventPattern"]), inputs)
                rules[rule["Name"]] = _Known(text=text, content=content)
        return rules

    def schedules(self) -> list[Mapping[str, Any]]:
        """Those that are there, as GetSchedule answers."""
        pages = self._scheduler.get_paginator("list_schedules").paginate(NamePrefix=self.prefix)
        names = [entry["Name"] for page in pages for entry in page["Schedules"]]
        return [self._scheduler.get_schedule(Name=name) for name in names]

    def _schedules(self) -> Mapping[str, _Known]:
        return {schedule["Name"]: _known_schedule(schedule) for schedule in self.schedules()}

    def _put_rule(self, name: str, trigger: S3Trigger) -> None:
        self._events.put_rule(
            Name=name,
            Description=f"{trigger_text(trigger)[:300]}{_BY_US}{self.pipeline})",
            EventPattern=json.dumps(pattern_of(trigger)),
        )
        transformer: Any = {
            "InputPathsMap": dict(S3_INPUT_PATHS),
            "InputTemplate": s3_input(self.pipeline, trigger),
        }
        arn = self.stack.outputs["TriggerQueueArn"]
        target: Any = {"Id": TARGET_ID, "Arn": arn, "InputTransformer": transformer}
        self._events.put_targets(Rule=name, Targets=[target])

    def _put_schedule(self, name: str, trigger: ScheduleTrigger) -> None:
        request: dict[str, Any] = {
            "Name": name,
            "Description": f"batchrelay: pipeline {self.pipeline}",
            "ScheduleExpression": trigger.expression,
            "ScheduleExpressionTimezone": trigger.timezone,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {
                "Arn": self.stack.outputs["TriggerQueueArn"],
                "RoleArn": self.stack.outputs["SchedulerRoleArn"],
                "Input": schedule_input(self.pipeline, trigger),
            },
        }
        try:
            self._scheduler.create_schedule(**request)
        except self._scheduler.exceptions.ConflictException:
            self._scheduler.update_schedule(**request)

    def _delete_rule(self, name: str) -> None:
        self._events.remove_targets(Rule=name, Ids=[TARGET_ID])
        self._events.delete_rule(Name=name)

    def _delete_schedule(self, name: str) -> None:
        self._scheduler.delete_schedule(Name=name)


def _compared(
    rules: Mapping[str, _Known],
    triggers: Mapping[str, _T],
    content: Callable[[_T], Any],
    put: Callable[[str, _T], None],
    delete: Callable[[str], None],
) -> Iterator[tuple[str, Callable[[], None]]]:
    for name, there in rules.items():
        if name not in triggers:
            yield f"trigger {there.text}: removed", partial(delete, name)
    for name, trigger in triggers.items():
        if name not in rules:
            yield f"trigger {trigger_text(trigger)}: new", partial(put, name, trigger)
        elif rules[name].content != content(trigger):
            yield f"trigger {trigger_text(trigger)}: changed", partial(put, name, trigger)


def _known_schedule(schedule: Mapping[str, Any]) -> _Known:
    trigger = ScheduleTrigger(
        expression=schedule["ScheduleExpression"], timezone=schedule["ScheduleExpressionTimezone"]
    )
    content = (trigger.expression, trigger.timezone, schedule["Target"].get("Input"))
    return _Known(text=trigger_text(trigger), content=content)


def trigger_text(trigger: Trigger) -> str:
    """A trigger in a sentence."""
    if isinstance(trigger, ScheduleTrigger):
        return f"{trigger.expression} {trigger.timezone}"
    return f"s3://{trigger.bucket}/{trigger.prefix}*{trigger.suffix}"


def pattern_of(trigger: S3Trigger) -> dict[str, Any]:
    """The event pattern that lets this trigger's objects pass, and no others."""
    detail: dict[str, Any] = {"bucket": {"name": [trigger.bucket]}}
    if trigger.prefix and trigger.suffix:
        detail["object"] = {
            "key": [{"wildcard": f"{_literal(trigger.prefix)}*{_literal(trigger.suffix)}"}]
        }
    elif trigger.prefix or trigger.suffix:
        kind = "prefix" if trigger.prefix else "suffix"
        detail["object"] = {"key": [{kind: trigger.prefix or trigger.suffix}]}
    return {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": detail}


def _literal(text: str) -> str:
    """Without wildcards. Source: EventBridge User Guide, eb-event-patterns-content-based."""
    return text.replace("\\", "\\\\").replace("*", "\\*")


def buckets_without_events(stack: Stack, triggers: tuple[Trigger, ...]) -> dict[int, str]:
    """Buckets that do not send their events to EventBridge, or are not there, by trigger."""
    buckets: dict[int, str] = {}
    for number, trigger in enumerate(triggers):
        if not isinstance(trigger, S3Trigger):
            continue
        try:
            configuration: Any = stack.s3.get_bucket_notification_configuration(
                Bucket=trigger.bucket
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucket":
                raise
            buckets[number] = trigger.bucket
            continue
        if "EventBridgeConfiguration" not in configuration:
            buckets[number] = trigger.bucket
    return buckets


def enable_bucket_events(stack: Stack, bucket: str) -> None:
    """Make a bucket of a local cloud, and let it send its events."""
    there = (stack.s3.exceptions.BucketAlreadyOwnedByYou, stack.s3.exceptions.BucketAlreadyExists)
    with suppress(*there):
        stack.s3.create_bucket(Bucket=bucket)
    stack.s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
