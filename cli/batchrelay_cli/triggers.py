"""The rules and schedules of a pipeline's triggers: one each, in EventBridge and its Scheduler.

Their names come from the stack and the pipeline, so that those of a trigger that was dropped are
found and removed. They send to the stack's queue of triggers; nothing is invoked for other objects.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from batchrelay.adapters.triggers import S3_INPUT_PATHS, s3_input, schedule_input
from batchrelay.domain.pipeline import S3Trigger, ScheduleTrigger, Trigger
from batchrelay_cli.aws import Wire

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

TARGET_ID = "TriggerQueue"


@dataclass(frozen=True, kw_only=True)
class TriggerRules:
    """The rules and schedules of one pipeline of one stack."""

    wire: Wire = field(repr=False)
    stack: str
    pipeline: str

    @cached_property
    def _events(self) -> EventBridgeClient:
        client: EventBridgeClient = self.wire.make_client("events")
        return client

    @cached_property
    def _scheduler(self) -> Any:
        return self.wire.make_client("scheduler")

    @property
    def _prefix(self) -> str:
        digest = hashlib.sha256(f"{self.stack}/{self.pipeline}".encode()).hexdigest()[:16]
        return f"br-{digest}-"

    def changes(self, triggers: tuple[Trigger, ...]) -> list[str]:
        """One line for everything that is not yet as the triggers say."""
        return [line for line, _, _, _ in self._differences(triggers)]

    def make(self, triggers: tuple[Trigger, ...]) -> None:
        """Make them what the triggers say."""
        for _, name, old, new in self._differences(triggers):
            match new:
                case S3Trigger():
                    self._put_rule(name, new)
                case ScheduleTrigger():
                    self._put_schedule(name, new)
                case None:
                    self._delete(name, old)

    def _differences(
        self, triggers: tuple[Trigger, ...]
    ) -> Iterator[tuple[str, str, Trigger | None, Trigger | None]]:
        """What to say, the name, what is there, and what is wanted."""
        named = {f"{self._prefix}{number}": trigger for number, trigger in enumerate(triggers)}
        for kind, known in ((S3Trigger, self._rules()), (ScheduleTrigger, self._schedules())):
            wanted = {n: trigger for n, trigger in named.items() if isinstance(trigger, kind)}
            for name, old in known.items():
                if name not in wanted:
                    yield f"trigger {told(old)}: removed", name, old, None
            for name, new in wanted.items():
                there = known.get(name)
                if there != new:
                    what = "new" if there is None else "changed"
                    yield f"trigger {told(new)}: {what}", name, there, new

    def _rules(self) -> Mapping[str, Trigger]:
        found: dict[str, Trigger] = {}
        for page in self._events.get_paginator("list_rules").paginate(NamePrefix=self._prefix):
            for rule in page["Rules"]:
                targets = self._events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
                pattern = json.loads(rule["EventPattern"]) if targets else {}  # put, and no more
                found[rule["Name"]] = _trigger_of(pattern)
        return found

    def _schedules(self) -> Mapping[str, Trigger]:
        pages = self._scheduler.get_paginator("list_schedules").paginate(NamePrefix=self._prefix)
        names = [entry["Name"] for page in pages for entry in page["Schedules"]]
        return {name: _schedule_of(self._scheduler.get_schedule(Name=name)) for name in names}

    def _put_rule(self, name: str, trigger: S3Trigger) -> None:
        self._events.put_rule(
            Name=name,
            Description=f"batchrelay: pipeline {self.pipeline}, {told(trigger)}"[:512],
            EventPattern=json.dumps(pattern_of(trigger)),
        )
        transformer: Any = {
            "InputPathsMap": dict(S3_INPUT_PATHS),
            "InputTemplate": s3_input(self.pipeline),
        }
        arn = self.wire.outputs["TriggerQueueArn"]
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
                "Arn": self.wire.outputs["TriggerQueueArn"],
                "RoleArn": self.wire.outputs["SchedulerRoleArn"],
                "Input": schedule_input(self.pipeline),
            },
        }
        try:
            self._scheduler.create_schedule(**request)
        except self._scheduler.exceptions.ConflictException:
            self._scheduler.update_schedule(**request)

    def _delete(self, name: str, trigger: Trigger | None) -> None:
        if isinstance(trigger, ScheduleTrigger):
            self._scheduler.delete_schedule(Name=name)
            return
        self._events.remove_targets(Rule=name, Ids=[TARGET_ID])
        self._events.delete_rule(Name=name)


def _schedule_of(schedule: Mapping[str, Any]) -> ScheduleTrigger:
    return ScheduleTrigger(
        expression=schedule["ScheduleExpression"], timezone=schedule["ScheduleExpressionTimezone"]
    )


def told(trigger: Trigger) -> str:
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


def _trigger_of(pattern: Mapping[str, Any]) -> S3Trigger:
    """The reverse of `pattern_of`; what is none of ours is different from every trigger."""
    detail = pattern.get("detail", {})
    bucket = detail.get("bucket", {}).get("name", [""])[0]
    [matcher] = detail.get("object", {}).get("key", [{}])
    if "wildcard" in matcher:
        for at in range(len(matcher["wildcard"])):
            prefix, suffix = _split(matcher["wildcard"], at)
            trigger = S3Trigger(bucket=bucket, prefix=prefix, suffix=suffix)
            if pattern_of(trigger) == pattern:
                return trigger
    return S3Trigger(
        bucket=bucket, prefix=matcher.get("prefix", ""), suffix=matcher.get("suffix", "")
    )


def _split(wildcard: str, at: int) -> tuple[str, str]:
    head, tail = wildcard[:at], wildcard[at + 1 :]
    return _unescaped(head), _unescaped(tail)


def _unescaped(text: str) -> str:
    return text.replace("\\*", "*").replace("\\\\", "\\")


def silent_buckets(wire: Wire, triggers: tuple[Trigger, ...]) -> dict[int, str]:
    """Buckets that do not send their events to EventBridge, or are not there, by trigger."""
    found: dict[int, str] = {}
    for number, trigger in enumerate(triggers):
        if not isinstance(trigger, S3Trigger):
            continue
        try:
            known: Any = wire.s3.get_bucket_notification_configuration(Bucket=trigger.bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucket":
                raise
            found[number] = trigger.bucket
            continue
        if "EventBridgeConfiguration" not in known:
            found[number] = trigger.bucket
    return found


def let_speak(wire: Wire, bucket: str) -> None:
    """Make a bucket of a local cloud, and let it send its events."""
    there = (wire.s3.exceptions.BucketAlreadyOwnedByYou, wire.s3.exceptions.BucketAlreadyExists)
    with suppress(*there):
        wire.s3.create_bucket(Bucket=bucket)
    wire.s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
