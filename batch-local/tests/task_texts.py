"""Job definitions with several containers, whose programs are shell scripts, and their jobs."""

from __future__ import annotations

from typing import Any

from batch_local.service import BatchService

FOREVER = "trap 'exit 7' TERM; while :; do sleep 0.02; done"
"""A script that goes on until it is stopped, and then ends with 7."""

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


def nodes(*ranges: dict[str, Any], number: int = 2, main: int = 0, **more: Any) -> dict[str, Any]:
    """A RegisterJobDefinition request."""
    properties = {"numNodes": number, "mainNode": main, "nodeRangeProperties": list(ranges)}
    return {"jobDefinitionName": "t", "type": "multinode", "nodeProperties": properties, **more}


def node_range(target: str, script: str = "true", **more: Any) -> dict[str, Any]:
    one = {"image": "i", "command": ["sh", "-c", script], "vcpus": 1, "memory": 64}
    return {"targetNodes": target, "container": one, **more}


def overriding_nodes(*entries: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Of a SubmitJob request."""
    return {"nodeOverrides": {"nodePropertyOverrides": list(entries), **more}}


def pod(*containers: dict[str, Any], init: Any = (), **more: Any) -> dict[str, Any]:
    """A RegisterJobDefinition request."""
    lists = {"containers": list(containers), **({"initContainers": list(init)} if init else {})}
    properties = {"podProperties": {**lists, **more.pop("pod", {})}}
    return {"jobDefinitionName": "t", "type": "container", "eksProperties": properties, **more}


def pod_container(name: str, script: str = "true", **more: Any) -> dict[str, Any]:
    limits = {"limits": {"cpu": "1", "memory": "64Mi"}}
    return {"name": name, "image": "i", "command": ["sh", "-c"], "args": [script],
            "resources": limits, **more}  # fmt: skip


def overriding_pod(*containers: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Of a SubmitJob request."""
    return {"eksPropertiesOverride": {"podProperties": {"containers": list(containers), **more}}}


# --- what DescribeJobs and the log have of a job


def containers_of(job: dict[str, Any]) -> dict[str, Any]:
    [whole] = job["ecsProperties"]["taskProperties"]
    return {one["name"]: one for one in whole["containers"]}


def log_of(service: BatchService, described: dict[str, Any]) -> list[str]:
    stream = service.logs.streams("/aws/batch/job")[described["logStreamName"]]
    service.logs.refresh({"": stream})
    return stream.messages(0, len(stream))
