"""Names, sizes, variables, requests: what a run says to the world."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrelay.domain.array_split import split
from batchrelay.domain.errors import InvalidItems, InvalidParams, InvalidPipeline, Refused
from batchrelay.domain.events import JobSucceeded, Prepared
from batchrelay.domain.limits import ARRAY_SIZE_MAX, JOB_NAME_MAX, PARAMS_BYTES_MAX
from batchrelay.domain.pipeline import Param, ParamType
from batchrelay.domain.request_rules import submit_violations
from batchrelay.domain.requests import submit_request
from batchrelay.domain.templates import expand, expand_document, references
from batchrelay.domain.transitions import advance
from batchrelay.domain.values import JobKey, Json, counted, step_label
from batchrelay.domain.variables import resolve_params, variables_of
from tests.builders import at, key, pipeline, run_of, step

# --- names


@given(
    name=st.text("abAB09_-", min_size=1, max_size=128),
    number=st.integers(0, 9_999),
    part=st.integers(0, 99),
)
def test_a_job_name_is_lower_case_short_and_reversible(name: str, number: int, part: int) -> None:
    wanted = JobKey(run_id="20261121t093015a1b2c3", label=step_label(name), round=number, part=part)
    assert wanted.name == wanted.name.lower()
    assert len(wanted.name) <= JOB_NAME_MAX
    assert JobKey.parse(wanted.name) == wanted


def test_two_long_names_have_two_labels() -> None:
    long = "X" * 100
    assert step_label(long) == step_label(long).lower()
    assert step_label(long) != step_label(long + "y")
    assert step_label("x" * 80) == "x" * 80


@pytest.mark.parametrize("name", ["", "br-", "br-a-b", "br-a-b-r0", "nightly", "br-A-b-r0-p0"])
def test_a_foreign_name_is_no_key(name: str) -> None:
    assert JobKey.parse(name) is None


def test_a_step_whose_name_looks_like_a_round_is_taken_apart_right() -> None:
    assert JobKey.parse("br-a-step-r1-p2-r3-p4") == key("step-r1-p2", 4, round=3, run_id="a")


# --- sizes


@pytest.mark.parametrize(
    ("children", "sizes"),
    [
        (1, (1,)),
        (2, (2,)),
        (9_999, (9_999,)),
        (10_000, (10_000,)),
        (10_001, (5_001, 5_000)),
        (25_000, (8_334, 8_333, 8_333)),
    ],
)
def test_children_share_out_evenly(children: int, sizes: tuple[int, ...]) -> None:
    assert split(children) == sizes


@given(st.integers(1, 1_000_000))
def test_parts_fit_an_array_and_differ_by_at_most_one(children: int) -> None:
    sizes = split(children)
    assert sum(sizes) == children
    assert max(sizes) <= ARRAY_SIZE_MAX
    assert max(sizes) - min(sizes) <= 1
    assert len(sizes) == 1 or min(sizes) > 1


def test_too_many_children_are_refused_with_the_arithmetic() -> None:
    with pytest.raises(
        InvalidItems, match=r"1,000,001 children are more than 100 arrays of 10,000"
    ):
        split(1_000_001)


# --- expansion


def test_what_is_in_braces_expands_and_the_rest_is_left_to_the_shell() -> None:
    assert expand("${a}$HOME$${a}$$ ${b.c}", {"a": "1", "b.c": "2"}) == "1$HOME${a}$$ 2"


def test_a_value_is_not_expanded_again() -> None:
    assert expand("${a}", {"a": "${b}"}) == "${b}"


def test_an_unknown_variable_is_an_error() -> None:
    with pytest.raises(InvalidPipeline, match=r"\$\{absent\} has no value here"):
        expand("${absent}", {})


def test_documents_expand_in_values_only() -> None:
    document: Json = {"${a}": ["${a}", 1, None, {"x": ("${a}", True)}]}
    assert expand_document(document, {"a": "1"}) == {"${a}": ["1", 1, None, {"x": ["1", True]}]}


def test_references_report_their_place() -> None:
    assert [(r.name, r.offset) for r in references("x${a}$${b}${c}")] == [("a", 1), ("c", 10)]


# --- parameters


def params_of(*params: Param, **given_values: str) -> dict[str, str]:
    return resolve_params(pipeline(step("a"), params=params), given_values, {"run.id": "r"})


def test_the_size_of_expanded_defaults_is_limited() -> None:
    """Forty defaults of two references each would be a terabyte; twenty are a megabyte."""
    doubled = (Param(name=f"p{n}", default=f"${{params.p{n - 1}}}" * 2) for n in range(1, 21))
    with pytest.raises(
        InvalidParams, match=r"^the parameters are 32,\d{3} bytes; a run keeps 24,5"
    ):
        params_of(*doubled, Param(name="p0"), p0="x")


def test_a_triggers_values_count_beside_the_parameters() -> None:
    variables = {"trigger.key": "k" * PARAMS_BYTES_MAX, "env.bucket": "b" * 30_000}
    with pytest.raises(
        InvalidParams,
        match=r"^the parameters and the trigger's values are 24,579 bytes; a run keeps 24,576: ",
    ):
        resolve_params(pipeline(step("a")), {}, variables)
    variables["trigger.key"] = "k" * (PARAMS_BYTES_MAX - len("key"))
    assert resolve_params(pipeline(step("a")), {}, variables) == {}


def test_defaults_expand_in_any_order() -> None:
    params = (
        Param(name="c", default="${params.b}/c"),
        Param(name="b", default="${params.a}/b"),
        Param(name="a", default="${run.id}"),
    )
    assert params_of(*params) == {"a": "r", "b": "r/b", "c": "r/b/c"}
    assert params_of(*params, b="given") == {"a": "r", "b": "given", "c": "given/c"}


def test_a_given_value_is_taken_as_it_is() -> None:
    assert params_of(Param(name="a"), a="${run.id}") == {"a": "${run.id}"}


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        (ParamType.S3URI, "s3://b", "b/c"),
        (ParamType.INTEGER, "-3", "3.5"),
        (ParamType.NUMBER, "1e-3", "1e"),
        (ParamType.BOOLEAN, "true", "True"),
        (ParamType.STRING, "", None),
    ],
)
def test_a_parameter_must_look_like_its_type(
    kind: ParamType, right: str, wrong: str | None
) -> None:
    assert params_of(Param(name="a", type=kind), a=right) == {"a": right}
    if wrong is not None:
        with pytest.raises(InvalidParams, match="parameter a must be"):
            params_of(Param(name="a", type=kind), a=wrong)
        with pytest.raises(InvalidParams, match="parameter a must be"):
            params_of(Param(name="a", type=kind, default=wrong))


def test_every_wrong_parameter_is_named() -> None:
    with pytest.raises(InvalidParams) as error:
        params_of(Param(name="a"), Param(name="b", type=ParamType.INTEGER), b="x", c="y")
    message = str(error.value)
    assert "parameter b must be an integer" in message
    assert "unknown parameter c (this pipeline has: a, b)" in message
    assert "parameter a is missing" in message


def test_a_circle_of_defaults_is_an_error() -> None:
    with pytest.raises(InvalidParams, match="in a circle: a, b"):
        params_of(Param(name="a", default="${params.b}"), Param(name="b", default="${params.a}"))


def test_outputs_are_variables() -> None:
    run = run_of(step("a", output="s3://${params.x}/${run.id}"), params={"x": "b"})
    assert variables_of(run)["steps.a.output"] == "s3://b/run1"


# --- requests

RESULTS = "s3://the-bucket/runs/run1/Fan/r0/results/"


def test_a_request_is_the_step_with_its_name_and_our_variables() -> None:
    fan = step(
        "Fan",
        file="s3://b/plan.json",
        request={
            "containerOverrides": {
                "command": ["run", "${items.file}", "${params.x}"],
                "environment": [{"name": "A", "value": "${run.id}"}],
            }
        },
    )
    event = Prepared(
        at=at(1),
        step="Fan",
        round=0,
        items=3,
        children=(3,),
        manifest="s3://m/",
    )
    run = advance(run_of(fan, params={"x": "1"}), event)
    assert submit_request(run, key("fan")) == {
        "jobName": "br-run1-fan-r0-p0",
        "jobQueue": "queue",
        "jobDefinition": "noop:1",
        "arrayProperties": {"size": 3},
        "propagateTags": True,
        "tags": {"batchrelay:pipeline": "test", "batchrelay:run": "run1", "batchrelay:step": "Fan"},
        "containerOverrides": {
            "command": ["run", "s3://b/plan.json", "1"],
            "environment": [
                {"name": "A", "value": "run1"},
                {"name": "BATCHRELAY_RUN_ID", "value": "run1"},
                {"name": "BATCHRELAY_STEP", "value": "Fan"},
                {"name": "BATCHRELAY_ROUND", "value": "0"},
                {"name": "BATCHRELAY_PART", "value": "0"},
                {"name": "BATCHRELAY_MANIFEST", "value": "s3://m/items.jsonl"},
                {"name": "BATCHRELAY_CHUNK", "value": "1"},
                {"name": "BATCHRELAY_OFFSET", "value": "0"},
                {"name": "BATCHRELAY_RESULTS", "value": RESULTS},
            ],
        },
    }


def test_one_item_is_a_plain_job_that_knows_its_index() -> None:
    event = Prepared(at=at(1), step="a", round=0, items=1, children=(1,), manifest="s3://m/")
    request = submit_request(advance(run_of(step("a", file="s3://f")), event), key("a"))
    assert "arrayProperties" not in request
    assert {"name": "BATCHRELAY_INDEX", "value": "0"} in environment_of(request)


def test_a_later_part_knows_where_it_begins() -> None:
    event = Prepared(
        at=at(1), step="a", round=0, items=25_000, children=(25_000,), manifest="s3://m/"
    )
    request = submit_request(advance(run_of(step("a", file="s3://f")), event), key("a", 2))
    assert request["arrayProperties"] == {"size": 8_333}
    assert {"name": "BATCHRELAY_OFFSET", "value": "16667"} in environment_of(request)


def environment_of(request: object) -> list[dict[str, str]]:
    document = json.loads(json.dumps(request))
    listed: list[dict[str, str]] = document["containerOverrides"]["environment"]
    return listed


def test_a_request_over_a_limit_is_refused_before_it_is_sent() -> None:
    run = run_of(
        step("a", request={"containerOverrides": {"command": ["${params.x}"]}}),
        params={"x": "y" * 9_000},
    )
    with pytest.raises(Refused, match="above 8,192 AWS Batch accepts the job and then fails it"):
        submit_request(run, key("a"))
    run = run_of(
        step("a", request={"parameters": {"x": "${params.x}"}}), params={"x": "y" * 40_000}
    )
    with pytest.raises(Refused, match="AWS Batch takes 30,720"):
        submit_request(run, key("a"))


def test_a_tag_of_aws_is_refused_in_any_case() -> None:
    for name in ("aws:x", "AWS:x", "", "k" * 129):
        (violation,) = submit_violations({"tags": {name: "v"}})
        assert violation.path == ("tags", name)
    assert list(submit_violations({"tags": {"k" * 128: "v", "laws:x": "v"}})) == []


def test_a_run_names_its_cause() -> None:
    run = run_of(step("a"))
    assert run.cause == ""
    assert replace(run, trigger={"bucket": "b", "key": "a/é"}).cause == "s3://b/a/é"
    assert replace(run, trigger={"time": "12:00"}).cause == "12:00"
    uploads = {"bucket": "b", "uploads": "s3://u", "count": "3"}
    assert replace(run, trigger=uploads).cause == "3 uploads to s3://b/"


def test_an_event_of_another_round_or_part_changes_nothing() -> None:
    run = run_of(step("a"))
    for stale in (key("a", round=1), key("a", 1)):
        assert advance(run, JobSucceeded(at=at(1), key=stale, job_id="j")) is run


@pytest.mark.parametrize(
    ("number", "things", "text"),
    [
        (0, "items", "0 items"),
        (1, "items", "1 item"),
        (1, "children", "1 child"),
        (2, "children", "2 children"),
        (1_000, "runs", "1,000 runs"),
    ],
)
def test_one_thing_is_counted_in_the_singular(number: int, things: str, text: str) -> None:
    assert counted(number, things) == text
