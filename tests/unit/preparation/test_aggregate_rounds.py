"""The failed nodes of a level of an aggregate run again, and the next level reads all of them."""

from __future__ import annotations

import json
from typing import Any

from batchrelay.api.failures import latest_round
from batchrelay.api.views import history, step_document
from batchrelay.domain.failures import RetryFailed
from batchrelay.domain.pipeline import Aggregate, InlineItems
from batchrelay.domain.redrive import RedriveOrder
from batchrelay.domain.requests import submit_request
from batchrelay.domain.run import RunStatus
from batchrelay.domain.step_state import StepState, StepStatus
from batchrelay.domain.values import manifest_uri
from tests.builders import key, step, variables_of
from tests.unit.preparation.collected import Collected, child

OUTPUT = "s3://b/all.txt"


def tree(*, items: int, retry: RetryFailed | None) -> Collected:
    """A step of so many items, which has ended, and an aggregate `a` of pairs of them."""
    many = step("many", for_each=InlineItems(items=tuple(range(items))), output="s3://b/${item}")
    a = step(
        "a", "many", aggregate=Aggregate(of="many", fan_in=2), output=OUTPUT, retry_failed=retry
    )
    there = Collected(many, a, lists={"s3://b/none": b""})
    there.end("many")
    there.prepare()
    return there


def nodes(there: Collected) -> list[Any]:
    """The nodes of the level at hand."""
    manifest = there.run.state("a").manifest
    assert manifest is not None
    lines = there.cloud.objects.objects[manifest_uri(manifest, 0)].splitlines()
    return [json.loads(line) for line in lines]


def end(there: Collected, round_number: int, *failed: int) -> StepState:
    """A round ends, and the next one is prepared."""
    there.end("a", *map(child, failed), round_number=round_number)
    there.prepare()
    return there.run.state("a")


def sizes(state: StepState) -> list[tuple[int, list[int]]]:
    return [(number, [part.size for part in parts]) for number, parts in state.every_round]


def test_the_failed_nodes_of_each_level_run_again_before_the_next_begins() -> None:
    there = tree(items=8, retry=RetryFailed(rounds=1))
    first = nodes(there)
    state = end(there, 0, 1, 3)
    assert (state.level, sizes(state)) == (0, [(0, [4]), (1, [2])])
    assert there.lines("items.jsonl") == [first[1], first[3]]
    state = end(there, 1)
    assert (state.level, state.failures, sizes(state)) == (1, "", [(2, [2])])
    outputs = [output for node in nodes(there) for output in node["inputs"]]
    assert outputs == [node["output"] for node in first]
    second = nodes(there)
    state = end(there, 2, 0)
    assert (state.level, sizes(state)) == (1, [(2, [2]), (3, [1])])
    assert there.lines("items.jsonl") == [second[0]]
    assert [entry["round"] for entry in there.lines("failures.jsonl")] == [2]
    assert end(there, 3).level == 2
    assert [node["output"] for node in nodes(there)] == [OUTPUT]
    assert end(there, 4).status is StepStatus.SUCCEEDED
    assert there.run.status is RunStatus.SUCCEEDED


def test_a_node_of_a_further_round_reads_its_level_s_failed_ones() -> None:
    there = tree(items=6, retry=RetryFailed(rounds=1))
    end(there, 0)
    state = end(there, 1, 1)
    variables = variables_of(submit_request(there.run, key("a", round=2)))
    assert variables["BATCHRELAY_MANIFEST"] == manifest_uri(state.failures, 0)
    assert there.file("numbers.txt") == b"         1\n"


def test_every_level_has_all_rounds_and_a_node_that_fails_in_the_last_fails_the_step() -> None:
    there = tree(items=8, retry=RetryFailed(rounds=2))
    for round_number in (0, 1):
        assert end(there, round_number, 0).status is StepStatus.ACTIVE
    assert end(there, 2).level == 1
    for round_number in (3, 4):
        assert end(there, round_number, 0).status is StepStatus.ACTIVE
    state = end(there, 5, 0)
    assert (state.status, state.level, state.failed) == (StepStatus.FAILED, 1, 1)


def test_documents_number_the_rounds_of_a_level_as_its_jobs_are_named() -> None:
    there = tree(items=8, retry=RetryFailed(rounds=1))
    end(there, 0)
    end(there, 1, 1)
    document: Any = step_document(there.run, there.run.pipeline.step("a"))
    assert [entry["round"] for entry in document["rounds"]] == [1]
    assert [job["round"] for job in document["jobs"]] == [1, 2]
    texts = [str(entry["what"]) for entry in history(there.run)]
    assert [text.partition(" submitted")[0] for text in texts if text.startswith("a: round")] == [
        "a: round 1, array of 2",
        "a: round 2, job",
    ]


def test_while_failures_are_collected_the_latest_round_is_the_level_s() -> None:
    there = tree(items=8, retry=RetryFailed(rounds=1))
    end(there, 0)
    there.end("a", child(1), round_number=1)
    parts, number = latest_round(there.run.state("a"))
    assert ([part.size for part in parts], number) == ([2], 1)


def test_a_redrive_runs_the_failed_nodes_of_its_level_and_goes_on() -> None:
    there = tree(items=8, retry=None)
    assert end(there, 0).level == 1
    there.end("a", child(1), round_number=1)
    there.prepare()
    assert there.run.status is RunStatus.FAILED
    before = nodes(there)
    there.cloud.engine.redrive("run1", RedriveOrder())
    there.prepare()
    state = there.run.state("a")
    assert (state.level, sizes(state)) == (1, [(1, [2]), (2, [1])])
    assert end(there, 2).level == 2
    assert nodes(there) == [{"inputs": [node["output"] for node in before], "output": OUTPUT}]
    assert end(there, 3).status is StepStatus.SUCCEEDED


def test_a_level_behind_a_redriven_one_has_rounds_of_its_own() -> None:
    there = tree(items=8, retry=RetryFailed(rounds=1))
    end(there, 0, 0)
    assert end(there, 1, 0).status is StepStatus.FAILED
    there.cloud.engine.redrive("run1", RedriveOrder())
    there.prepare()
    assert end(there, 2).level == 1
    state = end(there, 3, 0)
    assert (state.status, sizes(state)) == (StepStatus.ACTIVE, [(3, [2]), (4, [1])])
    assert end(there, 4, 0).status is StepStatus.FAILED
