"""What an engine is asked for, and where it is looked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from batch_local.containers.one_container import only_container
from batch_local.containers.pods import pod_containers
from batch_local.containers.tasks import task_containers
from batch_local.engines.container import body_of
from batch_local.engines.sockets import socket_of
from batch_local.images import PULLED
from batch_local.model import JobDefinition

AMOUNTS = [{"type": "VCPU", "value": "2"}, {"type": "MEMORY", "value": "64"},
           {"type": "GPU", "value": "1"}]  # fmt: skip
CONTAINER = {
    "image": "i:1",
    "command": ["c"],
    "user": "u",
    "privileged": True,
    "readonlyRootFilesystem": True,
    "resourceRequirements": AMOUNTS,
    "ulimits": [{"name": "nofile", "softLimit": 1, "hardLimit": 2}],
    "mountPoints": [
        {"sourceVolume": "v", "containerPath": "/v", "readOnly": True},
        {"sourceVolume": "w", "containerPath": "/w"},
    ],
    "linuxParameters": {
        "initProcessEnabled": True,
        "sharedMemorySize": 8,
        "maxSwap": 16,
        "swappiness": 10,
        "tmpfs": [{"containerPath": "/t", "size": 32, "mountOptions": ["noexec"]}],
        "devices": [{"hostPath": "/dev/x", "containerPath": "/dev/y", "permissions": ["READ"]}],
    },
}
VOLUMES = [{"name": "v", "host": {"sourcePath": "/data"}}, {"name": "w"}]
MIB = 1_024 * 1_024
BODY: dict[str, Any] = {
    "Image": "i:1",
    "Cmd": ["c"],
    "User": "u",
    "Env": ["A=b"],
    "Labels": {"batch-local.job": "job"},
    "HostConfig": {
        "NetworkMode": "host",
        "Privileged": True,
        "ReadonlyRootfs": True,
        "Ulimits": [{"Name": "nofile", "Soft": 1, "Hard": 2}],
        "CpuShares": 2_048,
        "Memory": 64 * MIB,
        "MemorySwap": 80 * MIB,
        "MemorySwappiness": 10,
        "DeviceRequests": [{"Driver": "nvidia", "Count": 1, "Capabilities": [["gpu"]]}],
        "Init": True,
        "ShmSize": 8 * MIB,
        "Tmpfs": {"/t": "size=32m,noexec"},
        "Devices": [
            {"PathOnHost": "/dev/x", "PathInContainer": "/dev/y", "CgroupPermissions": "r"}
        ],
        "Binds": ["/data:/v:ro", "batch-local-task-w:/w:rw"],
    },
}
POD = {
    "volumes": [{"name": "v", "hostPath": {"path": "/data"}}, {"name": "w", "emptyDir": {}}],
    "containers": [
        {
            "image": "i:1",
            "command": ["$(A)"],
            "args": ["c"],
            "resources": {"limits": {"cpu": "2", "memory": "64Mi", "nvidia.com/gpu": "1"}},
            "volumeMounts": [
                {"name": "v", "mountPath": "/v", "readOnly": True},
                {"name": "w", "mountPath": "/w"},
            ],
            "securityContext": {
                "runAsUser": 1,
                "runAsGroup": 2,
                "privileged": True,
                "readOnlyRootFilesystem": True,
                "allowPrivilegeEscalation": False,
            },
        }
    ],
}


def test_every_field_of_a_container_reaches_the_engine() -> None:
    definition = JobDefinition(name="d", revision=1, arn="arn:d", properties={}, directory=None,
                               images=PULLED, entrypoint=("of-this-machine",))  # fmt: skip
    one = only_container({**CONTAINER, "volumes": VOLUMES}, {}, definition, {})
    task = {"volumes": VOLUMES, "containers": [{**CONTAINER, "name": "a"}]}
    [of_task] = task_containers({"taskProperties": [task]}, {}, definition, {})
    [of_pod] = pod_containers({"podProperties": POD}, {}, definition, {})
    variables = {"A": "b"}
    assert body_of(one, variables, "job", "task") == BODY
    assert body_of(of_task, variables, "job", "task") == BODY
    linux = {"Init", "ShmSize", "MemorySwap", "MemorySwappiness", "Tmpfs", "Devices"}
    host = {key: value for key, value in BODY["HostConfig"].items() if key not in linux}
    own = {"SecurityOpt": ["no-new-privileges"], "MemorySwap": 64 * MIB, "Ulimits": []}
    assert body_of(of_pod, variables, "job", "task") == {
        **BODY, "Entrypoint": ["b"], "User": "1:2", "HostConfig": host | own
    }  # fmt: skip


@pytest.mark.parametrize(
    ("engine_name", "variables", "path"),
    [
        ("docker", {"HOME": "/absent"}, "/var/run/docker.sock"),
        ("docker", {"DOCKER_HOST": "unix:///a/b.sock"}, "/a/b.sock"),
        ("podman", {"XDG_RUNTIME_DIR": "/run/user/1"}, "/run/user/1/podman/podman.sock"),
        ("unix:///x.sock", {}, "/x.sock"),
    ],
)
def test_an_engine_is_where_its_own_client_looks(
    engine_name: str, variables: dict[str, str], path: str
) -> None:
    assert socket_of(engine_name, variables) == Path(path)
