"""Definitions of Step Functions from a few fields, and steps that come of them."""

from __future__ import annotations

from typing import Any

from tests.unit.cli.adopt.adopting import Adopted

SUBMIT = "arn:aws:states:::batch:submitJob.sync"


def job(arguments: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A Task; without `Next` it is the last."""
    own = {"JobName": "n", "JobQueue": "q", "JobDefinition": "d", **(arguments or {})}
    end = {} if "Next" in more else {"End": True}
    return {"Type": "Task", "Resource": SUBMIT, "Parameters": own, **end, **more}


def machine(first: str, **states: Any) -> dict[str, Any]:
    return {"StartAt": first, "States": states}


def step(name: str, *needs: str, **more: Any) -> dict[str, Any]:
    edges = {"dependsOn": [{"jobName": need} for need in needs]} if needs else {}
    return {"jobName": name, **edges, "jobQueue": "q", "jobDefinition": "d", **more}


def command(*words: Any, **more: Any) -> dict[str, Any]:
    return {"ContainerOverrides": {"Command": list(words), **more}}


def words_of(result: Adopted, name: str = "A") -> list[str]:
    words: list[str] = result.step(name)["containerOverrides"]["command"]
    return words


def choice(*rules: dict[str, Any], default: str | None = None) -> dict[str, Any]:
    end = {} if default is None else {"Default": default}
    return {"Type": "Choice", "Choices": list(rules), **end}


def over(inner: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A definition of one Map."""
    own = {"Type": "Map", "ItemProcessor": inner, "End": True, **more}
    return machine("M", M=own)
