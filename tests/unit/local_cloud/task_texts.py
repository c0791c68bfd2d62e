"""Job definitions with several containers, whose programs are shell scripts."""

from __future__ import annotations

from typing import Any

NEEDS = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]


def container(name: str, script: str = "true", **more: Any) -> dict[str, Any]:
    command = ["sh", "-c", script]
    return {"name": name, "image": "i", "command": command, "resourceRequirements": NEEDS, **more}


def after(name: str, condition: str) -> dict[str, Any]:
    return {"dependsOn": [{"containerName": name, "condition": condition}]}


def task(*containers: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A RegisterJobDefinition request."""
    properties = {"taskProperties": [{"containers": list(containers)}]}
    return {"jobDefinitionName": "t", "type": "container", "ecsProperties": properties, **more}


def overriding(*containers: dict[str, Any]) -> dict[str, Any]:
    """Of a SubmitJob request."""
    return {"ecsPropertiesOverride": {"taskProperties": [{"containers": list(containers)}]}}
