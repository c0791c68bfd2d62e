"""What a job is given: its list of items, its variables; and what a notice says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from batchrelay.domain import requests
from batchrelay.domain.errors import InvalidParams
from batchrelay.domain.events import JobSucceeded, Prepared
from batchrelay.domain.pipeline import Group, ListFile, NoticeRule, Param, Step
from batchrelay.domain.requests import submit_request
from batchrelay.domain.run import Run
from batchrelay.domain.step_state import StepState, StepStatus
from batchrelay.domain.values import Json, merged, printable, short
from batchrelay.domain.variables import check_trigger_variables, resolve_params
from tests.builders import at, fold, key, pipeline, run_of, step, variables_of

LISTED = {"containerOverrides": {"command": ["${items.file}"]}}
FILE = ListFile(file="s3://b/${params.x}")
PREPARED = Prepared(at=at(1), step="a", round=0, items=4, children=(4,), manifest="s3://m/")


def word(run: Run, label: str, part: int = 0) -> object:
    overrides = submit_request(run, key(label, part))["containerOverrides"]
    assert isinstance(overrides, dict)
    (only,) = overrides["command"]
    return only


def prepared(*steps: Step, children: tuple[int, ...] = (4,)) -> Run:
    run = run_of(*steps, params={"x": "list.json"})
    return fold(run, replace(PREPARED, children=children))


def test_the_file_of_the_items_is_the_list_itself() -> None:
    assert word(prepared(step("a", for_each=FILE, request=LISTED)), "a") == "s3://b/list.json"


def test_the_file_of_the_items_is_the_manifest_where_items_are_left_out() -> None:
    left_out = step("a", for_each=FILE, request=LISTED, skip_existing="s3://b/${item}")
    assert word(prepared(left_out), "a") == "s3://m/items.jsonl"


def test_the_file_of_the_items_is_the_manifest_of_its_group() -> None:
    groups = (Group(when="item.x", overrides={}), Group(when=None, overrides={}))
    run = prepared(step("a", for_each=FILE, request=LISTED, groups=groups), children=(1, 3))
    assert [word(run, "a", part) for part in (0, 1)] == [
        "s3://m/items.jsonl",
        "s3://m/items-1.jsonl",
    ]


def test_a_step_that_continues_another_has_its_file() -> None:
    first = step("a", for_each=FILE)
    second = step("b", "a", "z", n_to_n_needs=frozenset({"a"}), request=LISTED)
    run = prepared(first, step("z"), second)
    run = fold(run, JobSucceeded(at=at(2), key=key("z"), job_id="j"))
    assert word(run, "b") == "s3://b/list.json"


def test_a_job_knows_that_code_is_allowed() -> None:
    name = "BATCHRELAY_UNSAFE_SHELL"
    run = run_of(step("a", unsafe_shell=True), step("b"))
    assert variables_of(submit_request(run, key("a")))[name] == "1"
    assert name not in variables_of(submit_request(run, key("b")))


# --- texts and documents


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31mb\x1b[0mc", "abc"),
        ("a\x1b[2J", "a\\x1b[2J"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("a\u200db\u200c", "a\u200db\u200c"),
        ("a\u00a0b\u3000", "a\u00a0b\u3000"),
        ("a\u202eb\u2028", "a\\u202eb\\u2028"),
        ("a\udcff", "a\\udcff"),
    ],
)
def test_a_text_from_outside_cannot_act_on_a_terminal(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_character_may_be_kept() -> None:
    assert printable("a\nb\t", keep="\n") == "a\nb\\t"


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        ("x" * 10, "x" * 10),
        ("x" * 11, "x" * 9 + "…"),
        ("a\ud800", "a?"),
    ],
)
def test_a_reason_is_cut_at_its_characters(
    monkeypatch: pytest.MonkeyPatch, reason: str, kept: str
) -> None:
    monkeypatch.setattr("batchrelay.domain.values.REASON_CHARS_MAX", 10)
    assert short(reason) == kept


@pytest.mark.parametrize(("bytes_max", "kept"), [(14, "éé\n\n\né"), (13, "éé\n\n…")])
def test_a_reason_is_cut_at_its_bytes(
    monkeypatch: pytest.MonkeyPatch, bytes_max: int, kept: str
) -> None:
    monkeypatch.setattr("batchrelay.domain.values.REASON_BYTES_MAX", bytes_max)
    reason = "éé\n\n\né"
    assert short(reason) == kept


def test_mappings_are_merged_and_anything_else_is_replaced() -> None:
    under: Mapping[str, Json] = {"a": {"b": 1, "c": {"d": 2}}, "e": {"f": 3}, "g": 4}
    over: Mapping[str, Json] = {"a": {"c": {"h": 5}, "b": [6]}, "e": 7, "g": {"i": 8}}
    assert merged(under, over) == {
        "a": {"b": [6], "c": {"d": 2, "h": 5}},
        "e": 7,
        "g": {"i": 8},
    }
    assert under == {"a": {"b": 1, "c": {"d": 2}}, "e": {"f": 3}, "g": 4}


# --- what only a trigger gives


@pytest.mark.parametrize(
    "definition",
    [
        pipeline(step("a", request={"parameters": {"x": ["${trigger.key}"]}})),
        pipeline(step("a", output="s3://${trigger.key}")),
        pipeline(step("a"), notify=(NoticeRule(topic="t", on=frozenset(), link="${trigger.key}"),)),
    ],
)
def test_a_run_by_hand_lacks_what_a_trigger_gives(definition: object) -> None:
    with pytest.raises(InvalidParams) as caught:
        check_trigger_variables(definition, {"trigger.size": "1"})  # type: ignore[arg-type]
    assert str(caught.value) == (
        "this pipeline refers to ${trigger.key}, which only its triggers give: to start it by hand "
        "too, make it the default of a parameter"
    )
    check_trigger_variables(definition, {"trigger.key": "k"})  # type: ignore[arg-type]


def test_a_default_that_only_a_trigger_gives_is_named() -> None:
    params = (Param(name="x", default="${params.y}"), Param(name="y", default="${trigger.key}"))
    definition = pipeline(step("a"), params=params)
    with pytest.raises(InvalidParams) as caught:
        resolve_params(definition, {}, {})
    assert str(caught.value) == (
        "parameter y is missing: give y=VALUE (only a trigger gives ${trigger.key})"
    )
    assert resolve_params(definition, {}, {"trigger.key": "k"}) == {"x": "k", "y": "k"}


def test_defaults_in_a_circle_are_named() -> None:
    params = (Param(name="x", default="${params.y}"), Param(name="y", default="${params.x}"))
    with pytest.raises(InvalidParams) as caught:
        resolve_params(pipeline(step("a"), params=params), {}, {})
    assert str(caught.value) == "defaults refer to each other in a circle: x, y"


def test_the_state_of_a_step_that_has_not_begun_is_waiting() -> None:
    assert run_of(step("a"), step("b", "a")).state("b") == StepState(status=StepStatus.WAITING)


def test_every_wrong_parameter_is_named_in_one_sentence_each() -> None:
    params = (Param(name="x"), Param(name="y", description="a folder"))
    with pytest.raises(InvalidParams) as caught:
        resolve_params(pipeline(step("a"), params=params), {"z": "1"}, {})
    assert str(caught.value) == (
        "unknown parameter z (this pipeline has: x, y); parameter x is missing: give x=VALUE; "
        "parameter y is missing (a folder): give y=VALUE"
    )


def test_a_size_of_1_is_a_plain_job() -> None:
    size = {"arrayProperties": {"size": "${params.n}"}}
    run = run_of(step("a", request=size), params={"n": "1"})
    assert "arrayProperties" not in submit_request(run, key("a"))


def test_a_worker_knows_its_queue() -> None:
    run = run_of(step("a", for_each=FILE, workers=2), params={"x": "list.json"})
    run = fold(run, replace(PREPARED, children=(2,), queue="https://q"))
    assert variables_of(submit_request(run, key("a"))) == {
        "BATCHRELAY_RUN_ID": "run1",
        "BATCHRELAY_STEP": "a",
        "BATCHRELAY_ROUND": "0",
        "BATCHRELAY_PART": "0",
        "BATCHRELAY_MANIFEST": "s3://m/items.jsonl",
        "BATCHRELAY_CHUNK": "1",
        "BATCHRELAY_OFFSET": "0",
        "BATCHRELAY_QUEUE": "https://q",
        "BATCHRELAY_RESULTS": requests.results_uri(run, "a", 0),
    }
