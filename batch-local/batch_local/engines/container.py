"""What an engine is asked to create for a container of a job. Pure.

Source: Docker Engine API, ContainerCreate; Amazon ECS Developer Guide, task definition parameters,
for which of them each of AWS's fields is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from batch_local.containers.pods import expanded
from batch_local.model import ContainerSpec

JOB_LABEL = "batch-local.job"
"""By which containers are listed that a killed server left behind."""

MIB = 1_024 * 1_024
SHARES_OF_VCPU = 1_024
"""Source: ResourceRequirement, VCPU ("Each vCPU is equivalent to 1,024 CPU shares")."""


def body_of(
    spec: ContainerSpec, environment: Mapping[str, str], job_id: str, task_id: str
) -> dict[str, Any]:
    """The body of ContainerCreate."""
    body: dict[str, Any] = {
        "Image": spec.registered.get("image", ""),
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "Labels": {JOB_LABEL: job_id},
        "HostConfig": {**_host(spec), "Binds": list(_binds(spec, task_id))},
    }
    for key, words in (("Entrypoint", spec.entrypoint), ("Cmd", spec.command)):
        if words:
            body[key] = expanded(words, environment) if spec.is_of_pod else list(words)
    user = _user(spec)
    if user:
        body["User"] = user
    return body


def volume_names(body: Mapping[str, Any]) -> list[str]:
    """The volumes that were made for a task, and go with it."""
    sources = (bind.partition(":")[0] for bind in body["HostConfig"]["Binds"])
    return [source for source in sources if not source.startswith("/")]


def _host(spec: ContainerSpec) -> dict[str, Any]:
    """HostConfig, without what is mounted."""
    registered, security = spec.registered, spec.registered.get("securityContext", {})
    is_read_only = registered.get("readonlyRootFilesystem") or security.get(
        "readOnlyRootFilesystem"
    )
    host: dict[str, Any] = {
        "NetworkMode": "host",  # so that 127.0.0.1 is this machine, where AWS Batch listens
        "Privileged": bool(registered.get("privileged") or security.get("privileged")),
        "ReadonlyRootfs": bool(is_read_only),
        "Ulimits": [
            {"Name": one["name"], "Soft": one["softLimit"], "Hard": one["hardLimit"]}
            for one in registered.get("ulimits", ())
        ],
        **_amounts(spec.requirements),
    }
    if security.get("allowPrivilegeEscalation") is False:
        host["SecurityOpt"] = ["no-new-privileges"]
    return host | _linux(registered.get("linuxParameters", {}), host.get("Memory", 0))


def _amounts(requirements: Mapping[str, str]) -> dict[str, Any]:
    """vCPUs are weighed, memory is a limit, as ECS has it on EC2."""
    amounts: dict[str, Any] = {
        "CpuShares": int(float(requirements.get("VCPU", "1")) * SHARES_OF_VCPU)
    }
    if "MEMORY" in requirements:
        amounts["Memory"] = amounts["MemorySwap"] = int(requirements["MEMORY"]) * MIB
    if "GPU" in requirements:
        gpus = {"Driver": "nvidia", "Count": int(requirements["GPU"]), "Capabilities": [["gpu"]]}
        amounts["DeviceRequests"] = [gpus]
    return amounts


def _linux(parameters: Mapping[str, Any], memory: int) -> dict[str, Any]:
    """linuxParameters."""
    host: dict[str, Any] = {}
    if "initProcessEnabled" in parameters:
        host["Init"] = parameters["initProcessEnabled"]
    if "sharedMemorySize" in parameters:
        host["ShmSize"] = parameters["sharedMemorySize"] * MIB
    if "maxSwap" in parameters:
        host["MemorySwap"] = memory + parameters["maxSwap"] * MIB
    if "swappiness" in parameters:
        host["MemorySwappiness"] = parameters["swappiness"]
    if "tmpfs" in parameters:
        host["Tmpfs"] = {
            one["containerPath"]: ",".join((f"size={one['size']}m", *one.get("mountOptions", ())))
            for one in parameters["tmpfs"]
        }
    if "devices" in parameters:
        host["Devices"] = [
            {
                "PathOnHost": one["hostPath"],
                "PathInContainer": one.get("containerPath", one["hostPath"]),
                "CgroupPermissions": "".join(
                    name[0].lower() for name in one.get("permissions", _ALL)
                ),
            }
            for one in parameters["devices"]
        ]
    return host


_ALL = ("READ", "WRITE", "MKNOD")


def _binds(spec: ContainerSpec, task_id: str) -> Iterator[str]:
    """What is mounted, and where. A volume without a folder of this machine is the task's own."""
    volumes = {volume["name"]: volume for volume in spec.volumes if "name" in volume}
    mounts = [
        (one.get("sourceVolume"), one.get("containerPath"), one.get("readOnly"))
        for one in spec.registered.get("mountPoints", ())
    ] + [
        (one.get("name"), one.get("mountPath"), one.get("readOnly"))
        for one in spec.registered.get("volumeMounts", ())
    ]
    for name, path, is_read_only in mounts:
        volume = volumes.get(name, {})
        folder = volume.get("host", {}).get("sourcePath") or volume.get("hostPath", {}).get("path")
        source = folder or f"batch-local-{task_id}-{name}"
        yield f"{source}:{path}:{'ro' if is_read_only else 'rw'}"


def _user(spec: ContainerSpec) -> str:
    security = spec.registered.get("securityContext", {})
    if "runAsUser" not in security:
        return str(spec.registered.get("user", ""))
    group = f":{security['runAsGroup']}" if "runAsGroup" in security else ""
    return f"{security['runAsUser']}{group}"
