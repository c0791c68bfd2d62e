"""One item alone: where it stands, and the request that does it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from batchrelay.domain.errors import ItemNotFound
from batchrelay.domain.failures import RetryFailed
from batchrelay.domain.one_item import (
    ItemPlace,
    item_request,
    manifest_of_item,
    place_of_item,
)
from batchrelay.domain.pipeline import Step
from batchrelay.domain.run import Run
from batchrelay.domain.step_state import Part, StepState, StepStatus
from tests.builders import run_of, step, variables_of

FOLDER = "s3://the-bucket/runs/run1/a/r0/x/"
LATER = "s3://the-bucket/runs/run1/a/r1/x/"


def begun(one: Step, *parts: Part, **fields: Any) -> tuple[Run, Step]:
    """A run whose step has these parts."""
    run = run_of(one)
    children = sum(part.size for part in parts)
    state = StepState(status=StepStatus.FAILED, parts=parts, children=children, **fields)
    return run.with_step("a", state), run.pipeline.step("a")


def alone(run: Run, one: Step, number: int) -> tuple[ItemPlace, dict[str, str]]:
    place = place_of_item(run, one, number)
    request = item_request(run, one, place)
    assert request.keys() & {"jobName", "arrayProperties", "dependsOn"} == set()
    return place, variables_of(request)


def test_an_item_of_a_later_part_is_done_by_its_own_manifest_and_index() -> None:
    run, one = begun(step("a"), Part(size=10), Part(size=9), items=19, manifest=FOLDER)
    place, variables = alone(run, one, 14)
    assert place == ItemPlace(number=14, round=0, part=1, index=4, row=14, entry=0)
    assert manifest_of_item(run.state("a"), place) == f"{FOLDER}items.jsonl"
    assert variables == {
        "BATCHRELAY_RUN_ID": "run1",
        "BATCHRELAY_STEP": "a",
        "BATCHRELAY_ROUND": "0",
        "BATCHRELAY_PART": "1",
        "BATCHRELAY_MANIFEST": f"{FOLDER}items.jsonl",
        "BATCHRELAY_CHUNK": "1",
        "BATCHRELAY_OFFSET": "10",
    }, "no folder of records: nothing of the run is written"


def test_of_a_chunk_only_the_item_is_done() -> None:
    run, one = begun(step("a"), Part(size=3), items=8, manifest=FOLDER, chunk=3)
    place, variables = alone(run, one, 7)
    assert (place.index, place.row, place.entry) == (2, 2, 1)
    assert (variables["BATCHRELAY_ONLY_ITEM"], variables["BATCHRELAY_CHUNK"]) == ("7", "3")
    with pytest.raises(ItemNotFound, match=r"^step a has no item 8: it has 0 to 7$"):
        place_of_item(run, one, 8)


def test_an_item_of_a_group_is_in_the_manifest_of_its_group() -> None:
    parts = (Part(size=4), Part(size=5, group=1), Part(size=5, group=1))
    run, one = begun(step("a"), *parts, items=14, manifest=FOLDER)
    place, variables = alone(run, one, 11)
    assert place == ItemPlace(number=11, round=0, part=2, index=2, row=7, entry=0)
    assert manifest_of_item(run.state("a"), place) == f"{FOLDER}items-1.jsonl"
    assert (variables["BATCHRELAY_OFFSET"], variables["BATCHRELAY_GROUP_OFFSET"]) == ("9", "4")


def test_after_a_retry_the_item_is_where_it_was_with_what_the_retry_changes() -> None:
    retry = RetryFailed(
        rounds=2,
        overrides={
            "jobQueue": "on-demand",
            "containerOverrides": {"environment": [{"name": "CAREFUL", "value": "${params.mib}"}]},
        },
    )
    run, one = begun(step("a", retry_failed=retry), Part(size=1), items=5, manifest=FOLDER)
    state = replace(run.state("a"), round=1, earlier_rounds=((Part(size=5),),), failures=LATER)
    run = replace(run.with_step("a", state), params={"mib": "7"})
    place, variables = alone(run, one, 3)
    assert place == ItemPlace(number=3, round=0, part=0, index=3, row=3, entry=0)
    assert item_request(run, one, place)["jobQueue"] == "on-demand"
    assert variables["CAREFUL"] == "7"
    assert "BATCHRELAY_ITEM_NUMBERS" not in variables
    assert variables["BATCHRELAY_MANIFEST"] == f"{FOLDER}items.jsonl"


def test_a_plain_job_and_a_child_without_items_are_counted_as_children() -> None:
    run, one = begun(step("a"), Part(size=1))
    place, variables = alone(run, one, 0)
    assert (place.index, manifest_of_item(run.state("a"), place)) == (None, None)
    assert "BATCHRELAY_MANIFEST" not in variables
    run, one = begun(step("a", size=10), Part(size=10))
    assert alone(run, one, 9)[0].index == 9
    with pytest.raises(ItemNotFound, match=r"it has 0 to 9$"):
        place_of_item(run, one, 10)


def test_of_a_work_queue_the_row_is_given_instead_of_received() -> None:
    run, one = begun(
        step("a"), Part(size=2), items=7, manifest=FOLDER, chunk=2, queue="https://sqs/q"
    )
    place, variables = alone(run, one, 5)
    assert place == ItemPlace(number=5, round=0, part=0, index=None, row=2, entry=1)
    names = ("BATCHRELAY_INDEX", "BATCHRELAY_OFFSET", "BATCHRELAY_ONLY_ITEM")
    assert [variables[name] for name in names] == ["0", "2", "5"]
    assert "BATCHRELAY_QUEUE" not in variables
    with pytest.raises(ItemNotFound, match=r"it has 0 to 6$"):
        place_of_item(run, one, 7)


def test_a_step_that_has_not_begun_has_no_items() -> None:
    run = run_of(step("a"))
    state = StepState(status=StepStatus.SKIPPED, reason="needs b")
    with pytest.raises(ItemNotFound, match=r"^step a is SKIPPED \(needs b\): it has no items$"):
        place_of_item(run.with_step("a", state), run.pipeline.step("a"), 0)
