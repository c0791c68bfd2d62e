"""What is decided at the start is refused at the start, and nothing that might be well is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from batchrelay.domain.errors import InvalidStart, Refused
from batchrelay.domain.events import JobSubmitted, JobSucceeded, Prepared
from batchrelay.domain.limits import OVERRIDES_CHARS_MAX
from batchrelay.domain.pipeline import (
    Aggregate,
    Group,
    InlineItems,
    ListFile,
    Listing,
    Matrix,
    NoticeRule,
    Param,
    Pipeline,
    Step,
)
from batchrelay.domain.requests import submit_request
from batchrelay.domain.run import Run, StartRequest
from batchrelay.domain.start_check import PROBLEMS_MAX, start_problems
from batchrelay.domain.values import Json
from tests.builders import T0, MemoryCloud, fold, key, pipeline, run_of, step

P = "${params.p}"


def command(*words: str) -> Mapping[str, Json]:
    return {"containerOverrides": {"command": list(words)}}


def environment(name: str, value: str) -> Mapping[str, Json]:
    return {"containerOverrides": {"environment": [{"name": name, "value": value}]}}


def later(**request: object) -> Step:
    """A step that comes after another one: too late to find out."""
    return step("b", "a", request=request)  # type: ignore[arg-type]


def refusal(definition: Pipeline, params: Mapping[str, str]) -> str:
    """Why no run starts; empty if one does. A refused start leaves nothing."""
    known = tuple(Param(name=name) for name in params)
    cloud = MemoryCloud(replace(definition, params=known))
    try:
        cloud.engine.start(StartRequest(run_id="run1", pipeline="test", version=1, params=params))
    except InvalidStart as error:
        assert (cloud.runs.runs, cloud.jobs.jobs, cloud.preparations.requested) == ({}, {}, [])
        return str(error)
    assert cloud.jobs.jobs
    return ""


LATER: tuple[tuple[Step, str, str, str], ...] = (
    (
        later(**command("echo", P)), "x" * 9_000, "x" * 7_000,
        "step b: containerOverrides: 9,304 characters; above 8,192 AWS Batch accepts the job and then fails it: put long texts into a file in S3 and pass its URI",
    ),
    (later(parameters={"x": P, "y": P}), "x" * 16_000, "x" * 14_000, "step b: the request is 32,529 bytes; AWS Batch takes 30,720"),
    (later(**command("echo", P)), "", "x", "step b: containerOverrides.command.1: AWS Batch refuses an empty word in a command"),
    (later(**environment(P, "x")), "AWS_BATCH_X", "X", "step b: containerOverrides.environment.0: AWS_BATCH_X: names in AWS_BATCH… belong to AWS Batch"),
    (later(**environment(P, "x")), "BATCHRELAY_X", "X", "step b: containerOverrides.environment.0: BATCHRELAY_X: names in BATCHRELAY_… belong to batchrelay"),
    (later(**environment(P, "x")), "", "X", "step b: containerOverrides.environment.0: '' is not a variable's name"),
    (later(jobQueue=P), "my queue", "my-queue", "step b: jobQueue 'my queue' is not valid"),
    (later(jobQueue=P), "arn:aws:batch:r:1:job-queue/", "arn:aws:batch:r:1:job-queue/q", "step b: jobQueue 'arn:aws:batch:r:1:job-queue/' is not valid"),
    (later(jobDefinition=P), "", "d:3", "step b: jobDefinition '' is not valid: write a name, NAME:REVISION, or an ARN"),
    (later(jobDefinition=P), "d:latest", "arn:aws:batch:r:1:job-definition/d:3", "step b: jobDefinition 'd:latest' is not valid"),
    (later(shareIdentifier=P), "a b", "ab*", "step b: shareIdentifier 'a b' is not valid: write 1 to 255 letters and digits"),
    (later(containerOverrides={"resourceRequirements": [{"type": "MEMORY", "value": P}]}), "1GB", "1024", "step b: containerOverrides.resourceRequirements.0.value: '1GB' is not an amount"),
    (later(containerOverrides={"resourceRequirements": [{"type": "MEMORY", "value": P}]}), "3", "4", "step b: containerOverrides.resourceRequirements.0.value: MEMORY is in MiB, and at least 4, not 3"),
    (later(containerOverrides={"resourceRequirements": [{"type": "GPU", "value": P}]}), "0.5", "1", "step b: containerOverrides.resourceRequirements.0.value: GPU '0.5' is not a whole number"),
    (later(retryStrategy={"attempts": 2, "evaluateOnExit": [{"onExitCode": P, "action": "EXIT"}]}), "one", "13*", "step b: retryStrategy.evaluateOnExit.0: onExitCode 'one': AWS Batch takes up to 512 digits"),
    (later(arrayProperties={"size": P}), "ten", "10", "step b: arrayProperties.size must be a number, got 'ten'"),
    (later(arrayProperties={"size": P}), "-1", "0", "step b: -1 children: a size must be 0 or more"),
    (later(arrayProperties={"size": P}), "1000001", "1000000", "step b: 1,000,001 children are more than 100 arrays of 10,000 hold"),
    (step("b", "a", n_to_n_needs=frozenset({"a"}), request={"arrayProperties": {"size": P}}), "3", "2", ""),
    (step("b", "a", for_each=ListFile(file=P)), "list.json", "s3://b/list.json", "step b: forEach.file: 'list.json' is not an S3 URI, such as s3://bucket/list.json"),
    (step("b", "a", for_each=ListFile(file=P)), "s3://b/", "s3://b/k", "step b: forEach.file: 's3://b/' is not an S3 URI"),
    (step("b", "a", for_each=Listing(prefix=P)), "b/k/", "s3://b", "step b: forEach.prefix: 'b/k/' is not an S3 URI, such as s3://bucket/folder/"),
    (step("b", "a", file="s3://b/k", skip_existing=P + "${item}"), "out/", "s3://b/out/", "step b: skipExisting: "),
    (step("b", "a", when="params.p > 3"), "many", "4", "step b: when: params.p is 'many', and is compared with the number 3"),
    (step("b", "a", when="run.id == 'x' or not 3 <= params.p"), "many", "4", "step b: when: params.p is 'many', and is compared with the number 3"),
)  # fmt: skip


@pytest.mark.parametrize(("second", "wrong", "right", "problem"), LATER)
def test_what_a_parameter_makes_wrong_is_refused_before_the_first_step_runs(
    second: Step, wrong: str, right: str, problem: str
) -> None:
    first = step("a", size=2) if second.n_to_n_needs else step("a")
    found = refusal(pipeline(first, second), {"p": wrong})
    assert found.startswith(problem or "step b: N_TO_N needs equal sizes: 3 children here, 2 of a")
    assert refusal(pipeline(first, second), {"p": right}) == ""


def test_a_topic_that_is_no_arn_is_refused() -> None:
    rule = NoticeRule(topic=P, on=frozenset({"FAILED"}))
    found = refusal(pipeline(step("a"), notify=(rule,)), {"p": "me@example.org"})
    assert found.startswith("notify: topicArn 'me@example.org' is not an ARN")
    assert refusal(pipeline(step("a"), notify=(rule,)), {"p": "arn:aws:sns:r:1:t"}) == ""


def test_every_group_is_judged_and_none_that_has_no_items() -> None:
    """The last group takes all the rest: the step's own command is never run."""
    first = Group(when="item.size > 1", overrides={"jobQueue": P, **command("x")})
    last = Group(when=None, overrides=command("x"))
    of_groups = step(
        "a", file="s3://b/k", groups=(first, last), request={"shareIdentifier": "-", **command("")}
    )
    found = [str(p) for p in start_problems(run_of(of_groups, params={"p": "no queue"}))]
    assert [problem.partition(" is not")[0] for problem in found] == [
        "step a: jobQueue 'no queue'",
        "step a: shareIdentifier '-'",
    ]
    wrong = replace(of_groups, groups=(first, replace(last, overrides=command(""))))
    found = [str(p) for p in start_problems(run_of(wrong, params={"p": "q"}))]
    assert found[-1].startswith("step a: containerOverrides.command.0: AWS Batch refuses an empty")


def test_a_step_that_this_run_skips_is_not_judged() -> None:
    """One side of a branch often has no values; what follows it is skipped with it."""
    branch = step("b", "a", when="params.p == 'yes'", request=command("x", "${params.q}"))
    behind = step("c", "b", request=command("x", "${params.q}"))
    definition = pipeline(step("a"), branch, behind)
    assert refusal(definition, {"p": "no", "q": ""}) == ""
    decided_later = replace(branch, when="steps.a.status == 'SUCCEEDED' and params.p == 'yes'")
    found = refusal(pipeline(step("a"), decided_later, behind), {"p": "no", "q": ""})
    assert found.startswith("step b: containerOverrides.command.1: ")


def test_a_size_of_zero_makes_no_request() -> None:
    nothing = step(
        "b", "a", request={**command("x", P), "arrayProperties": {"size": "${params.n}"}}
    )
    follows = step("c", "b", n_to_n_needs=frozenset({"b"}), request=command("x", P))
    definition = pipeline(step("a"), nothing, follows)
    assert refusal(definition, {"p": "", "n": "0"}) == ""
    assert refusal(definition, {"p": "", "n": "2"}).startswith("step b: ")


def test_items_that_stand_in_the_pipeline_are_counted() -> None:
    wide = Matrix(axes={"a": tuple(range(1_001)), "b": tuple(range(1_000))})
    assert refusal(pipeline(step("a"), step("b", "a", for_each=wide)), {}) == (
        "step b: 1,001,000 children, and 100 arrays of 10,000 hold 1,000,000: write a larger chunk"
    )
    assert refusal(pipeline(step("a"), step("b", "a", for_each=wide, chunk=2)), {}) == ""
    many = refusal(pipeline(step("a"), step("b", "a", for_each=wide, workers=3)), {})
    assert many.startswith("step b: 1,001,000 messages, and a queue is filled with at most")
    three = step("b", for_each=InlineItems(items=(1, 2, 3)))
    two = step("c", "b", size=2, n_to_n_needs=frozenset({"b"}))
    assert refusal(pipeline(step("a"), three, two), {}) == (
        "step c: N_TO_N needs equal sizes: 2 children here, 3 of b; give both the same size, or "
        "leave the type out to wait for all of b"
    )


def test_every_step_is_named_and_a_thousand_problems_are_not() -> None:
    steps = [step(f"s{number}", request=command(P)) for number in range(30)]
    found = refusal(pipeline(*steps), {"p": ""}).split("; step ")
    assert len(found) == PROBLEMS_MAX
    assert found[-1].endswith("and 10 more")


# --- a lower bound, and as high as it can be ---------------------------------


def submitted(first: Step, name: str, length: int) -> Run:
    """A run in which a step is about to be submitted, its items and all."""
    params = {"p": "x" * length}
    run = run_of(first, step("b", "a", request=command(P)), params=params)
    children = (0, 10) if first.groups else (12,)
    if first.has_items:
        event = Prepared(
            at=T0, step="a", round=0, items=12, existing=0, children=children, chunk=1,
            manifest="s3://the-bucket/runs/run1/a/r0/20260101t000000000000/",
            queue="https://sqs/q" if first.workers is not None else None,
        )  # fmt: skip
        run = fold(run, event)
    if name == "b" and "b" not in run.steps:
        ended = JobSucceeded(at=T0, key=key("a"), job_id="j")
        run = fold(run, JobSubmitted(at=T0, key=key("a"), job_id="j"), ended)
    return run


def first_refused(first: Step, name: str) -> tuple[int, int]:
    """The shortest parameter that a start refuses, and that a submission refuses."""

    def start_refuses(length: int) -> bool:
        return any(p.step == name for p in start_problems(submitted(first, name, length)))

    def submission_refuses(length: int) -> bool:
        try:
            submit_request(submitted(first, name, length), key(name))
        except Refused:
            return True
        return False

    lengths = range(1, OVERRIDES_CHARS_MAX)
    return (
        next(length for length in lengths[7_000:] if start_refuses(length)),
        next(length for length in lengths[7_000:] if submission_refuses(length)),
    )


@pytest.mark.parametrize(
    ("first", "name", "slack"),
    [
        (step("a"), "b", 0),
        (step("a", request=command(P)), "a", 0),
        (step("a", size=12, sequential=True, request=command(P)), "a", 0),
        (step("a", file="s3://b/k", request=command(P)), "a", 23),
        (step("a", file="s3://b/k", workers=12, request=command(P)), "a", 36),
        (
            step(
                "a",
                file="s3://b/k",
                request=command(P),
                groups=(Group(when="item.x", overrides={}),),
            ),
            "a",
            24,
        ),
        (step("a", file="s3://b/k", n_to_n_needs=frozenset()), "b", 0),
    ],
)
def test_what_a_start_refuses_a_submission_would_refuse(first: Step, name: str, slack: int) -> None:
    at_start, at_submission = first_refused(first, name)
    assert at_submission <= at_start <= at_submission + slack


def test_characters_are_counted_and_not_the_escapes_of_their_json() -> None:
    definition = pipeline(step("a", request=command(P)))
    assert refusal(definition, {"p": "я" * 2_000}) == ""
    assert refusal(definition, {"p": "я" * 2_000 + "x" * 6_200}).startswith("step a: ")


def test_an_aggregate_and_n_to_n_parts_are_judged() -> None:
    run = run_of(
        step("a", file="s3://b/k", output="s3://b/${item}"),
        step("t", "a", aggregate=Aggregate(of="a", fan_in=2), output="s3://o", request=command(P)),
        step("n", "a", n_to_n_needs=frozenset({"a"}), request=command("${items.file}", P)),
        params={"p": "x" * 8_000},
    )
    assert [problem.step for problem in start_problems(run)] == ["t", "n"]
