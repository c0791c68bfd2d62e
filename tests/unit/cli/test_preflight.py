"""What `deploy` looks at in an account before it registers anything: each problem with its line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from batchrelay_cli.pipeline_file.read import read
from batchrelay_cli.stack.client import Stack
from batchrelay_cli.stack.job_definitions import definitions_elsewhere
from batchrelay_cli.stack.preflight.checks import Checks, check
from batchrelay_cli.stack.preflight.forms import form_problems
from batchrelay_cli.stack.preflight.images import EcrImage, architectures_needed
from batchrelay_cli.stack.preflight.lookups import Lookups, read_url
from batchrelay_cli.stack.preflight.quotas import quota_of
from batchrelay_cli.stack.preflight.rights import role_of_session
from batchrelay_cli.stack.preflight.roles import role_problem
from batchrelay_cli.stack.preflight.uses import Use

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
LAMBDAS = {"Statement": {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}}
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


def test_what_is_right_is_named(tmp_path: Path) -> None:
    problems, checks = checked(tmp_path, Account())
    assert problems == []
    assert checks == Checks(
        done=(
            "job queues and their compute environments: Main",
            "platforms and sizes of job definitions: count",
            "quotas of vCPUs: EC2 Spot Standard instances 64",
            f"images: {IMAGE}",
            "roles: jobs, pulls",
            "log groups: /words",
            f"your own rights: arn:aws:iam::{ACCOUNT}:user/me",
        ),
        not_done=(),
        warnings=(),
    )


WRONG: list[tuple[Account, str]] = [
    (
        Account(queue={"status": "INVALID", "statusReason": "no environment"}),
        f"{QUEUE_LINE}: job queue Main is INVALID (no environment): repair what AWS names there, or name another one",
    ),
    (
        Account(environment(state="DISABLED")),
        f"{QUEUE_LINE}: no job of job queue Main would begin: compute environment spot is DISABLED: enable it",
    ),
    (
        Account(
            environment(status="INVALID", statusReason="CLIENT_ERROR - the role is gone"),
            environment("EC2", status="CREATING"),
        ),
        f"{QUEUE_LINE}: no job of job queue Main would begin: compute environment spot is INVALID (CLIENT_ERROR - the role is gone): "
        "repair what AWS names there; compute environment ec2 is CREATING: wait until it is VALID",
    ),
    (
        Account(environment("FARGATE")),
        f"{QUEUE_LINE}: job definition count is for EC2, and job queue Main has compute environments of FARGATE: "
        "write platformCapabilities: [FARGATE], with an executionRoleArn, or name a queue of EC2",
    ),
    (
        Account(environment(containerOrchestrationType="EKS")),
        f"{QUEUE_LINE}: job definition count is for EC2, and job queue Main has compute environments of EKS: "
        "write eksProperties, or name a queue of EC2",
    ),
    (
        Account(environment("ECS_MANAGED_INSTANCES")),
        f"{QUEUE_LINE}: job definition count is for EC2, and job queue Main has compute environments of MANAGED_INSTANCES: "
        "write platformCapabilities: [MANAGED_INSTANCES], or name a queue of EC2",
    ),
    (
        Account(environment(computeResources={"maxvCpus": 2})),
        f"{QUEUE_LINE}: a job of count asks for 4 vCPUs, and no compute environment of job queue Main may have more than 2: "
        "it would wait for ever. Ask for less, or raise maxvCpus (aws batch update-compute-environment)",
    ),
    (
        Account(manifest=index("arm64")),
        f"{IMAGE_LINE}: image {IMAGE} is for ARM64, and job queue Main runs X86_64: "
        "build it with docker buildx build --platform linux/amd64, or name a queue of ARM64",
    ),
    (
        Account(manifest='{"config": {"digest": "sha256:1"}}', config='{"architecture": "arm64"}'),
        f"{IMAGE_LINE}: image {IMAGE} is for ARM64, and job queue Main runs X86_64: "
        "build it with docker buildx build --platform linux/amd64, or name a queue of ARM64",
    ),
    (
        Account(manifest=None),
        f"{IMAGE_LINE}: image {IMAGE} is not in its registry (ImageNotFound): push it, or write another one",
    ),
    (
        Account(roles={"pulls": TRUSTED}),
        f"{ROLE_LINE}: jobRoleArn: there is no role jobs in this account: create it, or name another one",
    ),
    (
        Account(roles={"jobs": TRUSTED, "pulls": LAMBDAS}),
        f"{PULLS_LINE}: executionRoleArn: ecs-tasks.amazonaws.com may not assume role pulls: add "
        '{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"} to its trust policy',
    ),
    (
        Account(groups=["/words/more"]),
        f"{LOGS_LINE}: there is no log group /words, so no container would start: create it "
        "(aws logs create-log-group --log-group-name /words), or leave logConfiguration out",
    ),
]


@pytest.mark.parametrize(("account", "problem"), WRONG)
def test_a_problem_has_its_line_and_its_remedy(
    tmp_path: Path, account: Account, problem: str
) -> None:
    assert checked(tmp_path, account)[0] == [problem]


def test_a_repository_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    image = IMAGE.replace("team/words", "team/other")
    problems, _ = checked(tmp_path, Account(), FILE.replace(IMAGE, image))
    assert problems == [
        f"{IMAGE_LINE}: image {image} is not in its registry (RepositoryNotFound): push it, or "
        "write another one"
    ]


def test_one_usable_compute_environment_is_enough_and_the_other_is_a_warning(
    tmp_path: Path,
) -> None:
    account = Account(environment(), environment("EC2", state="DISABLED"))
    problems, checks = checked(tmp_path, account)
    assert problems == []
    [warning] = checks.warnings
    assert warning.message == ("of job queue Main, compute environment ec2 is DISABLED: enable it")


def test_a_job_beyond_the_quota_of_the_account_would_wait_for_ever(tmp_path: Path) -> None:
    [problem], _ = checked(tmp_path, Account(quota=2))
    assert problem.startswith(f"{QUEUE_LINE}: a job of count asks for 4 vCPUs, and the account's")
    assert "--service-code ec2 --quota-code L-34B43A08" in problem


def test_an_environment_beyond_the_quota_is_a_warning(tmp_path: Path) -> None:
    _, checks = checked(tmp_path, Account(quota=8))
    [warning] = checks.warnings
    assert "compute environment spot may have 16 vCPUs" in warning.message


@pytest.mark.parametrize(
    ("described", "code"),
    [
        (environment("FARGATE"), "L-3032A538"),
        (environment("FARGATE_SPOT"), "L-36FBB829"),
        (environment("EC2", computeResources={"instanceTypes": ["m5", "c7g.large"]}), "L-1216C47A"),
        (environment("EC2", computeResources={"instanceTypes": ["m5", "g5"]}), None),
        (environment("ECS_MANAGED_INSTANCES"), None),
        ({"type": "UNMANAGED"}, None),
    ],
)
def test_a_quota_is_of_the_kind_of_the_environment(
    described: dict[str, Any], code: str | None
) -> None:
    quota = quota_of(described)
    assert (None if quota is None else quota.code) == code


def test_nodes_do_not_run_on_spot(tmp_path: Path) -> None:
    text = """\
pipeline: nodes
steps: [{jobName: a, jobQueue: Main, jobDefinition: d}]
jobDefinitions:
  - jobDefinitionName: d
    type: multinode
    nodeProperties:
      numNodes: 2
      mainNode: 0
      nodeRangeProperties:
        - {targetNodes: "0:", container: {image: i, vcpus: 9, memory: 64, command: [x]}}
"""
    problems, _ = checked(tmp_path, Account(), text)
    assert [problem.partition(": ")[2][:50] for problem in problems] == [
        "a job of d asks for 18 vCPUs, and no compute envir",
        "job definition d has several nodes, and job queue ",
    ]
    assert checked(tmp_path, Account(environment("EC2"), environment()), text)[0] == problems[:1]


@pytest.mark.parametrize(
    ("override", "asked"),
    [
        ('[{type: VCPU, value: "32"}]', "32"),
        ('[{type: VCPU, value: "${params.size}"}]', "64"),
        ('[{type: VCPU, value: "2"}]', None),
        ('[{type: VCPU, value: "${params.own}"}]', None),
        ('[{type: MEMORY, value: "16"}]', None),
    ],
)
def test_the_size_is_that_of_the_request_over_its_definition(
    tmp_path: Path, override: str, asked: str | None
) -> None:
    request = f"    containerOverrides: {{resourceRequirements: {override}}}\n"
    text = FILE.replace("jobDefinitions:\n", f"{request}jobDefinitions:\n")
    params = "params: {size: {type: string, default: '64'}, own: {type: string}}\n"
    problems, _ = checked(tmp_path, Account(), text.replace("steps:\n", f"{params}steps:\n"))
    sizes = [problem.partition("asks for ")[2].partition(" ")[0] for problem in problems]
    assert sizes == ([] if asked is None else [asked])


def test_what_is_denied_is_named_and_no_problem(tmp_path: Path) -> None:
    denies = (
        "describe_compute_environments",
        "batch_get_image",
        "get_role",
        "describe_log_groups",
        "get_caller_identity",
    )
    problems, checks = checked(tmp_path, Account(denies=denies))
    assert problems == []
    answer = "was answered AccessDenied"
    assert checks.not_done == (
        f"compute environments: describe_compute_environments {answer}",
        f"image {IMAGE}: batch_get_image {answer}",
        f"role jobs: get_role {answer}",
        f"role pulls: get_role {answer}",
        f"log group /words: describe_log_groups {answer}",
        f"your own rights: get_caller_identity {answer}",
    )
    assert checks.done == ("platforms and sizes of job definitions: count",)


def test_a_service_that_cannot_be_reached_is_named(tmp_path: Path) -> None:
    account = Account()

    def client(service: str, config: Any = None) -> Any:
        if service == "iam":
            raise EndpointConnectionError(endpoint_url="https://iam")
        return Account.client(account, service, config)

    account.client = client  # type: ignore[method-assign]
    problems, checks = checked(tmp_path, account)
    assert problems == []
    assert [sentence.partition(":")[0] for sentence in checks.not_done] == [
        "role jobs",
        "role pulls",
        "your own rights",
    ]


def test_a_parameter_may_be_called_image(tmp_path: Path) -> None:
    text = FILE.replace("type: container\n", "type: container\n    parameters: {image: other}\n")
    assert checked(tmp_path, Account(), text)[1].not_done == ()


POD = f"""\
pipeline: pods
steps: [{{jobName: a, jobQueue: Main, jobDefinition: p}}]
jobDefinitions:
  - jobDefinitionName: p
    type: container
    eksProperties:
      podProperties:
        metadata: {{labels: {{image: blue, taskRoleArn: none}}}}
        initContainers: [{{name: i, image: {IMAGE}, resources: {{limits: {{cpu: "12"}}}}}}]
        containers: [{{name: m, image: {IMAGE}, resources: {{limits: {{cpu: "12", memory: 64Mi}}}}}}]
"""


def test_labels_of_a_pod_are_its_own_and_what_begins_first_has_ended(tmp_path: Path) -> None:
    problems, checks = checked(
        tmp_path, Account(environment(containerOrchestrationType="EKS")), POD
    )
    assert (problems, checks.not_done) == ([], ())


def test_what_another_region_or_account_has_is_a_problem(tmp_path: Path) -> None:
    elsewhere = "arn:aws:batch:us-west-2:111122223333:job-queue/Main"
    problems, _ = checked(tmp_path, Account(), FILE.replace("Queue: Main", f"Queue: {elsewhere}"))
    assert problems == [
        f"{QUEUE_LINE}: job queue {elsewhere} is not of {REGION} and account {ACCOUNT}, where the "
        "stack is: name one that is there"
    ]
    here = f"arn:aws:batch:{REGION}:{ACCOUNT}:job-queue/Main"
    assert checked(tmp_path, Account(), FILE.replace("Queue: Main", f"Queue: {here}"))[0] == []


def test_an_arn_may_be_without_a_revision(tmp_path: Path) -> None:
    """As SubmitJob takes it, and DescribeJobDefinitions does not."""
    arn = f"arn:aws:batch:{REGION}:{ACCOUNT}:job-definition/count"
    account = Account()
    checked(tmp_path, account, FILE.replace("Definition: count", f"Definition: {arn}", 1))
    [asked] = [one for one in account.asked if one["call"] == "describe_job_definitions"]
    assert asked["jobDefinitionName"] == "count"


def test_an_image_elsewhere_and_a_role_of_another_account_are_named(tmp_path: Path) -> None:
    text = FILE.replace(IMAGE, "python:3.13").replace(
        f"::{ACCOUNT}:role/pulls", "::444455556666:role/pulls"
    )
    _, checks = checked(tmp_path, Account(), text)
    assert checks.not_done == (
        "image python:3.13: it is not in Amazon ECR",
        "role arn:aws:iam::444455556666:role/pulls: it is of another account",
    )


OF_PODS: dict[str, Any] = {
    "jobDefinitionName": "pod",
    "eksProperties": {"podProperties": {"containers": [{"name": "main", "image": "i"}]}},
}
NAMED = {"eksPropertiesOverride": {"podProperties": {"containers": [{"name": "main"}]}}}


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        ({}, 'has eksProperties: name its containers, so that the variables of a job reach them: "eksPropertiesOverride": {"podProperties": {"containers": [{"name": "main"'),
        ({"containerOverrides": {}}, "for which AWS Batch refuses containerOverrides"),
        ({"eksPropertiesOverride": {"podProperties": {"containers": [{"name": "mian"}]}}}, "its job definition has no container mian: it has main; did you mean main?"),
        ({**NAMED, "propagateTags": True}, "AWS Batch refuses propagateTags on EKS"),
        (NAMED, None),
    ],
)  # fmt: skip
def test_containers_of_a_definition_elsewhere_are_named_in_its_form(
    request_: dict[str, Any], problem: str | None
) -> None:
    use = Use(at_queue=(), at_definition=(), queue="q", request=request_, definition=OF_PODS)
    shown = list(form_problems(use))
    assert len(shown) == (problem is not None)
    assert (problem or "") in "".join(shown)


def test_a_local_cloud_has_queues_and_sizes_only(tmp_path: Path) -> None:
    account = Account(environment("FARGATE", computeResources={"maxvCpus": 2}))
    problems, checks = checked(tmp_path, account, local=True)
    assert [problem.partition(" asks")[0] for problem in problems] == [
        f"{QUEUE_LINE}: a job of count"
    ]
    assert checks.not_done == ()
    assert {call["call"] for call in account.asked} == {
        "describe_job_queues",
        "describe_compute_environments",
    }


@pytest.mark.parametrize(
    ("types", "machines"),
    [
        (["m7g"], {"ARM64"}),
        (["c6gn.xlarge", "im4gn", "t4g.small", "a1", "default_arm64"], {"ARM64"}),
        (["g5g.xlarge"], {"ARM64"}),
        (["optimal", "m7i", "g4dn.xlarge", "p5", "c7a"], {"X86_64"}),
        (["m7g", "m7i"], {"ARM64", "X86_64"}),
        ([], set()),
    ],
)
def test_the_architecture_of_ec2_is_that_of_its_instances(
    types: list[str], machines: set[str]
) -> None:
    one = environment(computeResources={"instanceTypes": types})
    assert architectures_needed({}, [one]) == machines


def test_the_architecture_of_fargate_is_that_of_the_definition() -> None:
    arm = {"containerProperties": {"runtimePlatform": {"cpuArchitecture": "ARM64"}}}
    fargate = [environment("FARGATE_SPOT")]
    assert architectures_needed(arm, fargate) == {"ARM64"}
    assert architectures_needed({"containerProperties": {}}, fargate) == {"X86_64"}


@pytest.mark.parametrize(
    ("image", "name"),
    [
        (f"{ECR}/a/b", ("imageTag", "latest")),
        (f"{ECR}/a/b:v1", ("imageTag", "v1")),
        (f"{ECR}/a/b:v1@sha256:{'0' * 64}", ("imageDigest", f"sha256:{'0' * 64}")),
    ],
)
def test_an_image_of_ecr_is_looked_up_by_what_names_it(image: str, name: tuple[str, str]) -> None:
    assert EcrImage.of(image) == EcrImage(
        account=ACCOUNT, region=REGION, repository="a/b", id=(name,)
    )


@pytest.mark.parametrize("image", ["python:3.13", "public.ecr.aws/docker/library/python", ""])
def test_another_image_is_not_looked_up(image: str) -> None:
    assert EcrImage.of(image) is None


def test_no_url_but_of_https_is_read() -> None:
    with pytest.raises(ValueError, match="https"):
        read_url("file:///etc/passwd")


@pytest.mark.parametrize(
    ("statement", "is_trusted"),
    [
        (TRUSTED["Statement"][0], True),
        ({"Effect": "Allow", "Principal": "*", "Action": ["sts:*"]}, True),
        ({**TRUSTED["Statement"][0], "Effect": "Deny"}, False),
        ({**TRUSTED["Statement"][0], "Action": "sts:TagSession"}, False),
        ({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}, False),
    ],
)
def test_a_role_must_trust_tasks(statement: dict[str, Any], is_trusted: bool) -> None:
    problem = role_problem("jobRoleArn", "r", {"Statement": [statement]})
    assert (problem is None) is is_trusted


def test_rights_that_iam_would_deny_are_a_warning_with_the_resource(tmp_path: Path) -> None:
    account = Account(
        decisions={
            "iam:PassRole": {"EvalDecision": "implicitDeny"},
            "batch:TagResource": {"EvalDecision": "explicitDeny", "MissingContextValues": ["k"]},
        }
    )
    problems, checks = checked(tmp_path, account)
    assert problems == []
    lead = "by IAM's simulation you may not iam:PassRole on arn:aws:iam::111122223333:role"
    ask = "ask for the policy of docs/how-to/deploy-the-stack.md, Register pipelines"
    assert [warning.message for warning in checks.warnings] == [
        f"{lead}/pulls: {ask}",
        f"{lead}/team/jobs: {ask}",
    ]


TRIGGERS = """\
triggers:
  - {s3: {bucket: inbox, prefix: x/}}
  - {schedule: {expression: "cron(0 2 * * ? *)"}}
"""


def test_iam_is_asked_for_what_a_registration_changes(tmp_path: Path) -> None:
    account = Account(caller=f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/me")
    account.roles["deployer"] = TRUSTED
    checked(tmp_path, account, FILE + TRIGGERS)
    asked = [call for call in account.asked if call["call"] == "simulate_principal_policy"]
    principals = {call["PolicySourceArn"] for call in asked}
    assert principals == {f"arn:aws:iam::{ACCOUNT}:role/path/deployer"}
    here = f"{REGION}:{ACCOUNT}"
    assert [(*call["ActionNames"], *call["ResourceArns"]) for call in asked] == [
        ("dynamodb:PutItem", f"arn:aws:dynamodb:{here}:table/table"),
        (
            "batch:RegisterJobDefinition",
            "batch:TagResource",
            f"arn:aws:batch:{here}:job-definition/count",
        ),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/pulls"),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/team/jobs"),
        ("events:PutRule", "events:PutTargets", f"arn:aws:events:{here}:rule/br-1-0"),
        ("scheduler:CreateSchedule", f"arn:aws:scheduler:{here}:schedule/default/br-1-0"),
        ("iam:PassRole", OUTPUTS["SchedulerRoleArn"]),
    ]
    services = [key["ContextKeyValues"] for call in asked for key in call["ContextEntries"]]
    assert services == [
        ["PIPELINE#words"],
        ["ecs-tasks.amazonaws.com"],
        ["ecs-tasks.amazonaws.com"],
        ["scheduler.amazonaws.com"],
    ]


def test_the_root_user_may_do_everything(tmp_path: Path) -> None:
    account = Account(caller=f"arn:aws:iam::{ACCOUNT}:root")
    _, checks = checked(tmp_path, account)
    assert "simulate_principal_policy" not in {call["call"] for call in account.asked}
    assert checks.not_done == ()


@pytest.mark.parametrize(
    ("caller", "role"),
    [
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/session", "deployer"),
        (f"arn:aws:iam::{ACCOUNT}:user/path/me", None),
        (f"arn:aws:iam::{ACCOUNT}:root", None),
    ],
)
def test_a_session_is_one_of_a_role(caller: str, role: str | None) -> None:
    assert role_of_session(caller) == role
