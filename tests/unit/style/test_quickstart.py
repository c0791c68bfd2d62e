"""The quick start: what it makes fits the stack, the examples, and what the functions may do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from batchrelay_cli.pipeline_file.overrides import requests_of
from batchrelay_cli.pipeline_file.read import read
from batchrelay_cli.stack.permissions import QUEUES_OF_QUICKSTART
from tests.policies import Policies, is_allowed
from tests.stack import ROOT, quickstart, template

EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*/pipeline.yaml"))
BUCKET = "arn:aws:s3:::b"
QUEUE = "arn:aws:batch:eu-west-1:111122223333:job-queue"


def made(kind: str) -> dict[str, dict[str, Any]]:
    """The properties of the nested resources of a type."""
    resources = quickstart()["Resources"].items()
    return {name: r["Properties"] for name, r in resources if r["Type"] == f"AWS::{kind}"}


def references(value: Any) -> Iterator[str]:
    """The names that a template's intrinsic functions refer to."""
    match value:
        case {"Ref": str(name)}:
            yield name
        case {"Fn::GetAtt": [str(name), _]}:
            yield name
        case {"Fn::Sub": str(text)}:
            yield from re.findall(r"\$\{([\w:]+)", text)
        case {"Fn::If": [str(condition), *values]}:
            yield condition
            yield from references(values)
        case dict():
            for inner in value.values():
                yield from references(inner)
        case list():
            for inner in value:
                yield from references(inner)


def test_everything_that_the_quick_start_refers_to_is_there() -> None:
    document = quickstart()
    parts = ("Parameters", "Conditions", "Resources")
    names = {name for part in parts for name in document[part]}
    referred = set(references([document["Resources"], document["Outputs"], document["Conditions"]]))
    assert {name for name in referred if not name.startswith("AWS::")} <= names
    for entry in document["Resources"].values():
        assert entry.get("Condition", "MakesVpc") in document["Conditions"]


def test_the_stack_hands_on_what_the_quick_start_asks_for_and_outputs_what_it_gives() -> None:
    stack = template()
    nested = stack["Resources"]["Quickstart"]
    assert nested["Condition"] == "MakesQueues"
    assert (ROOT / nested["Properties"]["TemplateURL"]).is_file()
    assert nested["Properties"]["Parameters"].keys() == quickstart()["Parameters"].keys()
    outputs = [entry for entry in stack["Outputs"].values() if "Condition" in entry]
    attributes = {entry["Value"]["Fn::GetAtt"][1] for entry in outputs}
    assert attributes == {f"Outputs.{name}" for name in quickstart()["Outputs"]}
    assert {entry["Condition"] for entry in outputs} == {"MakesQueues"}


def test_by_default_there_is_no_quick_start_and_bucket_and_topic_are_the_stacks_own() -> None:
    policies = Policies(parameters={})
    conditions = template()["Conditions"]
    holds = {name: policies._condition(condition) for name, condition in conditions.items()}
    by_default = {name for name, value in holds.items() if value}
    assert by_default == {"MakesBucket", "MakesTopic"}
    sids = {grant.sid for name in policies.functions for grant in policies.grants(name)}
    assert not sids & {"QuickstartQueuesUsed", "KeyUsed"}


@pytest.mark.parametrize(
    "function", ["StartRun", "OnJobEvent", "AnswerApi", "Prepare", "Reconcile"]
)
def test_the_functions_may_submit_to_the_queues_of_the_quick_start(function: str) -> None:
    """Beside those of JobQueueArns."""
    other = f"{QUEUE}/Night"
    policies = Policies(parameters={"BatchQuickstart": "yes", "JobQueueArns": other})
    names = {properties["JobQueueName"] for properties in made("Batch::JobQueue").values()}
    assert names == set(QUEUES_OF_QUICKSTART)
    arns = [other, *(f"{QUEUE}/{name}" for name in names)]
    assert all(policies.allows(function, "batch:SubmitJob", arn) for arn in arns)
    assert not policies.allows(function, "batch:SubmitJob", f"{QUEUE}/Admin")


def test_a_bucket_and_a_topic_of_ones_own_take_the_place_of_the_stacks() -> None:
    topic = "arn:aws:sns:eu-west-1:111122223333:mine"
    policies = Policies(parameters={"ExistingBucketName": "b", "ExistingTopicArn": topic})
    for function, action, arn, own in (
        ("Prepare", "s3:GetObject", f"{BUCKET}/x.csv", policies.arn_of("Bucket") + "/x.csv"),
        ("Prepare", "s3:PutObject", f"{BUCKET}/runs/x", policies.arn_of("Bucket") + "/runs/x"),
        ("AnswerApi", "s3:ListBucket", BUCKET, policies.arn_of("Bucket")),
        ("OnJobEvent", "sns:Publish", topic, policies.arn_of("Topic")),
    ):
        assert policies.allows(function, action, arn), action
        assert not policies.allows(function, action, own), action


def test_a_key_may_be_used_by_every_function_and_by_jobs() -> None:
    key = "arn:aws:kms:eu-west-1:111122223333:key/1"
    policies = Policies(parameters={"KmsKeyArn": key})
    for function in policies.functions:
        assert policies.allows(function, "kms:GenerateDataKey", key)
        assert not policies.allows(function, "kms:Decrypt", key.replace("key/1", "key/2"))
    nested = Policies(parameters={"KmsKeyArn": key, "BucketArn": BUCKET}, document=quickstart())
    assert is_allowed(job_statements(nested), "kms:Decrypt", key, {}, {})


def job_statements(nested: Policies) -> list[dict[str, Any]]:
    [policy] = nested._resolved(made("IAM::Role")["JobRole"]["Policies"])
    statements: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return statements


def test_a_job_reaches_the_stacks_bucket_and_its_work_queues_only() -> None:
    nested = Policies(parameters={"BucketArn": BUCKET}, document=quickstart())
    sqs = "arn:aws:sqs:eu-west-1:111122223333"

    def may(action: str, arn: str) -> bool:
        return is_allowed(job_statements(nested), action, arn, {}, {})

    assert may("s3:PutObject", f"{BUCKET}/word-count/top.json")
    assert may("s3:ListBucket", BUCKET)
    assert may("sqs:ReceiveMessage", f"{sqs}:br_k1-x")
    assert not may("s3:DeleteObject", f"{BUCKET}/runs/x")
    assert not may("s3:GetObject", "arn:aws:s3:::payroll/x")
    assert not may("sqs:ReceiveMessage", f"{sqs}:batchrelay-TriggerQueue")
    assert not may("kms:Decrypt", "arn:aws:kms:eu-west-1:111122223333:key/1")
    assert "Policies" not in made("IAM::Role")["InstanceRole"], "every job without a role has it"


def test_a_job_that_can_never_start_does_not_block_a_queue() -> None:
    for properties in made("Batch::JobQueue").values():
        actions = properties["JobStateTimeLimitActions"]
        assert {entry["Reason"] for entry in actions} == {
            "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
            "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE",
            "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
        }
        assert {(entry["State"], entry["Action"]) for entry in actions} == {("RUNNABLE", "CANCEL")}
        assert all(600 <= entry["MaxTimeSeconds"] <= 86_400 for entry in actions)


def test_at_rest_nothing_is_paid_for() -> None:
    environments = made("Batch::ComputeEnvironment").values()
    resources = [properties["ComputeResources"] for properties in environments]
    kinds = {entry["Type"] for entry in resources}
    assert kinds == {"SPOT", "EC2", "FARGATE", "FARGATE_SPOT"}
    assert all(entry.get("MinvCpus", 0) == 0 for entry in resources)
    assert {entry["Type"] for entry in quickstart()["Resources"].values()}.isdisjoint(
        {"AWS::EC2::NatGateway", "AWS::EC2::EIP"}
    )
    assert [e["VpcEndpointType"] for e in made("EC2::VPCEndpoint").values()] == ["Gateway"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_queues_of_the_examples_are_there_and_take_their_definitions(path: Any) -> None:
    """A definition without platformCapabilities is for EC2. Source: RegisterJobDefinition."""
    file = read(path)
    queues = {p["JobQueueName"]: p for p in made("Batch::JobQueue").values()}
    environments = made("Batch::ComputeEnvironment")
    named = [
        (str(request["jobQueue"]), str(request["jobDefinition"]))
        for step in file.pipeline.steps
        for request in requests_of(step)
    ]
    by_name = {entry["jobDefinitionName"]: entry for entry in file.definitions}
    for name, definition in named:
        [entry] = queues[name]["ComputeEnvironmentOrder"]
        resources = environments[entry["ComputeEnvironment"]["Ref"]]["ComputeResources"]
        platforms = by_name[definition].get("platformCapabilities", ["EC2"])
        assert platforms == ["FARGATE" if resources["Type"].startswith("FARGATE") else "EC2"]
