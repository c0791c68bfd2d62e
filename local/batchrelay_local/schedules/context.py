"""What EventBridge Scheduler puts into a target's input when it invokes it.

Source: Scheduler User Guide, managing-schedule-context-attributes.
"""

from __future__ import annotations

from datetime import UTC, datetime


def with_context(text: str, arn: str, time: datetime, execution_id: str) -> str:
    """An input whose context attributes are replaced; `time` is the scheduled time, aware."""
    attributes = {
        "schedule-arn": arn,
        "scheduled-time": f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "execution-id": execution_id,
        "attempt-number": "1",
    }
    for name, value in attributes.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text
