"""DynamoDB refuses a write of an item that is in another transaction. moto never does."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import boto3
import pytest
from botocore.stub import Stubber

from batchrelay.adapters import client_errors
from batchrelay.adapters.dynamodb import DynamoStore
from batchrelay.adapters.dynamodb_batches import DynamoUploadBatches
from batchrelay.domain.errors import RunConflict, RunExists
from batchrelay.domain.run_queue import RunQueue
from batchrelay.domain.upload_batch import CreatedObject, UploadBatch
from tests.contract.suite import run_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
UPLOAD_BATCH = UploadBatch(number=1, count=1, first_at=NOW, last_at=NOW, timer_at=NOW)
UPLOAD = CreatedObject(bucket="b", key="k", size=1)
RUN_QUEUE = RunQueue(pipeline="everything", holder="a", version=1)

_Calls = dict[str, tuple[str, Callable[[DynamoStore, DynamoUploadBatches], object]]]
PLAIN: _Calls = {
    "save_run_queue": ("put_item", lambda store, _: store.save_run_queue(RUN_QUEUE)),
    "extend": (
        "update_item",
        lambda _, upload_batches: upload_batches.extend("p#t", UPLOAD_BATCH, NOW),
    ),
    "close": ("update_item", lambda _, upload_batches: upload_batches.close("p#t", UPLOAD_BATCH)),
}
TRANSACTIONS: _Calls = {
    "create": (
        "transact_write_items",
        lambda store, _: store.create(run_of("one"), RUN_QUEUE.joined("one")),
    ),
    "collect": (
        "transact_write_items",
        lambda _, upload_batches: upload_batches.collect("p#t", UPLOAD_BATCH, [UPLOAD], NOW, NOW),
    ),
}


def cancelled(*codes: str) -> dict[str, object]:
    return {"CancellationReasons": [{"Code": code} for code in codes]}


class Wire:
    """A DynamoDB with prepared answers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(time, "sleep", lambda _: None)
        self.client = boto3.client(
            "dynamodb", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        self.stub = Stubber(self.client)
        self.stub.activate()
        self.store = DynamoStore(table="t", run_ttl_days=1, make_client=lambda _: self.client)
        self.upload_batches = DynamoUploadBatches(table="t", make_client=lambda _: self.client)


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    return Wire(monkeypatch)


@pytest.mark.parametrize("name", PLAIN)
def test_a_write_waits_for_a_transaction_and_is_a_conflict_in_the_end(
    wire: Wire, name: str
) -> None:
    method, call = PLAIN[name]
    wire.stub.add_client_error(method, "TransactionConflictException", http_status_code=400)
    wire.stub.add_response(method, {})
    call(wire.store, wire.upload_batches)
    for _ in range(len(client_errors._HINDERED_WAITS_S) + 1):
        wire.stub.add_client_error(method, "TransactionConflictException", http_status_code=400)
    with pytest.raises(RunConflict):
        call(wire.store, wire.upload_batches)
    wire.stub.assert_no_pending_responses()


@pytest.mark.parametrize("name", TRANSACTIONS)
def test_a_transaction_waits_for_another(wire: Wire, name: str) -> None:
    method, call = TRANSACTIONS[name]
    hindered = cancelled("TransactionConflict", "None", "None")
    wire.stub.add_client_error(
        method, "TransactionCanceledException", modeled_fields=hindered, http_status_code=400
    )
    wire.stub.add_response(method, {})
    call(wire.store, wire.upload_batches)
    wire.stub.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("name", "codes", "problem"),
    [
        ("create", ("ConditionalCheckFailed", "None"), RunExists),
        ("create", ("None", "ConditionalCheckFailed"), RunConflict),
        ("create", ("TransactionConflict", "ConditionalCheckFailed"), RunConflict),
        ("collect", ("ConditionalCheckFailed", "None", "None"), RunConflict),
    ],
)
def test_a_condition_that_does_not_hold_is_not_tried_again(
    wire: Wire, name: str, codes: tuple[str, ...], problem: type[Exception]
) -> None:
    method, call = TRANSACTIONS[name]
    wire.stub.add_client_error(
        method,
        "TransactionCanceledException",
        modeled_fields=cancelled(*codes),
        http_status_code=400,
    )
    with pytest.raises(problem):
        call(wire.store, wire.upload_batches)


def test_other_trouble_of_a_transaction_is_trouble(wire: Wire) -> None:
    method, call = TRANSACTIONS["collect"]
    codes = cancelled("None", "ThrottlingError", "None")
    wire.stub.add_client_error(
        method, "TransactionCanceledException", modeled_fields=codes, http_status_code=400
    )
    with pytest.raises(wire.client.exceptions.TransactionCanceledException):
        call(wire.store, wire.upload_batches)
