"""What EventBridge Scheduler refuses of the times of a CreateSchedule or an UpdateSchedule."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from batchrelay_local.schedules.times import flaws

WINDOW_MINUTES_MAX = 1_440
"""Source: CreateSchedule, FlexibleTimeWindow."""

_WORDS = {"State": ("ENABLED", "DISABLED"), "ActionAfterCompletion": ("NONE", "DELETE")}


def refusal(body: bytes) -> str | None:
    """The sentence of the ValidationException, if it is one; what is missing is not looked at."""
    try:
        request = json.loads(body)
    except ValueError:
        return None
    return _refusal(request) if isinstance(request, dict) else None


def _refusal(request: Mapping[str, Any]) -> str | None:
    expression = request.get("ScheduleExpression")
    timezone = request.get("ScheduleExpressionTimezone", "UTC")
    if expression:
        for key, flaw in flaws(str(expression), str(timezone)).items():
            what = "Expression" if key == "expression" else "Expression Timezone"
            value = expression if key == "expression" else timezone
            return f"Invalid Schedule {what} {value!a}. {flaw}"
    for name, words in _WORDS.items():
        if request.get(name, words[0]) not in words:
            return _constraint(name, request[name], f"enum value set: [{', '.join(words)}]")
    return _window_refusal(request.get("FlexibleTimeWindow"))


def _window_refusal(window: Any) -> str | None:
    if not window:
        return None
    mode = window.get("Mode") if isinstance(window, dict) else None
    if mode not in ("OFF", "FLEXIBLE"):
        return _constraint("flexibleTimeWindow.mode", mode, "enum value set: [OFF, FLEXIBLE]")
    minutes = window.get("MaximumWindowInMinutes")
    if mode == "FLEXIBLE" and not (isinstance(minutes, int) and 1 <= minutes <= WINDOW_MINUTES_MAX):
        return _constraint(
            "flexibleTimeWindow.maximumWindowInMinutes", minutes, f"1 to {WINDOW_MINUTES_MAX}"
        )
    return None


def _constraint(name: str, value: Any, rule: str) -> str:
    """In the words of AWS's services."""
    at = name[0].lower() + name[1:]
    return (
        f"1 validation error detected: Value {str(value)!a} at '{at}' failed to satisfy "
        f"constraint: Member must satisfy {rule}"
    )
