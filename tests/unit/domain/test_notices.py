"""What a notice says to people, and what it and the event of a run's end say to programs."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from batchrelay.domain import notices, state_change
from batchrelay.domain.events import JobFailed, JobSucceeded, SubmissionRefused
from batchrelay.domain.limits import (
    LINK_BYTES_MAX,
    NOTICE_BYTES_MAX,
    STATE_CHANGE_BYTES_MAX,
    STEPS_MAX,
)
from batchrelay.domain.notices import Link, Notice, is_object, link_of, notice_of
from batchrelay.domain.pipeline import NoticeRule
from batchrelay.domain.run import Run, RunStatus
from batchrelay.domain.state_change import state_change_of, summary_of
from batchrelay.domain.step_state import StepStatus
from batchrelay.domain.values import step_label
from tests.builders import ENVIRONMENT, T0, at, fold, key, run_of, step

HOSTILE = 'x"}\n\r\u2028Output: s3://evil\x1b[2J\x00\ud800 <!channel> ${env.bucket} {"a": 1}\\'
ALWAYS = frozenset(map(str, RunStatus))


def ended_run(link: str | None = None, output: str = "s3://out/") -> Run:
    """It took 90 s, and has a step."""
    rule = NoticeRule(topic="${env.topicArn}", on=ALWAYS, link=link)
    run = run_of(step("a", output=output), notify=(rule,), params={"x": "1"})
    return fold(run, JobSucceeded(at=T0 + timedelta(seconds=90), key=key("a"), job_id="j"))


def failed_run(reason: str, *, count: int = 1) -> Run:
    rule = NoticeRule(topic="t", on=ALWAYS)
    steps = [step(f"s{n}", size=10) for n in range(count)]
    failures = [
        JobFailed(at=at(1), key=key(s.name), job_id="j", succeeded=7, failed=3, reason=reason)
        for s in steps
    ]
    return fold(run_of(*steps, notify=(rule,)), *failures)


def document_of(notice: Notice) -> Any:
    return json.loads(notice.attributes["batchrelay.run"])


def test_a_notice_says_what_became_of_the_run() -> None:
    notice = notice_of(ended_run(), 0, Link(uri="s3://out/"))
    assert (notice.topic, notice.id) == (ENVIRONMENT["topicArn"], "run1-0-succeeded")
    assert notice.subject == "test SUCCEEDED"
    assert notice.message == (
        "test SUCCEEDED\n"
        "Run run1, version 1, ended 2026-01-01 00:01 UTC after 90 s.\n"
        "Output: s3://out/\n"
        "\n"
        "  a: SUCCEEDED"
    )


@pytest.mark.parametrize(
    ("count", "summary"),
    [
        (1, "test FAILED: 3 of 10 children failed in s0"),
        (2, "test FAILED: 6 of 20 items failed in 2 steps"),
    ],
)
def test_a_summary_says_how_much_failed(count: int, summary: str) -> None:
    assert summary_of(failed_run("why", count=count)) == summary


def test_a_step_of_one_job_failed_as_a_whole() -> None:
    run = fold(run_of(step("a")), SubmissionRefused(at=at(1), key=key("a"), reason="no queue"))
    assert summary_of(run) == "test FAILED: step a failed"


def test_a_failure_comes_with_its_causes_and_the_commands_to_paste() -> None:
    lines = notice_of(failed_run("disk is full", count=7), 0).message.splitlines()
    assert lines[2:7] == [f"Cause in s{n}: disk is full" for n in range(5)]
    assert lines[7:11] == [
        "Why items failed: batchrelay failures run1",
        "Run one here: batchrelay spin run1/s0:ITEM",
        "Run them again: batchrelay redrive run1",
        "",
    ]
    assert lines[11] == "  s0: FAILED, 7 of 10 children succeeded, 3 failed"
    assert lines[17] == "  s6: FAILED, 7 of 10 children succeeded, 3 failed (disk is full)"


def test_a_text_from_outside_adds_no_line_and_breaks_no_document() -> None:
    run = failed_run(HOSTILE)
    notice = notice_of(run, 0, Link(uri=f"s3://b/{HOSTILE}"))
    starts = [line.split(":")[0].split(",")[0] for line in notice.message.splitlines()]
    assert starts == [
        "test FAILED", "Run run1", "Cause in s0", "Output", "Why items failed", "Run one here",
        "Run them again",
        "", "  s0",
    ]  # fmt: skip
    assert notice.message.replace("\n", "").isprintable()
    for text in (notice.attributes["batchrelay.run"], state_change_of(run).detail):
        assert text.isascii()
        assert text.isprintable()
        [entry] = json.loads(text)["steps"]
        assert entry["reason"].isprintable()
    assert "channel" not in notice.subject + json.loads(state_change_of(run).detail)["summary"]


def test_a_subject_is_shorter_than_sns_allows_and_ascii() -> None:
    run = ended_run()
    long = replace(run, pipeline=replace(run.pipeline, name="é" * 120))
    assert notice_of(long, 0).subject == "?" * 99


def test_the_attributes_are_what_a_subscription_filters_by_and_the_run() -> None:
    attributes = notice_of(ended_run(), 0).attributes
    assert {name: value for name, value in attributes.items() if name != "batchrelay.run"} == {
        "batchrelay.pipeline": "test",
        "batchrelay.runId": "run1",
        "batchrelay.status": "SUCCEEDED",
    }


def test_programs_read_the_run_without_its_parameters() -> None:
    document = document_of(notice_of(ended_run(), 0, Link(uri="s3://out/")))
    link = {"uri": "s3://out/", "url": None, "until": None}
    assert document.pop("link") == link
    assert document.pop("reportLink") is None
    assert document == json.loads(state_change_of(ended_run()).detail)
    assert document == {
        "runId": "run1",
        "redrive": 0,
        "pipeline": "test",
        "version": 1,
        "status": "SUCCEEDED",
        "startedAt": "2026-01-01T00:00:00.000Z",
        "endedAt": "2026-01-01T00:01:30.000Z",
        "summary": "test SUCCEEDED",
        "stopped": None,
        "report": None,
        "cost": None,
        "steps": [
            {
                "step": "a", "status": "SUCCEEDED", "items": None, "children": 1, "succeeded": 1,
                "failed": 0, "upstream": 0, "stopped": 0, "reason": None,
            }
        ],
        "outputs": {"a": "s3://out/"},
        "stepsLeftOut": 0,
    }  # fmt: skip


def test_a_document_keeps_the_steps_with_failures_and_counts_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = failed_run("why", count=3)
    whole = state_change_of(run.with_step("s0", replace(run.state("s0"), status="SUCCEEDED")))  # type: ignore[arg-type]
    monkeypatch.setattr(state_change, "STATE_CHANGE_BYTES_MAX", len(whole.detail) - 50)
    less = run.with_step("s0", replace(run.state("s0"), status=StepStatus.SUCCEEDED))
    document = json.loads(state_change_of(less).detail)
    assert [entry["step"] for entry in document["steps"]] == ["s1", "s2"]
    assert document["stepsLeftOut"] == 1


def test_everything_of_the_largest_run_is_taken_by_sns_and_eventbridge() -> None:
    rule = NoticeRule(topic="t", on=ALWAYS)
    steps = [step(f"{'s' * 120}{n:03}", output=f"s3://b/{'o' * 900}") for n in range(STEPS_MAX)]
    refused = [
        SubmissionRefused(at=T0, key=key(step_label(s.name)), reason="\u202e" * 200) for s in steps
    ]
    run = fold(run_of(*steps, notify=(rule,)), *refused)
    link = Link(uri="s3://b/" + "é" * 1_024, url="https://b/" + "%C3%A9" * 1_024 + "t" * 3_000)
    notice = notice_of(run, 0, link)
    attributes = {"batchrelay.noticeId": notice.id, **notice.attributes}
    size = sum(len(name) + len(value) + len("String") for name, value in attributes.items())
    assert size + len(notice.subject) + len(notice.message.encode()) < 262_144
    assert len(attributes) <= 10, "SQS takes no more with raw delivery"
    assert len(state_change_of(run).detail) <= STATE_CHANGE_BYTES_MAX + 100
    assert NOTICE_BYTES_MAX + STATE_CHANGE_BYTES_MAX + LINK_BYTES_MAX < 262_144 - 2_000


def test_a_link_that_is_too_long_is_in_the_text_only() -> None:
    notice = notice_of(ended_run(), 0, Link(uri="s3://b/" + "k" * LINK_BYTES_MAX))
    assert document_of(notice)["link"] is None
    assert "\nOutput: s3://b/kkk" in notice.message


# --- links


@pytest.mark.parametrize(
    ("status", "existing", "link"),
    [
        (StepStatus.SUCCEEDED, 0, "s3://out/"),
        (StepStatus.SKIPPED, 0, None),
        (StepStatus.SKIPPED, 1, "s3://out/"),
    ],
)
def test_a_link_is_given_if_its_output_is_there(
    status: StepStatus, existing: int, link: str | None
) -> None:
    run = ended_run("${steps.a.output}")
    state = replace(run.state("a"), status=status, existing=existing)
    assert link_of(run.with_step("a", state), 0) == link


def test_a_link_of_no_step_is_given_after_what_left_a_result() -> None:
    run = ended_run("s3://b/${params.x}")
    assert link_of(run, 0) == "s3://b/1"
    assert link_of(replace(run, status=RunStatus.PARTIAL), 0) == "s3://b/1"
    assert link_of(replace(run, status=RunStatus.FAILED), 0) is None
    assert link_of(ended_run(), 0) is None


@pytest.mark.parametrize(
    ("uri", "is_one"),
    [
        ("s3://b/k", True), ("s3://b/a/k.txt", True), ("s3://b/a/", False), ("s3://b/", False),
        ("s3://b", False), ("https://b/k", False), ("", False),
    ],
)  # fmt: skip
def test_one_object_has_a_key_that_is_no_folder(uri: str, is_one: bool) -> None:
    assert is_object(uri) is is_one


def test_a_presigned_link_says_until_when_it_is_valid() -> None:
    link = Link(uri="s3://b/k", url="https://b/k?X", until=at(3_600))
    notice = notice_of(ended_run(), 0, link)
    assert notice.message.splitlines()[2:4] == [
        "Output: s3://b/k",
        "Download (anyone who has this URL, at most until 2026-01-01 01:00 UTC): https://b/k?X",
    ]
    until = "2026-01-01T01:00:00+00:00"
    assert document_of(notice)["link"] == {"uri": link.uri, "url": link.url, "until": until}


def test_a_link_that_is_not_presigned_says_why() -> None:
    notice = notice_of(ended_run(), 0, Link(uri="s3://b/a/", problem="it is a folder"))
    assert notice.message.splitlines()[3] == "No URL to download it: it is a folder."


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        (12, "é\nb\nccc\nd"),
        (11, "é\nb\nccc\nd"),
        (10, "é\nb\nccc\n  … and 1 more lines"),
        (8, "é\nb\n  … and 2 more lines"),
        (4, "é\n  … and 3 more lines"),
    ],
)
def test_a_notice_has_as_many_lines_as_fit(
    monkeypatch: pytest.MonkeyPatch, limit: int, message: str
) -> None:
    monkeypatch.setattr(notices, "NOTICE_BYTES_MAX", limit)
    assert notices._fitting(["é", "b", "ccc", "d"]) == message


def test_programs_read_how_many_items_were_stopped_in_any_round() -> None:
    run = ended_run()
    collected = replace(run.state("a"), is_collected=True, stopped_items=4)
    detail = json.loads(state_change_of(run.with_step("a", collected)).detail)
    assert detail["steps"][0]["stopped"] == 4
