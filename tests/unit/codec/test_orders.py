"""Orders to start a run: what they may say, and the ids that their runs get."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from batchrelay.codec import decode_start_request
from batchrelay.domain.errors import InvalidDocument
from batchrelay.domain.pipeline import Overlap
from batchrelay.domain.run import StartRequest


def test_an_order_is_decoded() -> None:
    document = {"runId": "a1", "pipeline": "p", "version": 2, "params": {"x": "y"}}
    order = StartRequest(run_id="a1", pipeline="p", version=2, params={"x": "y"})
    assert decode_start_request(document, lambda: "new") == order


def test_an_order_without_an_id_gets_one_and_one_with_a_key_always_the_same() -> None:
    new = decode_start_request({"pipeline": "p"}, lambda: "new")
    assert (new.run_id, new.version, new.params) == ("new", None, {})
    first, again, other = (
        decode_start_request({"pipeline": name, "key": "a/b"}, lambda: "new").run_id
        for name in "ppq"
    )
    assert first == again != other
    with pytest.raises(InvalidDocument, match=r"order\.key: more than 256 characters"):
        decode_start_request({"pipeline": "p", "key": "x" * 257}, lambda: "new")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ([], "order: expected an object, got []"),
        ({}, "order.pipeline: expected str, got None"),
        ({"version": 0}, "order.version: expected a number from 1 to 1,000,000,000, got 0"),
        ({"version": True}, "order.version: expected int, got True"),
        ({"runId": "A"}, "order.runId: expected 1 to 32 of a-z and 0-9, got 'A'"),
        ({"key": "\ud800"}, "order: half of a character (a lone surrogate) is no text"),
        ({"params": {"x": 1}}, "order.params.x: expected str, got 1"),
        ({"trigger": []}, "order.trigger: expected an object, got []"),
        ({"overlap": "never"}, "order.overlap: unknown Overlap 'never'"),
    ],
)
def test_a_wrong_order_is_refused_with_its_path(fields: Any, problem: str) -> None:
    document = {"pipeline": "p", **fields} if fields else fields
    with pytest.raises(InvalidDocument) as caught:
        decode_start_request(document, lambda: "new")
    assert str(caught.value) == problem


def test_an_order_of_a_trigger_is_decoded() -> None:
    more = {"key": "k" * 256, "trigger": {"bucket": "b"}, "overlap": "queue"}
    order = decode_start_request({"pipeline": "p", "version": 1, **more}, lambda: "new")
    assert replace(order, run_id="") == StartRequest(
        run_id="",
        pipeline="p",
        version=1,
        params={},
        key="k" * 256,
        trigger={"bucket": "b"},
        overlap=Overlap.QUEUE,
    )
