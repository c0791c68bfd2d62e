"""What the stack's roles allow by default, and what its parameters add."""

from __future__ import annotations

import pytest

from batchrelay.adapters.sqs import DEAD_SUFFIX
from batchrelay.domain.consumable_resources import resource_needed
from batchrelay.domain.job_tags import PIPELINE_TAG
from batchrelay.domain.pipeline import Step
from batchrelay.domain.state_change import DETAIL_TYPE, SOURCE
from batchrelay.domain.step_state import StepState
from batchrelay.domain.values import work_queues_prefix
from batchrelay.preparation.work_queue import step_digest
from tests.builders import run_of
from tests.policies import Policies
from tests.stack import template

BATCH = "arn:aws:batch:eu-west-1:111122223333"
OURS = {PIPELINE_TAG: "nightly"}
SUBMITTERS = ("StartRun", "OnJobEvent", "AnswerApi", "Prepare", "Reconcile")
DEFAULT = Policies(parameters={})


@pytest.mark.parametrize("function", SUBMITTERS)
def test_jobs_are_of_definitions_that_deploy_registered(function: str) -> None:
    def may(name: str, tags: dict[str, str] | None = None) -> bool:
        arn = f"{BATCH}:job-definition/{name}"
        return DEFAULT.allows(function, "batch:SubmitJob", arn, tags)

    assert may("plan:3", OURS)
    assert not may("plan", OURS)  # AWS Batch looks at no tag of a definition without a revision
    assert not may("plan:3")
    assert not may("plan:3", {"batchrelay:content": "x", "owner": "nightly"})


@pytest.mark.parametrize("function", SUBMITTERS)
def test_other_definitions_and_the_queues_are_named_by_parameters(function: str) -> None:
    named = Policies(
        parameters={
            "JobDefinitionArns": f"{BATCH}:job-definition/old,{BATCH}:job-definition/shared-*:4",
            "JobQueueArns": f"{BATCH}:job-queue/Main,{BATCH}:job-queue/night-*",
        }
    )
    queues = {name: f"{BATCH}:job-queue/{name}" for name in ("Main", "night-1", "Admin")}
    may = {name: named.allows(function, "batch:SubmitJob", arn) for name, arn in queues.items()}
    assert may == {"Main": True, "night-1": True, "Admin": False}
    may = {name: DEFAULT.allows(function, "batch:SubmitJob", arn) for name, arn in queues.items()}
    assert not any(may.values()), "by default, those of the examples only"
    definitions = ("old", "shared-x:4", "shared-x:5", "old:1", "plan:3")
    arns = [f"{BATCH}:job-definition/{name}" for name in definitions]
    may_use = [named.allows(function, "batch:SubmitJob", arn) for arn in arns]
    assert may_use == [True, True, False, False, False]
    assert named.allows(function, "batch:SubmitJob", arns[-1], OURS)
    elsewhere = "arn:aws:batch:us-east-1:111122223333:job-queue/MainQueue"
    assert DEFAULT.allows(function, "batch:SubmitJob", f"{BATCH}:job-queue/MainQueue")
    assert not DEFAULT.allows(function, "batch:SubmitJob", elsewhere)


def test_only_lists_of_the_stacks_own_bucket_are_read() -> None:
    def may(policies: Policies, bucket: str) -> list[bool]:
        return [
            policies.allows("Prepare", "s3:GetObject", f"{bucket}/lists/x.csv"),
            policies.allows("Prepare", "s3:ListBucket", bucket),
        ]

    own, other = DEFAULT.arn_of("Bucket"), "arn:aws:s3:::payroll"
    assert (may(DEFAULT, own), may(DEFAULT, other)) == ([True, True], [False, False])
    two = Policies(parameters={"ItemsBucketArn": "arn:aws:s3:::inbox,arn:aws:s3:::lists-*"})
    buckets = ("arn:aws:s3:::inbox", "arn:aws:s3:::lists-7", own)
    assert [may(two, bucket) for bucket in buckets] == [[True, True]] * 3
    assert may(two, other) == [False, False]


@pytest.mark.parametrize("function", [*SUBMITTERS[:3], "Reconcile", "Prepare"])
def test_notices_go_to_the_stacks_own_topic(function: str) -> None:
    own, other = DEFAULT.arn_of("Topic"), "arn:aws:sns:eu-west-1:111122223333:all-staff"
    assert DEFAULT.allows(function, "sns:Publish", own)
    assert not DEFAULT.allows(function, "sns:Publish", other)
    more = Policies(parameters={"TopicArns": f"arn:aws:sns:*:*:other,{other}"})
    assert more.allows(function, "sns:Publish", own)
    assert more.allows(function, "sns:Publish", other)


@pytest.mark.parametrize("function", SUBMITTERS)
def test_the_only_event_that_may_be_published_is_that_of_a_runs_end(function: str) -> None:
    bus = "arn:aws:events:eu-west-1:111122223333:event-bus/default"

    def may(arn: str, source: str, detail_type: str) -> bool:
        keys = {"events:source": source, "events:detail-type": detail_type}
        return DEFAULT.allows(function, "events:PutEvents", arn, keys=keys)

    assert may(bus, SOURCE, DETAIL_TYPE)
    assert not may(bus, "aws.batch", DETAIL_TYPE)
    assert not may(bus, SOURCE, "Batch Job State Change")
    assert not may(bus.replace("default", "other"), SOURCE, DETAIL_TYPE)
    assert not DEFAULT.allows(function, "events:PutEvents", bus)


def test_no_rule_of_the_stack_listens_to_the_ends_of_runs() -> None:
    resources = template()["Resources"].values()
    rules = [r["Properties"] for r in resources if r["Type"] == "AWS::Events::Rule"]
    assert [rule["EventPattern"]["source"] for rule in rules] == [["aws.batch"]] * 2
    assert SOURCE != "aws.batch"


@pytest.mark.parametrize("function", SUBMITTERS)
def test_an_output_is_presigned_only_where_a_parameter_allows_it(function: str) -> None:
    """Who signs a URL must be allowed what it does."""
    objects = ("arn:aws:s3:::out/results/x.csv", "arn:aws:s3:::out/raw/x.csv")
    more = Policies(parameters={"PresignArns": "arn:aws:s3:::out/results/*"})
    may = [p.allows(function, "s3:GetObject", arn) for p in (DEFAULT, more) for arn in objects]
    assert may == [False, False, True, False]


def test_reports_are_written_by_the_preparation_and_presigned_where_notices_wait_for_them() -> None:
    """What waits for a report is sent by who wrote it, or by reconcile."""
    own = DEFAULT.arn_of("Bucket")
    report, other = f"{own}/runs/run1/report-0.html", f"{own}/runs/run1/a/r0/x/items.jsonl"

    def may(action: str, arn: str) -> list[str]:
        return [name for name in SUBMITTERS if DEFAULT.allows(name, action, arn)]

    assert "Prepare" in may("s3:PutObject", report)
    assert may("s3:GetObject", report) == ["AnswerApi", "Prepare", "Reconcile"]
    assert may("s3:GetObject", other) == ["AnswerApi", "Prepare"]
    assert may("s3:GetObject", f"{own}/report-0.html") == ["Prepare"]
    assert may("s3:PutObject", f"{own}/report-0.html") == []


def test_a_tag_is_given_to_jobs_only() -> None:
    """A function that could tag a definition could make it one of deploy's."""
    assert all(DEFAULT.allows(name, "batch:TagResource", f"{BATCH}:job/1") for name in SUBMITTERS)
    for arn in (f"{BATCH}:job-definition/x:1", f"{BATCH}:job-queue/x"):
        assert not any(DEFAULT.allows(name, "batch:TagResource", arn) for name in SUBMITTERS)


@pytest.mark.parametrize("function", SUBMITTERS)
def test_only_consumable_resources_of_runs_are_made_and_deleted(function: str) -> None:
    """A job may need one of an account's own; none but ours is created or deleted."""
    step = Step(name="s" * 200, request={}, max_running=2)
    run = run_of(step)
    resource = resource_needed(run, step)
    assert resource is not None
    ours, other = f"{BATCH}:consumable-resource/{resource.name}", f"{BATCH}:consumable-resource/x"
    for action in ("Create", "Describe", "Delete"):
        name = f"batch:{action}ConsumableResource"
        assert DEFAULT.allows(function, name, ours)
        assert not DEFAULT.allows(function, name, other)
    for arn in (ours, other):
        assert DEFAULT.allows(function, "batch:SubmitJob", arn)
        assert not DEFAULT.allows(function, "batch:UpdateConsumableResource", arn)
    assert DEFAULT.allows(function, "batch:ListConsumableResources", "*")


def test_only_the_preparation_and_the_api_read_what_jobs_print() -> None:
    logs = "arn:aws:logs:eu-west-1:111122223333:log-group"
    streams = [f"{logs}:{group}:log-stream:plan/default/0a1b" for group in ("/aws/batch/job", "my")]
    readers = [
        name
        for name in SUBMITTERS
        if any(DEFAULT.allows(name, "logs:GetLogEvents", arn) for arn in streams)
    ]
    assert readers == ["AnswerApi", "Prepare"]
    for name in readers:
        assert all(DEFAULT.allows(name, "logs:GetLogEvents", arn) for arn in streams)
        assert not DEFAULT.allows(name, "logs:DeleteLogStream", streams[0])
    finders = [name for name in SUBMITTERS if DEFAULT.allows(name, "batch:ListJobs", "*")]
    assert finders == ["AnswerApi", "Prepare", "Reconcile"]
    for action, askers in (
        ("batch:DescribeJobQueues", ["AnswerApi", "Prepare"]),
        ("batch:DescribeComputeEnvironments", ["Prepare"]),
    ):
        assert [name for name in SUBMITTERS if DEFAULT.allows(name, action, "*")] == askers


def test_the_api_reads_the_files_of_runs_and_no_other_object() -> None:
    """A redrive is refused if the lists that it needs are gone."""
    own = DEFAULT.arn_of("Bucket")
    causes = f"{own}/runs/run1/a/r1/20260101/causes.json"
    others = (f"{own}/x.csv", "arn:aws:s3:::payroll/x")
    assert DEFAULT.allows("AnswerApi", "s3:GetObject", causes)
    assert not any(DEFAULT.allows("AnswerApi", "s3:GetObject", arn) for arn in others)
    assert not DEFAULT.allows("AnswerApi", "s3:PutObject", causes)
    assert DEFAULT.allows("AnswerApi", "s3:ListBucket", own), "what is gone is a 404"
    assert not DEFAULT.allows("AnswerApi", "s3:ListBucket", "arn:aws:s3:::payroll")


def work_queue(run_id: str, policies: Policies) -> list[str]:
    step = Step(name="pulled", request={}, workers=2)
    name = f"{work_queues_prefix(run_id)}{step_digest(step, StepState())}-101112131415"
    assert len(name + DEAD_SUFFIX) <= 80
    account = policies.arn_of("PrepareQueue").rpartition(":")[0]
    return [f"{account}:{name}", f"{account}:{name}{DEAD_SUFFIX}"]


@pytest.mark.parametrize("stack", ["batchrelay", "br-prod", "br", "br-x-PrepareQueue-1"])
def test_no_queue_of_a_stack_can_be_deleted_whatever_its_name(stack: str) -> None:
    policies = Policies(parameters={}, stack=stack)
    resources = template()["Resources"]
    queues = [name for name, entry in resources.items() if entry["Type"] == "AWS::SQS::Queue"]
    assert len(queues) == 6
    for function in SUBMITTERS:
        work = work_queue("k" + "0" * 31, policies)
        assert all(policies.allows(function, "sqs:DeleteQueue", arn) for arn in work)
        own = [policies.arn_of(name) for name in queues]
        assert not any(policies.allows(function, "sqs:DeleteQueue", arn) for arn in own), stack
    filled = ("sqs:CreateQueue", "sqs:GetQueueAttributes", "sqs:SendMessage")
    assert all(policies.allows("Prepare", action, arn) for action in filled for arn in work)
