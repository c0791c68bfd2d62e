"""The requests of a later round: memory, groups, queues, and the file of its items."""

from __future__ import annotations

from typing import Any

import pytest

from batchrelay.domain.events import FailuresCollected, SubmissionRefused
from batchrelay.domain.failures import RetryFailed
from batchrelay.domain.pipeline import Group
from batchrelay.domain.requests import submit_request
from batchrelay.domain.run import Run
from batchrelay.domain.step_state import StepStatus
from batchrelay.domain.transitions import advance
from tests.builders import at, key, step, variables_of
from tests.unit.preparation.collected import LIST, OOM, Collected, child
from tests.unit.preparation.failures.retried import RETRY, a


def test_an_item_that_ran_out_of_memory_gets_more_and_the_others_do_not() -> None:
    retry = RetryFailed(rounds=2, memory_factor=2.0, memory_mib=1_000)
    one = Collected(a(retry_failed=retry))
    one.end("a", child(2), child(7, 137, OOM))
    one.prepare()
    assert [(part.size, part.group) for part in one.run.state("a").parts] == [(1, 0), (1, 1)]
    assert _memory(one.run, 1) == [None, "2000"]
    one.end("a", round_number=1, part=0)
    one.end("a", child(0, 137, OOM), round_number=1, part=1)
    one.prepare()
    assert [(part.size, part.group) for part in one.run.state("a").parts] == [(1, 2)]
    assert _memory(one.run, 2) == ["4000"]
    assert one.file("numbers-2.txt") == b"         7\n"


def _memory(run: Run, round_number: int) -> list[str | None]:
    found: list[str | None] = []
    for part in range(len(run.state("a").parts)):
        overrides: Any = submit_request(run, key("a", part, round=round_number))[
            "containerOverrides"
        ]
        entries = overrides.get("resourceRequirements", [])
        found.append(next((e["value"] for e in entries if e["type"] == "MEMORY"), None))
    return found


def test_a_group_keeps_its_request_when_its_items_run_again() -> None:
    groups = (Group(when="item.name == 'n3'", overrides={"jobQueue": "large"}),)
    one = Collected(a(groups=groups))
    one.end("a", child(0), part=0)
    one.end("a", child(4), part=1)
    one.prepare()
    queues = [submit_request(one.run, key("a", part, round=1))["jobQueue"] for part in range(2)]
    assert queues == ["large", "queue"]
    assert one.lines("items.jsonl") == [{"name": "n3"}]
    assert one.lines("items-1.jsonl") == [{"name": "n5"}]
    assert one.file("numbers-1.txt") == b"         5\n"


def test_an_item_of_a_group_gets_more_memory_in_its_own_group() -> None:
    groups = (Group(when="item.name == 'n3'", overrides={"jobQueue": "large"}),)
    retry = RetryFailed(rounds=1, memory_factor=1.5, memory_mib=1_001)
    one = Collected(a(groups=groups, retry_failed=retry))
    one.end("a", child(0, 137, OOM), part=0)
    one.end("a", child(4), child(5, 137, OOM), part=1)
    one.prepare()
    assert [(part.size, part.group) for part in one.run.state("a").parts] == [
        (1, 1), (1, 2), (1, 3),
    ]  # fmt: skip
    requests = [submit_request(one.run, key("a", part, round=1)) for part in range(3)]
    assert [request["jobQueue"] for request in requests] == ["queue", "large", "queue"]
    assert _memory(one.run, 1) == [None, "1502", "1502"]
    variables = [variables_of(request) for request in requests]
    names = [v["BATCHRELAY_ITEM_NUMBERS"].rpartition("/")[2] for v in variables]
    assert names == ["numbers-1.txt", "numbers-2.txt", "numbers-3.txt"]
    assert [one.lines(f"items-{n}.jsonl")[0]["name"] for n in (1, 2, 3)] == ["n5", "n3", "n6"]
    assert [v.get("BATCHRELAY_GROUP_OFFSET") for v in variables] == ["0", "1", "2"]


def test_a_round_may_have_another_queue() -> None:
    one = Collected(a(retry_failed=RetryFailed(rounds=1, overrides={"jobQueue": "on-demand"})))
    one.end("a", child(2))
    one.prepare()
    assert submit_request(one.run, key("a", round=1))["jobQueue"] == "on-demand"
    assert [job.request["jobQueue"] for job in one.cloud.jobs.jobs.values()] == [
        "queue",
        "on-demand",
    ]


@pytest.mark.parametrize(
    ("overrides", "memory"),
    [({}, "200"), ({"resourceRequirements": [{"type": "MEMORY", "value": "300"}]}, "600")],
)
def test_memory_grows_from_what_the_round_has(overrides: dict[str, Any], memory: str) -> None:
    own = {
        "resourceRequirements": [{"type": "MEMORY", "value": "100"}, {"type": "VCPU", "value": "1"}]
    }
    again = {"containerOverrides": overrides} if overrides else {}
    retry = RetryFailed(rounds=1, memory_factor=2, memory_mib=50, overrides=again)
    one = Collected(step("a", size=10, request={"containerOverrides": own}, retry_failed=retry))
    one.end("a", child(2, 137, OOM))
    one.prepare()
    request: Any = submit_request(one.run, key("a", round=1))
    entries = request["containerOverrides"]["resourceRequirements"]
    assert [e["value"] for e in entries if e["type"] == "MEMORY"] == [memory]


@pytest.mark.parametrize(
    ("groups", "name"),
    [((), "list.json"), ((Group(when="item.name == 'n0'", overrides={}),), "items-1.jsonl")],
)
def test_the_file_of_a_later_round_lists_its_items_only(
    groups: tuple[Group, ...], name: str
) -> None:
    request: Any = {"parameters": {"list": "${items.file}"}}
    one = Collected(step("a", file=LIST, request=request, groups=groups, retry_failed=RETRY))
    if groups:
        one.end("a", part=0)
    one.end("a", child(2), part=len(groups))
    one.prepare()
    part = len(one.run.state("a").parts) - 1
    again: Any = submit_request(one.run, key("a", part, round=1))
    assert again["parameters"]["list"] == one.run.state("a").failures + name


def test_a_refused_round_keeps_the_sentence_of_aws_batch() -> None:
    one = Collected(step("a", size=3, retry_failed=RETRY))
    one.end("a", child(1))
    event = SubmissionRefused(at=at(20), key=key("a", round=1), reason="no such queue: x")
    state = advance(one.run, FailuresCollected(
        at=at(19), step="a", round=1, failed=0, upstream=0, reason="1 × ExitCode",
        failures="s3://the-bucket/f/", children=(1,),
    )).state("a")  # fmt: skip
    assert state.reason == "1 × ExitCode"
    refused = advance(one.run.with_step("a", state), event).state("a")
    assert (refused.status, refused.round) == (StepStatus.PREPARING, 2)
    assert refused.job_reason == "no such queue: x"
