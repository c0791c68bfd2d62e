"""Overrides of containers, in each form of a SubmitJob request."""

from __future__ import annotations

from typing import Any


def task(*containers: dict[str, Any]) -> dict[str, Any]:
    return {"ecsPropertiesOverride": {"taskProperties": [{"containers": list(containers)}]}}


def pod(*containers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"eksPropertiesOverride": {"podProperties": {"containers": list(containers), **more}}}


def nodes(*entries: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"nodeOverrides": {"nodePropertyOverrides": list(entries), **more}}


def amounts(mib: str) -> dict[str, Any]:
    return {"resourceRequirements": [{"type": "MEMORY", "value": mib}]}
