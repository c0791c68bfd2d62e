"""A shell in the container of a job that runs in ECS, by ECS Exec and the aws CLI."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from batchrelay.domain.job_containers import default_container
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.spin.command import shell_word

_PROGRAMS = {
    "aws": "the AWS CLI, https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html",
    "session-manager-plugin": "its Session Manager plugin, https://docs.aws.amazon.com/"
    "systems-manager/latest/userguide/session-manager-working-with-install-plugin.html",
}
"""What runs `aws ecs execute-command`. Source: ECS Developer Guide, ecs-exec."""

_SWITCHED_OFF = (
    "ECS Exec is off for this job: write `enableExecuteCommand: true` into containerProperties (or "
    "ecsProperties.taskProperties) of job definition {definition}, let its job role call "
    "ssmmessages:CreateControlChannel, CreateDataChannel, OpenControlChannel and OpenDataChannel, "
    "deploy it, and start a new run"
)


def task_of(job: Mapping[str, Any], wanted: str | None) -> str:
    """The ARN of the ECS task in which a job, or a node, runs. Raises: UsageProblem, if there is
    none."""
    if job.get("eksProperties"):
        raise UsageProblem(f"its job runs in a pod: {_kubectl(job, wanted)}")
    tasks = [job.get("container", {}), *job.get("ecsProperties", {}).get("taskProperties", ())]
    arn = next((str(task["taskArn"]) for task in tasks if task.get("taskArn")), "")
    if not arn or job["status"] not in ("STARTING", "RUNNING"):
        raise UsageProblem(
            f"job {job['jobId']} is {job['status']}: only a container that runs has a shell. "
            "`batchrelay spin` runs an item again on this machine"
        )
    return arn


def _kubectl(job: Mapping[str, Any], wanted: str | None) -> str:
    pod = job["eksProperties"].get("podProperties", {})
    namespace = pod.get("metadata", {}).get("namespace", "default")
    words = ["kubectl", "exec", "-it", "-n", str(namespace), str(pod.get("podName", "POD"))]
    name = wanted or default_container(job).get("name")
    if name:
        words += ["-c", str(name)]
    return f"{' '.join(map(shell_word, words))} -- sh"


def cluster_of(task_arn: str, job: Mapping[str, Any]) -> str:
    """Of `arn:aws:ecs:REGION:ACCOUNT:task/CLUSTER/ID`; of an older ARN without it, that of the
    container instance. Raises: UsageProblem. Source: ECS Developer Guide, ecs-account-settings."""
    for arn in (task_arn, str(job.get("container", {}).get("containerInstanceArn", ""))):
        pieces = arn.rpartition(":")[2].split("/")
        if len(pieces) == 3:
            return pieces[1]
    raise UsageProblem(f"{task_arn} does not say in which cluster it is")


def described_task(ecs: Any, cluster: str, task_arn: str, job: Mapping[str, Any]) -> Any:
    """The Task, in which commands may be executed. Raises: UsageProblem, ClientError."""
    tasks = ecs.describe_tasks(cluster=cluster, tasks=[task_arn])["tasks"]
    if not tasks:
        raise UsageProblem(f"task {task_arn} has ended")
    if not tasks[0].get("enableExecuteCommand"):
        name = str(job["jobDefinition"]).rpartition("/")[2]
        raise UsageProblem(_SWITCHED_OFF.format(definition=name))
    return tasks[0]


def container_name(task: Mapping[str, Any], job: Mapping[str, Any], wanted: str | None) -> str:
    """Which container: the one that is wanted, or the first essential one of the job. Raises:
    UsageProblem.

    A task may have containers that are not the job's, such as an agent of the account's.
    """
    names = [str(container["name"]) for container in task.get("containers", ())]
    if wanted is not None and wanted not in names:
        raise UsageProblem(f"there is no container {wanted}: {', '.join(names)}")
    own = str(default_container(job).get("name", ""))
    for name in (wanted, own, "default"):  # AWS Batch's name of the only one
        if name in names:
            return str(name)
    if len(names) != 1:
        raise UsageProblem(f"write --container with one of {', '.join(names)}")
    return names[0]


def execute_command(task_arn: str, cluster: str, container: str, shell: str) -> tuple[str, ...]:
    """The words of `aws ecs execute-command`."""
    region = task_arn.split(":")[3]
    return (
        *("aws", "ecs", "execute-command", "--region", region, "--cluster", cluster),
        *("--task", task_arn, "--container", container, "--interactive", "--command", shell),
    )


def check_programs(command: Sequence[str], path: str | None = None) -> None:
    """That this machine can execute it. Raises: UsageProblem, with what to install and to run."""
    missing = [text for name, text in _PROGRAMS.items() if shutil.which(name, path=path) is None]
    if missing:
        raise UsageProblem(
            f"install {' and '.join(missing)}; then this command does it: "
            + " ".join(map(shell_word, command))
        )
