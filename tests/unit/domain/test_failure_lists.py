"""The lists of failed and succeeded items, for the steps behind one that ended with failures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from batchrelay.api.views import history, step_document
from batchrelay.domain.failures import RetryFailed, Tolerate
from batchrelay.domain.notices import link_of, notice_of
from batchrelay.domain.pipeline import ListFile, NoticeRule
from batchrelay.domain.requests import submit_request
from batchrelay.domain.run import Run
from batchrelay.domain.start_check import start_problems
from batchrelay.domain.step_state import StepState, StepStatus
from batchrelay.domain.variables import condition_lookup, variables_of
from tests.builders import key, run_of, step
from tests.unit.preparation.collected import LIST, Collected, child

NAMES = ("steps.a.failures", "steps.a.succeeded")


def lists(run: Run) -> tuple[str, str]:
    variables = variables_of(run)
    return variables[NAMES[0]], variables[NAMES[1]]


def test_a_join_behind_a_step_that_is_partial_is_given_both_lists() -> None:
    tags = {"tags": {name: f"${{{name}}}" for name in NAMES}}
    one = Collected(step("a", file=LIST, tolerate=Tolerate(count=3)), step("z", "a", request=tags))
    one.end("a", child(2))
    one.prepare()
    uris = submit_request(one.run, key("z"))["tags"]
    folder = one.run.state("a").failures
    assert isinstance(uris, Mapping)
    assert [uris[name] for name in NAMES] == [f"{folder}failures.jsonl", f"{folder}succeeded.jsonl"]
    objects = one.cloud.objects.objects
    rows = [[json.loads(line) for line in objects[uri].splitlines()] for uri in lists(one.run)]
    assert [len(entries) for entries in rows] == [1, 9]
    assert condition_lookup(one.run)(NAMES[0]) == lists(one.run)[0]


@pytest.mark.parametrize("status", [s for s in StepStatus if s is not StepStatus.PARTIAL])
def test_a_step_that_is_not_partial_has_none(status: StepStatus) -> None:
    """One that is SUCCEEDED has the folder of an earlier round, whose items ran again."""
    state = StepState(status=status, failures="s3://b/f/")
    run = run_of(step("a", size=3, retry_failed=RetryFailed(rounds=1))).with_step("a", state)
    assert lists(run) == ("", "")


@pytest.mark.parametrize(
    ("when", "is_checked"),
    [
        ("steps.a.failures == ''", True),
        ("steps.a.failures != ''", True),
        ("params.failures == 'x'", True),
        ("params.failures == 'y'", False),
    ],
)
def test_a_start_checks_what_runs_with_failures_and_without(when: str, is_checked: bool) -> None:
    a = step("a", size=3, tolerate=Tolerate(count=1))
    z = step("z", "a", when=when, for_each=ListFile(file="no"))
    run = run_of(a, z, params={"failures": "x"})
    assert bool(list(start_problems(run))) is is_checked


def test_a_start_checks_a_step_over_a_list_of_failures_as_if_there_were_some() -> None:
    a = step("a", size=3, tolerate=Tolerate(count=1))
    z = step("z", "a", for_each=ListFile(file="${steps.a.failures}"))
    assert list(start_problems(run_of(a, z))) == []


def test_a_step_that_collects_no_failures_has_no_such_variable() -> None:
    assert NAMES[0] not in variables_of(run_of(step("a", size=3)))


@pytest.mark.parametrize("status", [StepStatus.PARTIAL, StepStatus.SUCCEEDED])
def test_a_notice_links_to_a_list_that_is_there(status: StepStatus) -> None:
    rule = NoticeRule(topic="t", on=frozenset({"PARTIAL"}), link="${steps.a.failures}")
    one = Collected(step("a", file=LIST, tolerate=Tolerate(count=3)))
    one.end("a", child(2))
    one.prepare()
    run = replace(one.run, pipeline=replace(one.run.pipeline, notify=(rule,)))
    run = run.with_step("a", replace(run.state("a"), status=status))
    link = link_of(run, 0)
    assert (link or "").startswith("s3://the-bucket/runs/run1/a/r1/") is (
        status is StepStatus.PARTIAL
    )


def test_a_notice_has_the_causes_and_the_command_that_shows_more() -> None:
    rule = NoticeRule(topic="t", on=frozenset({"PARTIAL"}), link=None)
    one = Collected(step("a", file=LIST, tolerate=Tolerate(count=3)))
    one.end("a", child(2), child(3))
    one.prepare()
    run = replace(one.run, pipeline=replace(one.run.pipeline, notify=(rule,)))
    notice = notice_of(run, 0)
    assert notice.subject == "test PARTIAL: 2 of 10 items failed in a"
    first, _, *lines = notice.message.splitlines()
    assert first == notice.subject
    assert lines == [
        "Cause in a: 2 × ExitCode (exit code 1)",
        "Why items failed: batchrelay failures run1",
        "Run one here: batchrelay spin run1/a:ITEM",
        "Run them again: batchrelay redrive run1",
        "",
        "  a: PARTIAL, 8 of 10 children succeeded, 2 items failed",
    ]


def test_rounds_are_in_the_history_and_in_the_document() -> None:
    one = Collected(step("a", file=LIST, retry_failed=RetryFailed(rounds=1)))
    one.end("a", child(2), child(7))
    one.prepare()
    first, second = one.cloud.jobs.jobs
    assert [moment["what"] for moment in history(one.run)][1:3] == [
        f"a: array of 10 submitted as {first}",
        f"a: round 1, array of 2 submitted as {second}",
    ]
    document = step_document(one.run, one.run.pipeline.step("a"))
    assert document["rounds"] == [
        {"round": 0, "children": 10, "succeeded": 8, "failed": 2, "jobIds": [first]}
    ]
    jobs = document["jobs"]
    assert isinstance(jobs, list)
    assert [(job["jobId"], job["round"]) for job in jobs] == [(first, 0), (second, 1)]
    assert document["failures"] == one.run.state("a").failures
