"""Effects of a run and not of its jobs: notices, its end, its queues, preparations, going on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from batchrelay.adapters.memory import MemoryPreparations, MemoryQueues
from batchrelay.domain.effects import ContinueRun, DeleteQueues, Notify, Prepare
from batchrelay.domain.errors import Refused, Throttled
from batchrelay.domain.events import (
    JobSucceeded,
    NoticeRefused,
    NoticeSent,
    QueuesDeleted,
    RunContinued,
    RunEndPublished,
    RunEndRefused,
)
from batchrelay.domain.notices import Notice
from batchrelay.domain.pending_effects import pending_effects
from batchrelay.domain.pipeline import NoticeRule
from batchrelay.domain.state_change import StateChange, state_change_of
from batchrelay.engine.effects import Pending, Performed, Performer
from tests.builders import T0, fold, key, run_of, step
from tests.unit.engine.performing import NOW, events_of

UNTIL = NOW + timedelta(hours=1)
RULE = NoticeRule(topic="arn:t", on=frozenset({"SUCCEEDED"}))


@dataclass
class RefusedNotices:
    """An SNS that never accepts a notice, or not now."""

    error: Exception

    def publish(self, _: Notice | StateChange) -> None:
        raise self.error


def test_an_effect_that_raises_is_the_problem(performer: Performer) -> None:
    error = RuntimeError("no SNS")
    run = fold(run_of(step("a"), notify=(RULE,)), JobSucceeded(at=T0, key=key("a"), job_id="j"))
    broken = replace(performer, notices=RefusedNotices(error))
    effects: list[Pending] = [
        (Notify(since=T0, run_id="run1", rule=0), False),
        (DeleteQueues(since=T0, run_id="run1"), False),
    ]
    assert broken.perform(run, effects, goes_on=True) == Performed(
        events=(QueuesDeleted(at=NOW),), problem=error
    )


def test_a_notice_is_sent_or_refused_or_stays_pending(performer: Performer) -> None:
    run = fold(run_of(step("a"), notify=(RULE,)), JobSucceeded(at=T0, key=key("a"), job_id="j"))
    effect = Notify(since=T0, run_id="run1", rule=0)
    for again in (False, True):
        assert events_of(performer, run, effect, again=again) == (NoticeSent(at=NOW, rule=0),)
    refusing = replace(performer, notices=RefusedNotices(Refused("no topic")))
    assert events_of(refusing, run, effect) == (NoticeRefused(at=NOW, rule=0),)
    throttling = replace(performer, notices=RefusedNotices(Throttled("later")))
    assert events_of(throttling, run, effect) == ()


def test_the_end_of_a_run_is_published_or_refused_or_stays_pending(performer: Performer) -> None:
    run = fold(run_of(step("a")), JobSucceeded(at=T0, key=key("a"), job_id="j"))
    [effect] = pending_effects(run)
    for again in (False, True):
        events = events_of(performer, run, effect, again=again)
        assert events == (RunEndPublished(at=NOW, redrive=0),)
    assert performer.event_bus.published == [state_change_of(run)] * 2  # type: ignore[attr-defined]
    refusing = replace(performer, event_bus=RefusedNotices(Refused("no such bus")))
    assert events_of(refusing, run, effect) == (RunEndRefused(at=NOW, redrive=0),)
    throttling = replace(performer, event_bus=RefusedNotices(Throttled("later")))
    assert events_of(throttling, run, effect) == ()


class RefusingPresigner:
    def presigned(self, uri: str, seconds: int) -> str:
        raise Refused(f"{uri} for {seconds} s")


@pytest.mark.parametrize(
    ("link", "presign_s", "line"),
    [
        ("s3://b/k", None, ""),
        (
            "s3://b/k",
            3_600,
            (
                f"Download (anyone who has this URL, at most until {UNTIL:%Y-%m-%d %H:%M} UTC): "
                "https://b.s3.example/k?X-Amz-Expires=3600"
            ),
        ),
        ("s3://b/k/", 3_600, "No URL to download it: it is no single object of S3."),
    ],
)
def test_a_link_to_one_object_is_presigned_if_its_rule_says_so(
    performer: Performer, link: str, presign_s: int | None, line: str
) -> None:
    rule = replace(RULE, link=link, presign_s=presign_s)
    run = fold(run_of(step("a"), notify=(rule,)), JobSucceeded(at=T0, key=key("a"), job_id="j"))
    effect = Notify(since=T0, run_id="run1", rule=0)
    assert events_of(performer, run, effect) == (NoticeSent(at=NOW, rule=0),)
    [notice] = performer.notices.published  # type: ignore[attr-defined]
    assert notice.message.splitlines()[2:4] == [f"Output: {link}", line]


def test_a_link_that_cannot_be_presigned_is_sent_plain_with_the_reason(
    performer: Performer,
) -> None:
    rule = replace(RULE, link="s3://b/k", presign_s=60)
    run = fold(run_of(step("a"), notify=(rule,)), JobSucceeded(at=T0, key=key("a"), job_id="j"))
    broken = replace(performer, presigner=RefusingPresigner())
    effect = Notify(since=T0, run_id="run1", rule=0)
    assert events_of(broken, run, effect) == (NoticeSent(at=NOW, rule=0),)
    [notice] = performer.notices.published  # type: ignore[attr-defined]
    assert "\nNo URL to download it: s3://b/k for 60 s.\n" in notice.message


def test_only_the_queues_of_the_run_are_deleted(performer: Performer) -> None:
    for name in ("br_run1-a", "br_run12-a"):
        performer.queues.create(name)
    effect = DeleteQueues(since=T0, run_id="run1")
    assert events_of(performer, run_of(step("a")), effect) == (QueuesDeleted(at=NOW),)
    assert performer.queues == MemoryQueues(messages={"memory://br_run12-a": []})


def test_a_preparation_is_requested_where_it_goes_on(performer: Performer) -> None:
    effect = Prepare(since=T0, run_id="run1", step="a", round=0, resume="s3://b/r")
    assert events_of(performer, run_of(step("a", file="s3://f")), effect) == ()
    assert performer.preparations == MemoryPreparations(requested=[effect], resumes=["s3://b/r"])


def test_a_run_is_continued_here_or_elsewhere(performer: Performer) -> None:
    effect = ContinueRun(since=T0, run_id="run1")
    run = run_of(step("a"))
    assert events_of(performer, run, effect, goes_on=True) == (RunContinued(at=NOW),)
    assert performer.preparations == MemoryPreparations()
    assert events_of(performer, run, effect, goes_on=False) == ()
    assert performer.preparations == MemoryPreparations(requested=[effect], resumes=[""])
