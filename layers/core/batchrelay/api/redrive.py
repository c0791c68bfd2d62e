"""A redrive as a request to the API, and what it would run as a document."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from batchrelay.domain.errors import InputError
from batchrelay.domain.pipeline import Step
from batchrelay.domain.redrive import Again, RedriveOrder, steps_to_redrive
from batchrelay.domain.run import Run
from batchrelay.domain.values import Json

FIELDS = ("step", "classes", "queue", "memory", "params", "plan")
"""What its body may have; `plan` only asks what would run."""

_FACTOR = re.compile(r"x([0-9]{1,3}(?:\.[0-9]{1,3})?)")


def order_of(body: Mapping[str, Any], params: Mapping[str, str]) -> RedriveOrder:
    """Raises: InputError."""
    return RedriveOrder(
        step=_text(body, "step"),
        classes=frozenset(_classes(body)),
        queue=_text(body, "queue"),
        memory_factor=_factor(body),
        params=params,
    )


def is_plan(body: Mapping[str, Any]) -> bool:
    """Whether nothing is to change. Raises: InputError."""
    plan = body.get("plan", False)
    if not isinstance(plan, bool):
        raise InputError("plan must be true or false")
    return plan


def plan_document(
    run: Run,
    order: RedriveOrder,
    failed: Callable[[Run, Step, frozenset[str]], tuple[int, int] | None],
) -> Mapping[str, Json]:
    """What would run again, by step in topological order.

    Args:
        failed: how many of a step failed, and how many were stopped, with such classes; None if
            that is not known yet.
    """
    steps: list[Json] = []
    for name, how in steps_to_redrive(run, order.step).items():
        state = run.state(name)
        is_of_items = how is Again.FAILED_ITEMS
        known = failed(run, run.pipeline.step(name), order.classes) if is_of_items else None
        are_items = state.is_collected and state.items is not None
        steps.append(
            {
                "step": name,
                "again": str(how),
                "status": str(state.status),
                "failed": known[0] if known else None,
                "stopped": known[1] if known else None,
                "counted": "items" if are_items else "children",
                "total": state.items if are_items else state.children,
                "children": state.children,
                "reason": state.reason or None,
            }
        )
    return {"runId": run.id, "steps": steps}


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str | None):
        raise InputError(f"{name} must be a text")
    if value == "":
        raise InputError(f"{name} is empty: write a name, or leave it out")
    return value or ""


def _classes(body: Mapping[str, Any]) -> list[str]:
    classes = body.get("classes") or []
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise InputError('classes must be a list of texts, such as ["OutOfMemory"]')
    return classes


def _factor(body: Mapping[str, Any]) -> float | None:
    text = _text(body, "memory")
    if not text:
        return None
    match = _FACTOR.fullmatch(text)
    if match is None:
        raise InputError(f"memory must be a factor, such as x2 or x1.5; got {text[:20]!r}")
    return float(match[1])
