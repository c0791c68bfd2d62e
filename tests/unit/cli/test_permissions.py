"""What a stack does not allow is reported with its line, and with the command that allows it."""

from __future__ import annotations

import copy
import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from batchrelay_cli.pipeline_file.reach import Kind
from batchrelay_cli.pipeline_file.read import read
from batchrelay_cli.stack.client import Stack
from batchrelay_cli.stack.permissions import (
    PARAMETERS,
    QUEUES_BY_DEFAULT,
    QUEUES_OF_QUICKSTART,
    refusals,
)
from tests.policies import Policies
from tests.stack import template

ACCOUNT = "eu-west-1:111122223333"
BATCH = f"arn:aws:batch:{ACCOUNT}"
FAR = "arn:aws:batch:us-east-1:111122223333:job-queue/Main"
OUTPUTS = {
    "BucketName": "own",
    "TopicArn": f"arn:aws:sns:{ACCOUNT}:own",
    "TriggerQueueArn": f"arn:aws:sqs:{ACCOUNT}:q",
}
FILE = """\
pipeline: needs
params: {list: "s3://lists/x.csv", which: d}
steps:
  - jobName: a
    jobQueue: QUEUE
    jobDefinition: DEFINITION
    flow: {forEach: {file: "LIST"}}
notify: [{topicArn: "TOPIC"}]
jobDefinitions:
  - jobDefinitionName: d
    type: container
    containerProperties: {image: i, command: ["true"], vcpus: 1, memory: 64}
"""
MINE = {
    "QUEUE": "MainQueue",
    "DEFINITION": "d",
    "LIST": "s3://${env.bucket}/${params.list}",
    "TOPIC": "${env.topicArn}",
}
DEFAULTS = dict.fromkeys(PARAMETERS.values(), "")


def definitions(**request: list[str]) -> dict[str, Any]:
    """`night:3` was registered by deploy, and nothing else."""
    is_ours = request == {"jobDefinitions": ["night:3"]}
    tags = {"batchrelay:pipeline": "night"} if is_ours else {}
    return {"jobDefinitions": [{"jobDefinitionName": "x", "tags": tags}]}


def refused(
    folder: Path, changed: dict[str, str], parameters: dict[str, str], *, local: bool = False
) -> tuple[list[str], str]:
    file = folder / "pipeline.yaml"
    text = FILE
    for name, value in {**MINE, **changed}.items():
        text = text.replace(name, value)
    file.write_text(text)
    batch = SimpleNamespace(describe_job_definitions=definitions)
    stack = Stack(make_client=lambda _: batch, outputs=OUTPUTS, parameters=parameters)
    found = refusals(stack, "batchrelay", read(file), local=local)
    return [f"{p.line}: {p.message}" for p in found.problems], found.command


REFUSED: list[tuple[dict[str, str], str, str]] = [
    (
        {"LIST": "s3://payroll/x.csv"},
        "7: stack batchrelay does not allow bucket payroll (ItemsBucketArn)",
        "ItemsBucketArn=arn:aws:s3:::payroll",
    ),
    (
        {"LIST": "${params.list}"},
        "7: stack batchrelay does not allow bucket lists (ItemsBucketArn)",
        "ItemsBucketArn=arn:aws:s3:::lists",
    ),
    (
        {"DEFINITION": "shared"},
        "6: stack batchrelay does not allow job definition shared (JobDefinitionArns)",
        f"JobDefinitionArns={BATCH}:job-definition/shared",
    ),
    (
        {"DEFINITION": "shared:4"},
        "6: stack batchrelay does not allow job definition shared:4 (JobDefinitionArns)",
        f"JobDefinitionArns={BATCH}:job-definition/shared:4",
    ),
    (
        {"DEFINITION": '"${params.which}"'},  # not pinned: it is known when a run starts
        "6: stack batchrelay does not allow job definition d (JobDefinitionArns)",
        f"JobDefinitionArns={BATCH}:job-definition/d",
    ),
    (
        {"TOPIC": f"arn:aws:sns:{ACCOUNT}:other"},
        f"8: stack batchrelay does not allow topic arn:aws:sns:{ACCOUNT}:other (TopicArns)",
        f"TopicArns=arn:aws:sns:{ACCOUNT}:other",
    ),
    (
        {"QUEUE": "Main"},
        "5: stack batchrelay does not allow job queue Main (JobQueueArns)",
        f"JobQueueArns={BATCH}:job-queue/Main",
    ),
    (
        {"QUEUE": FAR},
        f"5: stack batchrelay does not allow job queue {FAR} (JobQueueArns)",
        f"JobQueueArns={FAR}",
    ),
]


@pytest.mark.parametrize(("changed", "message", "allows"), REFUSED)
def test_a_missing_permission_is_reported_with_how_to_allow_it(
    tmp_path: Path, changed: dict[str, str], message: str, allows: str
) -> None:
    lead = "sam deploy --stack-name batchrelay --parameter-overrides "
    assert refused(tmp_path, changed, DEFAULTS) == ([message], lead + allows)
    name, _, value = allows.partition("=")
    assert refused(tmp_path, changed, {**DEFAULTS, name: value}) == ([], "")


def test_what_the_stack_allows_already_stays_allowed(tmp_path: Path) -> None:
    given = {**DEFAULTS, "ItemsBucketArn": "arn:aws:s3:::in, arn:aws:s3:::list-*"}
    messages, command = refused(tmp_path, {"LIST": "s3://payroll/x.csv"}, given)
    assert len(messages) == 1
    assert shlex.split(command)[-1] == (
        "ItemsBucketArn=arn:aws:s3:::in,arn:aws:s3:::list-*,arn:aws:s3:::payroll"
    )
    assert refused(tmp_path, {"LIST": "s3://list-7/x.csv"}, given) == ([], "")
    queues = {**DEFAULTS, "JobQueueArns": f"{BATCH}:job-queue/Night"}
    messages, command = refused(tmp_path, {}, queues)
    assert messages == ["5: stack batchrelay does not allow job queue MainQueue (JobQueueArns)"]
    assert command.endswith(f"{BATCH}:job-queue/Night,{BATCH}:job-queue/MainQueue")


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"DEFINITION": "night:3"},
        {"LIST": "s3://own/x.csv"},
        {"LIST": "s3://own/${run.id}"},
        {"TOPIC": OUTPUTS["TopicArn"]},
        {"QUEUE": f"{BATCH}:job-queue/ProdQueue"},
    ],
)
def test_resources_of_the_stack_need_no_parameter(tmp_path: Path, changed: dict[str, str]) -> None:
    assert refused(tmp_path, changed, DEFAULTS) == ([], "")


def test_a_local_cloud_says_what_aws_would_do(tmp_path: Path) -> None:
    messages, _ = refused(tmp_path, {"LIST": "s3://payroll/x"}, DEFAULTS, local=True)
    assert messages == [
        "7: in AWS, stack batchrelay does not allow bucket payroll (ItemsBucketArn)"
    ]


def test_a_presigned_link_into_the_local_bucket_is_no_matter_of_aws(tmp_path: Path) -> None:
    topic = {"TOPIC": '${env.topicArn}", link: "s3://own/x.csv", presign: "1h'}
    assert refused(tmp_path, topic, DEFAULTS, local=True) == ([], "")
    [message], _ = refused(tmp_path, topic, DEFAULTS)
    assert message.endswith("does not allow bucket of a presigned link own (PresignArns)")


def test_a_stack_from_before_there_was_a_parameter_allows_everything(tmp_path: Path) -> None:
    changed = {"DEFINITION": "shared", "LIST": "s3://payroll/x", "TOPIC": "arn:aws:sns:x:1:other"}
    old = {"ItemsBucketArn": "arn:aws:s3:::*", "TopicArns": "*"}
    assert refused(tmp_path, changed, old) == ([], "")


@pytest.mark.parametrize("bucket", ["*", "a,arn:aws:s3:::*", "pay?oll", "x y"])
def test_no_line_allows_more_than_a_name(tmp_path: Path, bucket: str) -> None:
    messages, command = refused(tmp_path, {"LIST": f"s3://{bucket}/x"}, DEFAULTS)
    assert (len(messages), command) == (1, "")


def test_the_queues_by_default_are_those_that_the_roles_allow() -> None:
    allowed = {
        grant.resource.rpartition("/")[2]
        for grant in Policies(parameters={}).grants("OnJobEvent")
        if grant.sid == "JobsSubmitted"
    }
    assert allowed == set(QUEUES_BY_DEFAULT)


def test_a_stack_with_a_quick_start_allows_its_queues(tmp_path: Path) -> None:
    named = {**DEFAULTS, "JobQueueArns": f"{BATCH}:job-queue/Night"}
    for parameters in (DEFAULTS, named):
        for queue in QUEUES_OF_QUICKSTART:
            made = {**parameters, "BatchQuickstart": "yes"}
            assert refused(tmp_path, {"QUEUE": queue}, made) == ([], "")
    messages, _ = refused(
        tmp_path, {"QUEUE": "FargateSpotQueue"}, {**DEFAULTS, "BatchQuickstart": "no"}
    )
    assert len(messages) == 1


def test_deploy_and_the_roles_agree(tmp_path: Path) -> None:
    """What deploy says of the parameters is what the template's policies allow."""
    known = copy.deepcopy(template())["Parameters"]
    assert {name: known[name]["Default"] for name in DEFAULTS} == DEFAULTS
    asked = {
        Kind.BUCKET: ("Prepare", "s3:GetObject", "/x.csv"),
        Kind.TOPIC: ("OnJobEvent", "sns:Publish", ""),
        Kind.PRESIGNED: ("OnJobEvent", "s3:GetObject", "/x.csv"),
        Kind.QUEUE: ("OnJobEvent", "batch:SubmitJob", ""),
        Kind.DEFINITION: ("OnJobEvent", "batch:SubmitJob", ""),
    }
    for changed, _, allows in REFUSED:
        name, _, arn = allows.partition("=")
        kind = next(kind for kind, parameter in PARAMETERS.items() if parameter == name)
        function, action, behind = asked[kind]
        assert not Policies(parameters={}).allows(function, action, arn + behind), changed
        assert Policies(parameters={name: arn}).allows(function, action, arn + behind), changed
