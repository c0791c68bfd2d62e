"""Every operation and field of botocore's model of AWS Batch has a decision, and it is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape

from absent_answers import ABSENT, is_about, reason_of
from batch_local.api.operations import operations
from batch_local.surface.decisions import Kind
from batch_local.surface.fields import DECISIONS, decision_of
from job_api import api_with_a_job
from shown_by import IN_ENGINE, existing_tests, named_tests, shown_by
from surface_machine import Exchange, exchange
from surface_page import PAGE, answer_paths, kind_of, model_paths, page

BY_NAME = {operation.name: operation for operation in operations().values()}
KNOWN = frozenset(model_paths())


def test_every_path_of_the_model_has_a_decision() -> None:
    assert [path for path in model_paths() if decision_of(path) is None] == []
    assert len(KNOWN) > 900


def test_every_decision_is_about_a_path_of_the_model() -> None:
    assert sorted(set(DECISIONS) - KNOWN) == []


def test_a_field_that_is_new_in_the_model_has_no_decision() -> None:
    assert decision_of("SubmitJob.novelty") is None
    assert decision_of("RegisterJobDefinition.containerProperties.novelty") is None
    assert decision_of("SubmitJob.retryStrategy.evaluateOnExit[].novelty") is None
    assert decision_of("Novelty") is None


def test_the_page_is_printed_from_the_decisions() -> None:
    assert PAGE.read_text() == page(), "write it anew: python batch-local/tests/surface_page.py"


def test_a_field_that_is_not_honoured_has_a_reason() -> None:
    unexplained = [
        path
        for path, decided in DECISIONS.items()
        if decided.kind is not Kind.HONOURED and not decided.why
    ]
    assert unexplained == []


# --- a request that has a path, and is else as small as the model allows


def value_of(shape: Shape, steps: list[str]) -> Any:
    match shape:
        case StructureShape():
            wanted = {*shape.required_members, *steps[:1]}
            return {
                name: value_of(shape.members[name], steps[1:] if name == steps[:1][0] else [])
                if steps
                else value_of(shape.members[name], [])
                for name in wanted
            }
        case ListShape():
            return [value_of(shape.member, steps)]
        case MapShape():
            return {}
        case _:
            scalars = {"integer": 64, "long": 64, "boolean": True, "float": 1.0, "double": 1.0}
            return scalars.get(shape.type_name, "x")


def request_with(path: str) -> dict[str, Any]:
    name, _, rest = path.partition(".")
    shape = BY_NAME[name].input_shape
    assert shape is not None
    steps = rest.replace("[]", "").split(".") if rest else []
    found: dict[str, Any] = value_of(shape, steps)
    return found


def call(path: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    api, _ = api_with_a_job()
    operation = BY_NAME[path.partition(".")[0]]
    body = json.dumps(request).encode()
    return api.handle(operation.http["method"], operation.http["requestUri"], body, {})


REFUSED = [path for path, decided in DECISIONS.items() if decided.kind is Kind.REFUSED]


@pytest.mark.parametrize("path", REFUSED)
def test_a_refusal_names_the_field(path: str) -> None:
    status, answer = call(path, request_with(path))
    name = path.rpartition(".")[2]
    assert (status, answer["__type"]) == (400, "ClientException")
    assert f"{name} is not supported by this local AWS Batch: " in answer["message"]


def test_fields_below_a_refused_field_are_refused() -> None:
    below = [p for p in model_paths() if p not in DECISIONS and kind_of(p) is Kind.REFUSED]
    assert len(below) > 100
    for path in below[::25]:
        if "." in path:
            assert (
                "is not supported by this local AWS Batch"
                in call(path, request_with(path))[1]["message"]
            )


# --- requests that have everything


@pytest.fixture(scope="module")
def seen() -> Exchange:
    return exchange()


def test_every_field_that_is_taken_was_sent(seen: Exchange) -> None:
    """And its request was accepted."""
    assert seen.sent == {path for path in KNOWN if kind_of(path) is not Kind.REFUSED}


def test_a_field_without_effect_is_named_once(seen: Exchange) -> None:
    names = [
        sentence.partition(" is accepted and has no effect here: ")[0] for sentence in seen.notices
    ]
    assert sorted(names) == sorted(set(names))
    ignored = {path for path in KNOWN if kind_of(path) is Kind.IGNORED}
    assert [name for name in names if name not in ignored] == []
    assert {path for path in ignored if not any(is_about(name, path) for name in names)} == {
        path
        for path in ignored
        if path.endswith(".computeResources")  # its fields are named
    }


def test_an_honoured_field_has_a_test() -> None:
    fields = [path for path in KNOWN if "." in path and kind_of(path) is Kind.HONOURED]
    assert [path for path in fields if shown_by(path) is None] == []
    assert {*named_tests(), IN_ENGINE} - set(existing_tests()) == set()
    assert named_tests() - {shown_by(path) for path in fields} == set()


def test_every_field_of_an_answer_is_there_or_has_a_reason(seen: Exchange) -> None:
    absent = {path for path in answer_paths() if reason_of(path) is not None}
    assert seen.answered == {*answer_paths()} - absent
    unused = [pattern for pattern in ABSENT if not any(is_about(pattern, p) for p in absent)]
    assert unused == []
