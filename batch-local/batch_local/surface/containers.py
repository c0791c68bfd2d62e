"""The decisions about containers, wherever in a request they are."""

from __future__ import annotations

from batch_local.surface.decisions import Decision, by_engine, honoured, ignored, refused

NO_CONTAINER = "a container is a process of this machine; DescribeJobs gives it back"
_NO_SECRETS = (
    "there are no secrets here: let the program read the parameter or the secret itself, or pass "
    "a value for this machine in the environment of the request's overrides"
)
_NO_EFS = "where an engine mounts it, it is an empty volume"
_NOT_TIMED = "a container waits as long as it must, and has 30 seconds to stop"
_LOGGED = "awslogs; with another driver the output is read from /aws/batch/job all the same"

_AMOUNTS = "resourceRequirements resourceRequirements[].type resourceRequirements[].value"
_PROCESS = f"command environment environment[].name environment[].value {_AMOUNTS}"


def one_container(path: str) -> dict[str, Decision]:
    """ContainerProperties."""
    return {
        **honoured(path, f"vcpus memory {_PROCESS}"),
        **_logs(f"{path}.logConfiguration"),
        **refused(path, _NO_SECRETS, "secrets"),
        **ignored(
            path,
            NO_CONTAINER,
            """jobRoleArn instanceType networkConfiguration fargatePlatformConfiguration
            enableExecuteCommand ephemeralStorage runtimePlatform repositoryCredentials""",
        ),
        **by_engine(
            path,
            NO_CONTAINER,
            "image volumes mountPoints readonlyRootFilesystem user linuxParameters",
        ),
        **by_engine(path, f"{NO_CONTAINER}; refused on Fargate, as by AWS", "privileged ulimits"),
        **ignored(f"{path}.volumes[]", _NO_EFS, "efsVolumeConfiguration"),
        **ignored(path, f"{NO_CONTAINER}; required on Fargate, as by AWS", "executionRoleArn"),
    }


def one_override(path: str) -> dict[str, Decision]:
    """ContainerOverrides."""
    return {
        **honoured(path, f"vcpus memory {_PROCESS}"),
        **ignored(path, NO_CONTAINER, "instanceType"),
    }


def task(path: str) -> dict[str, Decision]:
    """EcsProperties."""
    above = f"{path}.taskProperties[]"
    container = f"{above}.containers[]"
    return {
        **honoured(path, "taskProperties taskProperties[].containers"),
        **ignored(
            above,
            NO_CONTAINER,
            """ephemeralStorage platformVersion ipcMode taskRoleArn pidMode networkConfiguration
            runtimePlatform enableExecuteCommand networkMode""",
        ),
        **by_engine(above, NO_CONTAINER, "volumes"),
        **ignored(f"{above}.volumes[]", _NO_EFS, "efsVolumeConfiguration"),
        **ignored(above, f"{NO_CONTAINER}; required on Fargate, as by AWS", "executionRoleArn"),
        **honoured(
            container,
            f"""name essential dependsOn dependsOn[].containerName dependsOn[].condition
            {_PROCESS}""",
        ),
        **_logs(f"{container}.logConfiguration"),
        **refused(container, _NO_SECRETS, "secrets"),
        **ignored(
            container,
            NO_CONTAINER,
            "firelensConfiguration repositoryCredentials",
        ),
        **by_engine(
            container,
            NO_CONTAINER,
            "image linuxParameters mountPoints readonlyRootFilesystem user",
        ),
        **ignored(container, _NOT_TIMED, "startTimeout stopTimeout"),
        **by_engine(
            container, f"{NO_CONTAINER}; refused on Fargate, as by AWS", "privileged ulimits"
        ),
    }


def task_override(path: str) -> dict[str, Decision]:
    """EcsPropertiesOverride."""
    return {
        **honoured(path, "taskProperties taskProperties[].containers"),
        **honoured(f"{path}.taskProperties[].containers[]", f"name {_PROCESS}"),
    }


def pod(path: str) -> dict[str, Decision]:
    """EksProperties."""
    above = f"{path}.podProperties"
    lists = ("containers", "initContainers")
    decisions = {
        **honoured(path, "podProperties podProperties.containers podProperties.initContainers"),
        **ignored(
            above,
            NO_CONTAINER,
            """serviceAccountName hostNetwork dnsPolicy imagePullSecrets metadata
            shareProcessNamespace""",
        ),
        **by_engine(above, NO_CONTAINER, "volumes"),
        **ignored(
            f"{above}.volumes[]",
            "where an engine mounts it, it is an empty volume",
            "emptyDir.medium emptyDir.sizeLimit secret persistentVolumeClaim",
        ),
    }
    for container in (f"{above}.{name}[]" for name in lists):
        decisions |= {
            **_pod_process(container),
            **ignored(container, NO_CONTAINER, "imagePullPolicy"),
            **by_engine(container, NO_CONTAINER, "image volumeMounts securityContext"),
            **ignored(f"{container}.volumeMounts[]", NO_CONTAINER, "subPath"),
            **ignored(f"{container}.securityContext", NO_CONTAINER, "runAsNonRoot"),
        }
    return decisions


def pod_override(path: str) -> dict[str, Decision]:
    """EksPropertiesOverride."""
    above = f"{path}.podProperties"
    decisions = {
        **honoured(path, "podProperties podProperties.containers podProperties.initContainers"),
        **ignored(above, "there are no pods here", "metadata"),
    }
    for container in (f"{above}.containers[]", f"{above}.initContainers[]"):
        decisions |= {**_pod_process(container), **by_engine(container, NO_CONTAINER, "image")}
    return decisions


def _pod_process(path: str) -> dict[str, Decision]:
    fields = "name command args env env[].name env[].value"
    return honoured(path, f"{fields} resources resources.limits resources.requests")


def _logs(path: str) -> dict[str, Decision]:
    above, _, name = path.rpartition(".")
    return {
        **honoured(above, name),
        **honoured(path, "logDriver options", _LOGGED),
        **refused(path, _NO_SECRETS, "secretOptions"),
    }
