"""What older versions stored is read as this version would have stored it."""

from __future__ import annotations

from typing import Any

import pytest

from batchrelay.codec.upgrades import SCHEMA, upgraded_pipeline, upgraded_run

FIRST = {"name": "a", "lanes": ["b"], "forEach": {"file": "f"}}
OTHERS: list[Any] = [
    {"name": "b", "forEach": {"file": "f", "format": None}},
    {"name": "c", "forEach": {"file": "f", "format": "csv"}},
    {"name": "d", "forEach": []},
    {"name": "e"},
    "f",
]
OLD: dict[str, Any] = {
    "steps": [FIRST, *OTHERS],
    "triggers": [{"bucket": "b", "quiet": 60}, "t"],
    "timeout": 5,
}
TRIGGERS = [{"bucket": "b", "debounce": 60}, "t"]


def test_a_list_of_schema_1_was_in_json() -> None:
    assert upgraded_pipeline({"schema": 1, **OLD}) == {
        "schema": SCHEMA,
        "steps": [
            {"name": "a", "nToN": ["b"], "forEach": {"file": "f", "format": "json"}},
            *OTHERS,
        ],
        "triggers": TRIGGERS,
        "timeout": 5,
    }


@pytest.mark.parametrize("schema", [2, 3, 4, 5])
def test_a_later_pipeline_has_other_names(schema: int) -> None:
    assert upgraded_pipeline({"schema": schema, **OLD}) == {
        "schema": SCHEMA,
        "steps": [{"name": "a", "nToN": ["b"], "forEach": {"file": "f"}}, *OTHERS],
        "triggers": TRIGGERS,
        "timeout": 5,
    }


def old_run(schema: int) -> dict[str, Any]:
    part = {
        "n": 1, "ok": 2, "bad": 3, "now": 4, "told": True, "stuck": "s", "gone": 5, "left": True
    }  # fmt: skip
    return {
        "schema": schema,
        "id": "r",
        "turnAt": 1,
        "twins": [{"j": "j", "t": 2}],
        "stop": {"why": "w", "askedAt": 3, "cause": "TIMEOUT"},
        "steps": {
            "a": {"s": "RUNNING", "why": "w", "stuck": "s", "m": "s3://b/items.jsonl"},
            "b": {"parts": [part, "p"]},
            "c": {"parts": "records", "m": 5},
            "d": "d",
        },
    }


@pytest.mark.parametrize(
    ("schema", "manifest"),
    [(1, "s3://b/"), *((later, "s3://b/items.jsonl") for later in (2, 3, 4, 5))],
)
def test_a_run_has_other_names(schema: int, manifest: str) -> None:
    part = {
        "n": 1,
        "succeeded": 2,
        "failed": 3,
        "running": 4,
        "terminated": True,
        "blocked": "s",
        "missing": 5,
        "givenUp": True,
    }
    assert upgraded_run(old_run(schema)) == {
        "schema": SCHEMA,
        "id": "r",
        "dequeuedAt": 1,
        "duplicateJobs": [{"j": "j", "t": 2}],
        "stop": {"reason": "w", "requestedAt": 3, "cause": "TIMEOUT"},
        "steps": {
            "a": {"s": "RUNNING", "reason": "w", "blocked": "s", "m": manifest},
            "b": {"parts": [part, "p"]},
            "c": {"parts": "records", "m": 5},
            "d": "d",
        },
    }


def test_what_is_absent_or_of_another_shape_stays_so() -> None:
    assert upgraded_run({"schema": 1}) == {"schema": SCHEMA}
    assert upgraded_run({"schema": 5, "steps": []}) == {"schema": SCHEMA, "steps": []}
    assert upgraded_pipeline({"schema": 5}) == {"schema": SCHEMA}
    shapes = {"schema": 1, "steps": {"lanes": 1}, "triggers": {"quiet": 1}}
    assert upgraded_pipeline(shapes) == {**shapes, "schema": SCHEMA}


@pytest.mark.parametrize("schema", [0, SCHEMA, SCHEMA + 1, True, "1", 1.0, None])
def test_a_document_that_is_not_older_is_left_as_it_is(schema: Any) -> None:
    document = {**old_run(1), **OLD, "schema": schema}
    assert upgraded_run(document) is document
    assert upgraded_pipeline(document) is document
    assert upgraded_run([]) == []
    assert upgraded_pipeline(None) is None
