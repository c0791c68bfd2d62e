"""The examples run with the stack's defaults, and let a caller choose nothing but where to read."""

from __future__ import annotations

from collections.abc import Iterator

from batchrelay.domain.job_tags import PIPELINE_TAG
from batchrelay_cli.pipeline_file.read import read
from tests.policies import Policies
from tests.stack import ROOT

BATCH = "arn:aws:batch:eu-west-1:111122223333"
DEFAULT = Policies(parameters={})


def needs_of_examples() -> Iterator[tuple[str, str, str, dict[str, str] | None]]:
    """What the examples' runs ask for: function, action, resource, tags of the resource."""
    for path in sorted((ROOT / "examples").glob("*/pipeline.yaml")):
        pipeline = read(path).pipeline
        for step in pipeline.steps:
            yield (
                "OnJobEvent",
                "batch:SubmitJob",
                f"{BATCH}:job-queue/{step.request['jobQueue']}",
                None,
            )
            name = f"{BATCH}:job-definition/{step.request['jobDefinition']}:1"
            yield "OnJobEvent", "batch:SubmitJob", name, {PIPELINE_TAG: pipeline.name}
        for rule in pipeline.notify:
            assert rule.topic == "${env.topicArn}"
            yield "OnJobEvent", "sns:Publish", DEFAULT.arn_of("Topic"), None


def test_the_examples_run_with_the_defaults() -> None:
    needs = list(needs_of_examples())
    assert len(needs) > 50
    assert [need for need in needs if not DEFAULT.allows(need[0], need[1], need[2], need[3])] == []
    asked = {arn for _, action, arn, _ in needs if action == "batch:SubmitJob"}
    allowed = {grant.resource for grant in DEFAULT.grants("OnJobEvent")}
    queues = {arn for arn in allowed if ":job-queue/" in arn}
    assert queues == {arn for arn in asked if ":job-queue/" in arn}, "no more than they need"


def test_of_the_examples_one_lets_the_caller_choose_where_to_read() -> None:
    found = {
        path.parent.name: [p.message for p in read(path).warnings if "chooses" in p.message]
        for path in (ROOT / "examples").glob("*/pipeline.yaml")
    }
    assert {name for name, messages in found.items() if messages} == {"incremental"}
