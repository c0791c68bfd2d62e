"""The Python client: its types are those of the API, its errors have the API's sentences."""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from typing import Any, Union, get_args, get_origin, get_type_hints, is_typeddict

import pytest

from batchrelay.api.openapi import SCHEMAS
from batchrelay_cli.client import (
    ApiRefusedError,
    Client,
    FunctionFailedError,
    Started,
    WaitedTooLong,
    documents,
)
from batchrelay_cli.stack.client import Stack

TYPED = {name: one for name, one in vars(documents).items() if is_typeddict(one) and name[0] != "_"}
NAMELESS = {"Moment": ("History", "history"), "RedriveStep": ("RedrivePlan", "steps")}
"""Schemas that stand within another one, and where."""
BODIES = {"Start", "Redrive", "Resume", "Cancel", "Gateway", "Problem"}
"""What is sent, and the errors: the client has arguments and exceptions for them."""
JSON_NAMES = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    list: "array",
    dict: "object",
    type(None): "null",
}


def json_names(hint: Any) -> set[str]:
    """Which kinds of JSON a type takes; a document by its name."""
    if get_origin(hint) in (Union, types.UnionType):
        return {name for one in get_args(hint) for name in json_names(one)}
    if is_typeddict(hint):
        return {hint.__name__}
    if get_origin(hint) is list and is_typeddict(get_args(hint)[0]):
        return {f"array of {get_args(hint)[0].__name__}"}
    return {JSON_NAMES[get_origin(hint) or hint]}


def schema_names(schema: Mapping[str, Any], place: tuple[str, str]) -> set[str]:
    if "anyOf" in schema:
        return {name for one in schema["anyOf"] for name in schema_names(one, place)}
    if "$ref" in schema:
        return {schema["$ref"].rpartition("/")[2]}
    if "enum" in schema and "type" not in schema:
        return {JSON_NAMES[type(value) if value is None else str] for value in schema["enum"]}
    if "const" in schema:
        return {"boolean"}
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    items = schema.get("items", {})
    nameless = [name for name, within in NAMELESS.items() if within == place]
    within = items["$ref"].rpartition("/")[2] if "$ref" in items else "".join(nameless)
    return {f"array of {within}" if kind == "array" and within else kind for kind in kinds}


@pytest.mark.parametrize("name", TYPED)
def test_a_type_has_the_fields_of_the_openapi_document(name: str) -> None:
    if name in NAMELESS:
        outer, field = NAMELESS[name]
        schema = SCHEMAS[outer]["properties"][field]["items"]
    else:
        schema = SCHEMAS[name]
    hints = get_type_hints(TYPED[name])
    assert set(hints) == set(schema["required"])
    for field, hint in hints.items():
        assert json_names(hint) == schema_names(schema["properties"][field], (name, field)), field


def test_every_document_of_the_api_has_a_type() -> None:
    lists = {"Pipelines"}  # the client answers with the list itself
    assert set(TYPED) == (set(SCHEMAS) - BODIES - lists) | set(NAMELESS)


class AnsweringStack(Stack):
    """Its API gives these answers, one after the other."""

    def __init__(self, *answers: tuple[int, Mapping[str, Any]]) -> None:
        super().__init__(make_client=lambda _: None, outputs={"AnswerApiName": "api"})
        self.answers = list(answers)
        self.events: list[Mapping[str, Any]] = []

    def invoke(self, function: str, event: Mapping[str, Any]) -> dict[str, Any]:
        self.events.append(event)
        status, document = self.answers.pop(0)
        return {"statusCode": status, "body": json.dumps(document)}

    @property
    def requests(self) -> list[tuple[str, str, Any]]:
        return [(e["httpMethod"], e["path"], json.loads(e["body"] or "{}")) for e in self.events]


def run_of(status: str) -> dict[str, Any]:
    return {"runId": "k1", "status": status}


def test_a_refusal_has_the_sentence_and_the_status_of_the_api() -> None:
    problem = {"title": "RunNotFound", "status": 404, "detail": "there is no run k1"}
    with pytest.raises(ApiRefusedError, match=r"^there is no run k1$") as refused:
        Client(AnsweringStack((404, problem))).status("k1")
    assert refused.value.status == 404


def test_a_failure_of_the_api_is_no_refusal() -> None:
    problem = {"title": "CodecError", "status": 500, "detail": "schema 99"}
    with pytest.raises(FunctionFailedError, match=r"^the API failed: .*schema 99"):
        Client(AnsweringStack((500, problem))).status("k1")


def test_a_start_has_a_key_of_its_own_unless_one_is_given() -> None:
    stack = AnsweringStack(*[(201, run_of("RUNNING"))] * 2, (200, run_of("RUNNING")))
    client = Client(stack)
    assert client.start("p", {"n": 5}) == Started(run=run_of("RUNNING"), is_new=True)  # type: ignore[arg-type]
    client.start("p", version=2)
    assert not client.start("p", key="night").is_new
    (_, path, first), (_, _, second), (_, _, third) = stack.requests
    assert (path, first["params"], second["version"]) == ("/pipelines/p/runs", {"n": 5}, 2)
    assert len({first["key"], second["key"]}) == 2
    assert third == {"params": {}, "key": "night"}


def test_a_wait_ends_with_the_run() -> None:
    stack = AnsweringStack(*((200, run_of(s)) for s in ("QUEUED", "RUNNING", "PARTIAL")))
    assert Client(stack).wait("k1", poll_s=0)["status"] == "PARTIAL"
    assert len(stack.events) == 3


def test_a_wait_has_an_end_though_the_run_has_none() -> None:
    stack = AnsweringStack((200, run_of("RUNNING")))
    with pytest.raises(WaitedTooLong, match=r"^run k1 is RUNNING after 1 s$") as waited:
        Client(stack).wait("k1", timeout_s=1, poll_s=2)
    assert isinstance(waited.value, TimeoutError)


def test_open_runs_are_of_every_page() -> None:
    pages: list[tuple[int, dict[str, Any]]] = [
        (200, {"runs": [{"runId": "k1"}], "next": "2026"}),
        (200, {"runs": [{"runId": "k2"}], "next": None}),
        *[(200, {"runs": [], "next": None})] * 10,
    ]
    stack = AnsweringStack(*pages)
    assert Client(stack).open_runs("p") == ["k1", "k2"]
    query = stack.events[1]["queryStringParameters"]
    assert query == {**stack.events[0]["queryStringParameters"], "next": "2026"}


def test_requests_have_the_fields_of_the_api() -> None:
    stack = AnsweringStack(*[(202, run_of("RUNNING"))] * 4)
    client = Client(stack)
    client.redrive("k1", step="a", classes=["Spot"], memory="x2")
    client.redrive_plan("k1", queue="q", params={"n": 1})
    client.cancel("k1", reason="enough", stops_finally=True)
    client.resume("k1", budget_usd=3.5)
    order: dict[str, Any] = {
        "step": None,
        "classes": [],
        "memory": None,
        "queue": None,
        "params": {},
    }
    assert [(path, body) for _, path, body in stack.requests] == [
        ("/runs/k1/redrive", {**order, "step": "a", "classes": ["Spot"], "memory": "x2"}),
        ("/runs/k1/redrive", {**order, "queue": "q", "params": {"n": 1}, "plan": True}),
        ("/runs/k1/cancel", {"reason": "enough", "finally": True}),
        ("/runs/k1/resume", {"budget": 3.5}),
    ]
    for (_, path, body), name in zip(
        stack.requests, ("Redrive", "Redrive", "Cancel", "Resume"), strict=True
    ):
        assert set(body) <= set(SCHEMAS[name]["properties"]), path
