"""Every limit of SubmitJob and RegisterJobDefinition that AWS documents: what is over it is refused
by `lint` at its line, what is just under it is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from batchrelay_cli.pipeline_file.read import read
from tests.conftest import write
from tests.unit.cli.job_texts import NEEDS, definition, fargate, needs, problems, step


def rule(**conditions: str) -> dict[str, Any]:
    last = {"onReason": "*", "action": "EXIT"}
    return {"attempts": 2, "evaluateOnExit": [{**conditions, "action": "RETRY"}, last]}


COMMON: tuple[tuple[str, Any, Any, str], ...] = (
    ("retryStrategy", {"attempts": 30}, {"attempts": 10}, "AWS Batch takes attempts 1 to 10, not 30"),
    ("retryStrategy", {"attempts": 0}, {"attempts": 1}, "AWS Batch takes attempts 1 to 10, not 0"),
    ("retryStrategy", {"evaluateOnExit": [{"onExitCode": "1", "action": "EXIT"}]}, rule(onExitCode="1"), "evaluateOnExit needs attempts beside it"),
    ("retryStrategy", {"attempts": 2, "evaluateOnExit": [{"onReason": "*", "action": "EXIT"}] * 6}, {"attempts": 2, "evaluateOnExit": [{"onReason": "*", "action": "EXIT"}] * 5}, "AWS Batch takes at most 5 rules, not 6"),
    ("retryStrategy", rule(onStatusReason="Host (EC2)*"), rule(onStatusReason="Host EC2*"), "onStatusReason 'Host (EC2)*': AWS Batch takes up to 512 letters, digits, periods, colons and blanks, and a * at the end"),
    ("retryStrategy", rule(onReason="*Out"), rule(onReason="OutOfMemoryError: *"), "onReason '*Out': AWS Batch takes up to 512 letters"),
    ("retryStrategy", rule(onReason="x" * 513), rule(onReason="x" * 512), "onReason 'xxxxxxxxxx"),
    ("retryStrategy", rule(onExitCode="13x"), rule(onExitCode="13*"), "onExitCode '13x': AWS Batch takes up to 512 digits, and a * at the end"),
    ("retryStrategy", rule(), rule(onExitCode="1"), "a rule needs onStatusReason, onReason or onExitCode"),
    ("retryStrategy", {"attempts": 2, "evaluateOnExit": [{"onReason": "*", "action": "STOP"}]}, {"attempts": 2, "evaluateOnExit": [{"onReason": "*", "action": "exit"}]}, "action must be one of RETRY, EXIT"),
    ("timeout", {"attemptDurationSeconds": 59}, {"attemptDurationSeconds": 60}, "AWS Batch takes timeouts from 60 seconds on, not 59"),
    ("tags", {str(n): "x" for n in range(51)}, {str(n): "x" for n in range(46)}, "AWS Batch takes 50 tags, not 51"),
    ("tags", {"k" * 129: "x"}, {"k" * 128: "x"}, "a tag's name has 1 to 128 characters, and not aws: before it"),
    ("tags", {"aws:k": "x"}, {"aws-k": "my-aws:x"}, "a tag's name has 1 to 128 characters, and not aws: before it"),
    ("tags", {"k": "x" * 257}, {"k": "x" * 256}, "257 characters; a tag's value has up to 256"),
)  # fmt: skip
"""Of a step and of a job definition alike."""


@pytest.mark.parametrize(("key", "wrong", "right", "problem"), COMMON)
def test_limits_that_a_step_and_a_definition_share(
    tmp_path: Path, key: str, wrong: Any, right: Any, problem: str
) -> None:
    [found] = problems(tmp_path, step(**{key: wrong}))
    assert found.startswith(problem)
    assert problems(tmp_path, step(**{key: right})) == []
    [found] = problems(tmp_path, step(), jobDefinitions=[definition(**{key: wrong})])
    assert found.startswith(problem)
    assert problems(tmp_path, step(), jobDefinitions=[definition(**{key: right})]) == []


CONTAINER: tuple[tuple[dict[str, Any], dict[str, Any], str], ...] = (
    ({"command": ["printf", ""]}, {"command": ["printf", " "]}, "AWS Batch refuses an empty word in a command: leave it out"),
    ({"command": ["printf", "a\0b"]}, {"command": ["printf", "a\tb"]}, "a word of a command holds a NUL character, which no program can be given"),
    ({"environment": [{"name": "A", "value": "a\0b"}]}, {"environment": [{"name": "A", "value": "a\tb"}]}, "the value of A holds a NUL character, which no variable can have"),
    ({"environment": [{"name": "A\0", "value": "x"}]}, {"environment": [{"name": "A", "value": "x"}]}, "'A\\x00' is not a variable's name"),
    ({"environment": [{"name": "AWS_BATCH_X", "value": "x"}]}, {"environment": [{"name": "AWS_X", "value": "x"}]}, "AWS_BATCH_X: names in AWS_BATCH… belong to AWS Batch"),
    ({"environment": [{"name": "", "value": "x"}]}, {"environment": [{"name": "X", "value": ""}]}, "'' is not a variable's name: write {name: NAME, value: VALUE}"),
    ({"environment": [{"name": "A=B", "value": "x"}]}, {"environment": [{"name": "A", "value": "B=C"}]}, "'A=B' is not a variable's name"),
    (needs("0", "64"), needs("1", "64"), "'0' is not an amount: write a number above 0"),
    (needs("one", "64"), needs("16", "64"), "'one' is not an amount"),
    (needs("1", "-64"), needs("1", "64"), "'-64' is not an amount"),
    (needs("1", "3"), needs("1", "4"), "MEMORY is in MiB, and at least 4, not 3: write"),
    (needs("1", "64.5"), needs("1", "65"), "MEMORY '64.5' is not a whole number"),
    (needs("1", "64", GPU="0.5"), needs("1", "64", GPU="1"), "GPU '0.5' is not a whole number"),
    (needs("0.5", "64"), needs("1.0", "64"), "VCPU 0.5 is of Fargate alone (platformCapabilities: [FARGATE] of the job definition)"),
)  # fmt: skip
"""Of overrides and of a job definition alike."""


@pytest.mark.parametrize(("wrong", "right", "problem"), CONTAINER)
def test_limits_that_overrides_and_a_definition_share(
    tmp_path: Path, wrong: dict[str, Any], right: dict[str, Any], problem: str
) -> None:
    known = [definition()]
    [found] = problems(tmp_path, step(containerOverrides=wrong), jobDefinitions=known)
    assert found.startswith(problem)
    assert problems(tmp_path, step(containerOverrides=right), jobDefinitions=known) == []
    [found] = problems(tmp_path, step(), jobDefinitions=[definition(wrong)])
    assert found.startswith(problem)
    assert problems(tmp_path, step(), jobDefinitions=[definition(right)]) == []


@pytest.mark.parametrize(
    ("wrong", "right", "problem"),
    [
        ({"jobQueue": "my queue"}, {"jobQueue": "arn:aws:batch:r:1:job-queue/q"}, "jobQueue 'my queue' is not valid: write letters, digits, - and _, at most 128, or an ARN"),
        ({"jobQueue": "q" * 129}, {"jobQueue": "q" * 128}, "jobQueue 'qqq"),
        ({"jobDefinition": "d:last"}, {"jobDefinition": "d:3"}, "jobDefinition 'd:last' is not valid: write a name, NAME:REVISION, or an ARN"),
        ({"shareIdentifier": "a-b"}, {"shareIdentifier": "ab*"}, "shareIdentifier 'a-b' is not valid: write 1 to 255 letters and digits, and a * at the end"),
        ({"shareIdentifier": "a" * 256}, {"shareIdentifier": "a" * 255}, "shareIdentifier 'aaa"),
        ({"schedulingPriorityOverride": 10_000}, {"schedulingPriorityOverride": 9_999}, "AWS Batch takes priorities 0 to 9,999, not 10,000"),
        ({"schedulingPriorityOverride": -1}, {"schedulingPriorityOverride": 0}, "AWS Batch takes priorities 0 to 9,999, not -1"),
        ({"arrayProperties": {"size": 10_001}}, {"arrayProperties": {"size": 10_000}}, "AWS Batch takes array sizes 2 to 10,000, not 10,001"),
        ({"containerOverrides": {"environment": [{"name": "BATCHRELAY_X", "value": "x"}]}}, {"containerOverrides": {"environment": [{"name": "BATCH", "value": "x"}]}}, "BATCHRELAY_X: names in BATCHRELAY_… belong to batchrelay"),
        ({"containerOverrides": {"command": ["я" * 8_192]}}, {"containerOverrides": {"command": ["я" * 2_000]}}, "the request is "),
        ({"containerOverrides": {"command": ["x" * 9_000]}}, {"containerOverrides": {"command": ["x" * 7_000]}}, "9,017 characters; above 8,192 AWS Batch accepts the job and then fails it"),
        ({"parameters": {"p": "x" * 31_000}}, {"parameters": {"p": "x" * 30_000}}, "the request is 31,0"),
        ({"flow": {"forEach": {"file": "list.json"}}}, {"flow": {"forEach": {"file": "s3://b/list.json"}}}, "file must be an S3 URI, such as s3://bucket/list.json"),
        ({"flow": {"forEach": {"matrix": {"a": list(range(1_001)), "b": list(range(1_000))}}}}, {"flow": {"forEach": {"matrix": {"a": list(range(1_000)), "b": list(range(1_000))}}}}, "1,001,000 children, and 100 arrays of 10,000 hold 1,000,000"),
    ],
)  # fmt: skip
def test_limits_of_a_step(
    tmp_path: Path, wrong: dict[str, Any], right: dict[str, Any], problem: str
) -> None:
    found = problems(tmp_path, step(**wrong))
    assert found[0].startswith(problem), found
    assert problems(tmp_path, step(**right)) == []


@pytest.mark.parametrize(
    ("wrong", "right", "problem"),
    [
        (definition(tags={str(n): "x" for n in range(49)}), definition(tags={str(n): "x" for n in range(48)}), "49 tags, and 2 of ours; AWS Batch takes 50"),
        (definition({"resourceRequirements": []}), definition({"resourceRequirements": [], "vcpus": 1, "memory": 4}), 'AWS Batch refuses a definition that does not say its vCPUs and its memory: write resourceRequirements: [{type: VCPU, value: "…"}, {type: MEMORY, value: "…"}]'),
        (definition({"resourceRequirements": NEEDS[:1]}), definition({"resourceRequirements": NEEDS[:1], "memory": 4}), 'AWS Batch refuses a definition that does not say its vCPUs and its memory: write resourceRequirements: [{type: MEMORY, value: "…"}]'),
        (definition({"resourceRequirements": [], "vcpus": 0, "memory": 4}), definition({"resourceRequirements": [], "vcpus": 1, "memory": 4}), "vcpus is at least 1, not 0"),
        (definition({"resourceRequirements": [], "vcpus": 1, "memory": 3}), definition(), "memory is at least 4, not 3"),
        (definition(schedulingPriority=10_000), definition(schedulingPriority=9_999), "AWS Batch takes priorities 0 to 9,999, not 10,000"),
        (definition(jobDefinitionName="d e"), definition(jobDefinitionName="d-e"), "jobDefinitionName 'd e' must begin with a letter or digit"),
        (definition({"command": ["x" * 25_000]}), definition({"command": ["x" * 24_000]}), "25,196 bytes, and 300 of our tags; AWS Batch takes job definitions of 24,576"),
        ({"jobDefinitionName": "d", "type": "container"}, definition(), "a definition of type container needs one of containerProperties, ecsProperties, eksProperties"),
        (fargate("3", "8192"), fargate("4", "8192"), "Fargate has 0.25, 0.5, 1, 2, 4, 8, 16, 32 vCPUs, not '3'"),
        (fargate("0.25", "4096"), fargate("0.25", "2048"), "on Fargate 0.25 vCPU goes with a MEMORY of 512, 1024, 2048"),
        (fargate("32", "65536"), fargate("32", "249856"), "on Fargate 32 vCPU goes with a MEMORY of 61440, 122880, 249856"),
        (fargate("1", "2048", GPU="1"), fargate("1", "2048"), "there are no GPUs on Fargate: leave GPU out"),
    ],
)  # fmt: skip
def test_limits_of_a_definition(
    tmp_path: Path, wrong: dict[str, Any], right: dict[str, Any], problem: str
) -> None:
    [found] = problems(tmp_path, step(jobDefinition="x"), jobDefinitions=[wrong])
    assert found.startswith(problem)
    assert problems(tmp_path, step(jobDefinition="x"), jobDefinitions=[right]) == []


def test_a_definition_of_this_file_has_no_revision(tmp_path: Path) -> None:
    known = [definition()]
    [found] = problems(tmp_path, step(jobDefinition="d:3"), jobDefinitions=known)
    assert found == (
        "job definition d:3 names a revision, but this file defines d: leave the revision out, or "
        "the definition"
    )
    assert problems(tmp_path, step(jobDefinition="d"), jobDefinitions=known) == []
    assert problems(tmp_path, step(jobDefinition="e:3"), jobDefinitions=known) == []


def test_a_share_needs_a_priority(tmp_path: Path) -> None:
    shared = step(shareIdentifier="team")
    [found] = problems(tmp_path, shared, jobDefinitions=[definition()])
    assert found == (
        "AWS Batch refuses a shareIdentifier without a priority: write schedulingPriorityOverride "
        "beside it, or schedulingPriority in job definition d"
    )
    assert problems(tmp_path, shared, jobDefinitions=[definition(schedulingPriority=0)]) == []
    override = {**shared, "schedulingPriorityOverride": 0}
    assert problems(tmp_path, override, jobDefinitions=[definition()]) == []
    assert problems(tmp_path, shared) == [], "the account's definition may have one"


def test_a_queue_is_shared_by_all_or_by_none(tmp_path: Path) -> None:
    shared = step(shareIdentifier="team")
    [found] = problems(tmp_path, shared, step("b"))
    assert found.startswith("b gives no shareIdentifier, but a does, to the same job queue q")
    assert problems(tmp_path, shared, step("b", shareIdentifier="other")) == []
    assert problems(tmp_path, shared, step("b", jobQueue="r")) == []
    group = {"forEach": {"items": [1]}, "groups": [{"jobQueue": "q"}]}
    [found] = problems(tmp_path, shared, step("b", jobQueue="r", flow=group))
    assert found.startswith("b gives no shareIdentifier, but a does")


def test_propagated_tags_are_counted_together(tmp_path: Path) -> None:
    tags = {str(n): "x" for n in range(41)}
    known = [definition(tags={f"d{n}": "x" for n in range(8)})]
    fewer = {str(n): "x" for n in range(38)}
    [found] = problems(tmp_path, step(tags={**fewer, "38": "x"}), jobDefinitions=known)
    assert found == (
        "47 tags of this step and of job definition d, and 4 of ours; AWS Batch fails a job that "
        "propagates more than 50: write fewer, or propagateTags: false"
    )
    assert problems(tmp_path, step(tags=fewer), jobDefinitions=known) == []
    assert problems(tmp_path, step(tags=tags, propagateTags=False), jobDefinitions=known) == []
    own = {"batchrelay:run": "x", "batchrelay:step": "x"}
    assert problems(tmp_path, step(tags=fewer | own), jobDefinitions=known) == []


def test_without_our_tags_a_job_has_fifty_of_its_own(tmp_path: Path) -> None:
    tags = {str(n): "x" for n in range(48)}
    [found] = problems(tmp_path, step(tags=tags))
    assert found == (
        "48 tags, and 3 of ours; AWS Batch takes 50: write fewer, or jobTags: false at the top of "
        "the file"
    )
    assert problems(tmp_path, step(tags={**tags, "48": "x", "49": "x"}), jobTags=False) == []
    [found] = problems(tmp_path, step(), jobTags="no")
    assert found == "jobTags is true or false: whether jobs have our tags; got 'no'"


def test_propagated_tags_have_the_characters_of_ecs(tmp_path: Path) -> None:
    valid = {"Kosten Stelle/é": "a+b=c_d.e:f/g@h-1", "empty": "", "known later": "${params.p}, x"}
    assert problems(tmp_path, step(tags=valid), params={"p": ""}) == []
    characters = "letters, digits, blanks and _ . : / = + - @"
    assert problems(tmp_path, step(tags={"a,b": "x"})) == [
        f"AWS takes {characters} in a tag's name"
    ]
    assert problems(tmp_path, step(tags={"a": "x, y"})) == [
        f"AWS takes {characters} in a tag's value, not 'x, y'"
    ]
    assert problems(tmp_path, step(tags={"a": "AWS:x"})) == [
        "a tag's value does not begin with aws:, which is AWS's own"
    ]


def propagated(folder: Path, entry: dict[str, Any], known: list[Any]) -> list[str]:
    document = {"pipeline": "p", "steps": [entry], "jobDefinitions": known}
    warnings = read(Path(write(folder, json.dumps(document)))).warnings
    return [warning.message for warning in warnings if "propagated" in warning.message]


def test_propagated_tags_of_a_definition_have_them_too(tmp_path: Path) -> None:
    known = [definition(tags={"batchrelay:entrypoint": "sh -c 'true'"})]
    path = write(
        tmp_path, json.dumps({"pipeline": "p", "steps": [step()], "jobDefinitions": known})
    )
    [found] = [w.message for w in read(Path(path)).warnings if "propagated" in w.message]
    assert found.startswith("the tag batchrelay:entrypoint of its job definition has more than")
    assert propagated(tmp_path, step(propagateTags=False), known) == []


def test_no_job_of_eks_propagates_tags(tmp_path: Path) -> None:
    of_eks = {"jobDefinitionName": "d", "type": "container", "eksProperties": {}}
    assert problems(tmp_path, step(), jobDefinitions=[of_eks]) == []
    [found] = problems(tmp_path, step(), jobDefinitions=[{**of_eks, "propagateTags": False}])
    assert found == "AWS Batch refuses propagateTags beside eksProperties: leave it out"


def test_what_a_group_changes_is_a_request_of_its_own(tmp_path: Path) -> None:
    group = {"when": "item.size > 1", "retryStrategy": {"attempts": 30}, "jobQueue": "a b"}
    found = problems(tmp_path, step(flow={"forEach": {"items": [1]}, "groups": [group]}))
    assert [problem.partition(",")[0] for problem in found] == [
        "AWS Batch takes attempts 1 to 10",
        "jobQueue 'a b' is not valid: write letters",
    ]
