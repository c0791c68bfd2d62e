"""An AWS account with what one pipeline file names, and what `deploy` finds wrong in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from batchrelay_cli.pipeline_file.read import read
from batchrelay_cli.stack.client import Stack
from batchrelay_cli.stack.job_definitions import definitions_elsewhere
from batchrelay_cli.stack.preflight.checks import Checks, check
from batchrelay_cli.stack.preflight.lookups import Lookups

ACCOUNT, REGION = "111122223333", "eu-west-1"
OUTPUTS = {
    "TriggerQueueArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:q",
    "TableName": "table",
    "SchedulerRoleArn": f"arn:aws:iam::{ACCOUNT}:role/scheduler",
}
ECR = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
IMAGE = f"{ECR}/team/words:1"
TRUSTED = {
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": ["ecs-tasks.amazonaws.com"]},
            "Action": "sts:AssumeRole",
        }
    ]
}
FILE = f"""\
pipeline: words
steps:
  - jobName: count
    jobQueue: Main
    jobDefinition: count
jobDefinitions:
  - jobDefinitionName: count
    type: container
    containerProperties:
      image: {IMAGE}
      command: ["true"]
      resourceRequirements: [{{type: VCPU, value: "4"}}, {{type: MEMORY, value: "8192"}}]
      jobRoleArn: arn:aws:iam::{ACCOUNT}:role/team/jobs
      executionRoleArn: arn:aws:iam::{ACCOUNT}:role/pulls
      logConfiguration: {{logDriver: awslogs, options: {{awslogs-group: /words}}}}
"""

QUEUE_LINE, IMAGE_LINE, ROLE_LINE, PULLS_LINE, LOGS_LINE = (
    "4:15",
    "10:14",
    "13:19",
    "14:25",
    "15:71",
)


def denied(operation: str) -> ClientError:
    return ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, operation)


def environment(kind: str = "SPOT", **changed: Any) -> dict[str, Any]:
    resources = {"type": kind, "maxvCpus": 16, "instanceTypes": ["optimal"]}
    if kind.startswith("FARGATE"):
        del resources["instanceTypes"]
    resources |= changed.pop("computeResources", {})
    return {
        "computeEnvironmentName": kind.lower(),
        "computeEnvironmentArn": kind,
        "containerOrchestrationType": "ECS",
        "type": "MANAGED",
        "state": "ENABLED",
        "status": "VALID",
        "computeResources": resources,
        **changed,
    }


def index(*architectures: str) -> str:
    """As BuildKit pushes it: an attestation is beside the images."""
    names = [*architectures, "unknown"]
    return json.dumps({"manifests": [{"platform": {"architecture": name}} for name in names]})


class Account:
    """What an account answers; a name in `denies` is refused."""

    def __init__(self, *environments: dict[str, Any], **answers: Any) -> None:
        self.environments = list(environments) or [environment()]
        self.queue: dict[str, Any] = {"status": "VALID", **answers.get("queue", {})}
        self.manifest: str | None = answers.get("manifest", index("amd64", "arm64"))
        self.config = answers.get("config", "{}")
        self.roles: dict[str, Any] = answers.get("roles", {"jobs": TRUSTED, "pulls": TRUSTED})
        self.groups: list[str] = answers.get("groups", ["/words"])
        self.caller: str = answers.get("caller", f"arn:aws:iam::{ACCOUNT}:user/me")
        self.decisions: dict[str, dict[str, Any]] = answers.get("decisions", {})
        self.quota: float | None = answers.get("quota")
        self.denies: set[str] = set(answers.get("denies", ()))
        self.asked: list[Mapping[str, Any]] = []

    def client(self, service: str, config: Any = None) -> Any:
        assert config is None or config.region_name == REGION

        class NotThereError(Exception):
            pass

        def operation(name: str, answer: Any) -> Any:
            def call(**request: Any) -> Any:
                if name in self.denies:
                    raise denied(name)
                self.asked.append({"call": name, **request})
                return answer(request, NotThereError)

            return call

        of_services: dict[str, dict[str, Any]] = {
            "batch": {
                "describe_job_queues": self._queues,
                "describe_compute_environments": self._environments,
                "describe_job_definitions": lambda *_: {"jobDefinitions": []},
            },
            "ecr": {
                "batch_get_image": self._image,
                "get_download_url_for_layer": lambda *_: {"downloadUrl": "https://layer"},
            },
            "iam": {"get_role": self._role, "simulate_principal_policy": self._simulation},
            "logs": {"describe_log_groups": self._groups},
            "service-quotas": {
                "get_service_quota": self._own_quota,
                "get_aws_default_service_quota": lambda *_: {"Quota": {"Value": 64.0}},
            },
            "sts": {"get_caller_identity": lambda *_: {"Arn": self.caller}},
        }
        answers = of_services[service]
        return SimpleNamespace(
            exceptions=SimpleNamespace(
                RepositoryNotFoundException=NotThereError,
                NoSuchEntityException=NotThereError,
                NoSuchResourceException=NotThereError,
            ),
            **{name: operation(name, answer) for name, answer in answers.items()},
        )

    def _own_quota(self, _request: Mapping[str, Any], absent: type[Exception]) -> Any:
        if self.quota is None:
            raise absent
        return {"Quota": {"Value": self.quota}}

    def _queues(self, request: Mapping[str, Any], _: Any) -> Any:
        order = [{"computeEnvironment": e["computeEnvironmentArn"]} for e in self.environments]
        queues = [
            {"jobQueueName": name, "computeEnvironmentOrder": order, **self.queue}
            for name in request["jobQueues"]
        ]
        return {"jobQueues": queues}

    def _environments(self, request: Mapping[str, Any], _: Any) -> Any:
        assert request["computeEnvironments"]
        return {"computeEnvironments": self.environments}

    def _image(self, request: Mapping[str, Any], not_there: type[Exception]) -> Any:
        assert request["imageIds"] == [{"imageTag": "1"}]
        if request["repositoryName"] != "team/words":
            raise not_there
        if self.manifest is None:
            return {"images": [], "failures": [{"failureCode": "ImageNotFound"}]}
        return {"images": [{"imageManifest": self.manifest}], "failures": []}

    def _role(self, request: Mapping[str, Any], not_there: type[Exception]) -> Any:
        name = request["RoleName"]
        if name not in self.roles:
            raise not_there
        arn = f"arn:aws:iam::{ACCOUNT}:role/path/{name}"
        return {"Role": {"Arn": arn, "AssumeRolePolicyDocument": self.roles[name]}}

    def _groups(self, request: Mapping[str, Any], _: Any) -> Any:
        names = [name for name in self.groups if name.startswith(request["logGroupNamePrefix"])]
        return {"logGroups": [{"logGroupName": name} for name in sorted(names)[: request["limit"]]]}

    def _simulation(self, request: Mapping[str, Any], _: Any) -> Any:
        allowed = {"EvalDecision": "allowed"}
        return {
            "EvaluationResults": [
                {"EvalActionName": action, **self.decisions.get(action, allowed)}
                for action in request["ActionNames"]
            ]
        }


def checked(
    folder: Path, account: Account, text: str = FILE, *, local: bool = False
) -> tuple[list[str], Checks]:
    """The problems with their places, and what was looked at."""
    path = folder / "pipeline.yaml"
    path.write_text(text)
    file = read(path)
    stack = Stack(make_client=account.client, outputs=OUTPUTS, name="batchrelay")
    lookups = Lookups(stack=stack, read=lambda _: account.config)
    elsewhere = definitions_elsewhere(stack.batch, file)
    checks = check(lookups, file, elsewhere, prefix="br-1-", local=local)
    return [f"{p.line}:{p.column}: {p.message}" for p in file.document.errors], checks
