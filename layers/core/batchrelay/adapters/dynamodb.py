"""Runs and pipelines in one DynamoDB table.

`RUN#<id>` / `RUN` is a run: `version` guards every write, `document` is the state (codec/),
deflated once it is longer than a KiB, because a write is charged by the KiB. `status` and `cause`
stand beside it for people, `pipeline` and `place` (time and id) for the index that lists the runs
of a pipeline; `open` only while the run is open, for a sparse index of those that
reconcile must visit.

`PIPELINE#<name>` / `V#<n>` is a definition, deflated like a run, never changed, and therefore
kept in memory once it was read. `PIPELINES` / `<name>` is the version that is started; a
deleted pipeline keeps its number, so that a later one is another version. `RUN_QUEUE#<name>` /
`RUN_QUEUE` is the run queue of those of its runs that must not overlap.
"""

from __future__ import annotations

import json
import uuid
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from batchrelay.adapters.client_errors import (
    CONDITION_FAILED,
    cancellation_codes,
    is_hindered,
    unhindered,
)
from batchrelay.adapters.clients import aws_client
from batchrelay.codec import (
    decode_pipeline,
    decode_run,
    deflated,
    pipeline_text,
    run_pipeline,
    stored_run,
)
from batchrelay.domain import copies
from batchrelay.domain.errors import (
    PipelineNotFound,
    RunConflict,
    RunExists,
    RunNotFound,
)
from batchrelay.domain.pending_effects import is_open
from batchrelay.domain.pipeline import Pipeline, check_pipeline_name
from batchrelay.domain.run import Run, RunStatus
from batchrelay.domain.run_queue import RunQueue
from batchrelay.domain.run_summary import RunSummary
from batchrelay.ports import Registered

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

REGISTER_TRIES = 20

OPEN_INDEX, RUNS_INDEX = "open", "runs"
_ABSENT, _EXPECTED = "attribute_not_exists(pk)", "version = :expected"
_ENTRIES = "PIPELINES"
_OPEN = "OPEN"


@dataclass
class DynamoStore:
    """RunStore and PipelineStore. One conditional write a save."""

    table: str
    run_ttl_days: int
    make_client: Callable[..., Any] = field(default=aws_client, repr=False)
    _pipelines: dict[tuple[str, int], Pipeline] = field(default_factory=dict, repr=False)

    @cached_property
    def _client(self) -> DynamoDBClient:
        client: DynamoDBClient = self.make_client("dynamodb")
        return client

    # --- pipelines

    def put_pipeline(self, pipeline: Pipeline) -> None:
        item = _pipeline_key(pipeline.name, pipeline.version) | {
            "document": _attribute(deflated(pipeline_text(pipeline)))
        }
        problem = RunConflict(f"pipeline {pipeline.name} has a version {pipeline.version}")
        self._put(item, _ABSENT, {}, problem)

    def get_pipeline(self, name: str, version: int) -> Pipeline:
        check_pipeline_name(name)
        if (name, version) not in self._pipelines:
            item = self._get(_pipeline_key(name, version))
            if item is None:
                raise PipelineNotFound(f"pipeline {name} has no version {version}")
            document = json.loads(_inflated(item["document"]))
            self._pipelines[name, version] = decode_pipeline(document, version)
        return self._pipelines[name, version]

    def register(self, pipeline: Pipeline, at: datetime) -> int:
        for _ in range(REGISTER_TRIES):
            entry = self._get(_entry_key(pipeline.name)) or {}
            known = int(entry["version"]["N"]) if entry else 0
            if known and "removed" not in entry:
                stored = self.get_pipeline(pipeline.name, known)
                if stored.content == pipeline.content:
                    return known
            version = known + 1
            with suppress(RunConflict):  # a rival put this version, or one who died before us
                self.put_pipeline(replace(pipeline, version=version))
            written = self.get_pipeline(pipeline.name, version)
            item = _entry_key(pipeline.name) | {
                "version": {"N": str(version)},
                "registeredAt": {"S": at.isoformat()},
            }
            problem = RunConflict(f"pipeline {pipeline.name} was registered by another process")
            with suppress(RunConflict):
                self._put_entry(item, known, problem)
                if written.content == pipeline.content:
                    return version
        raise RunConflict(f"pipeline {pipeline.name} is being registered by others")

    def registered(self) -> Iterator[Registered]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="pk = :pk",
            FilterExpression="attribute_not_exists(removed)",
            ExpressionAttributeValues={":pk": {"S": _ENTRIES}},
        )
        for page in pages:
            for item in page["Items"]:
                yield Registered(
                    name=item["sk"]["S"],
                    version=int(item["version"]["N"]),
                    at=datetime.fromisoformat(item["registeredAt"]["S"]),
                )

    def registered_version(self, name: str) -> int:
        check_pipeline_name(name)
        entry = self._get(_entry_key(name))
        if entry is None or "removed" in entry:
            raise PipelineNotFound(f"there is no pipeline {name}")
        return int(entry["version"]["N"])

    def unregister(self, name: str) -> None:
        version = self.registered_version(name)
        item = _entry_key(name) | {"version": {"N": str(version)}, "removed": {"BOOL": True}}
        self._put_entry(item, version, RunConflict(f"pipeline {name} was registered meanwhile"))

    def _put_entry(self, item: dict[str, Any], known: int, problem: Exception) -> None:
        if known:
            self._put(item, "version = :before", {":before": {"N": str(known)}}, problem)
        else:
            self._put(item, _ABSENT, {}, problem)

    # --- runs

    def create(self, run: Run, run_queue: RunQueue | None = None) -> Run:
        problem = RunExists(f"run {run.id} exists")
        written, item = self._item(run)
        if run_queue is None:
            self._put(item, _ABSENT, {}, problem)
        else:
            self._create_in_queue(item, run_queue, problem)
        return written

    def _create_in_queue(
        self, item: dict[str, Any], run_queue: RunQueue, problem: Exception
    ) -> None:
        """Both or none. botocore's token makes a repeated call one."""
        entry, condition, values = _run_queue_write(run_queue)
        table: Any = {"TableName": self.table}
        run_put: Any = {**table, "Item": item, "ConditionExpression": _ABSENT}
        queue_put: Any = {**table, "Item": entry, "ConditionExpression": condition}
        if values:
            queue_put["ExpressionAttributeValues"] = values
        writes: Any = [{"Put": run_put}, {"Put": queue_put}]
        try:
            unhindered(lambda: self._client.transact_write_items(TransactItems=writes))
        except ClientError as error:
            codes = cancellation_codes(error)
            if codes[:1] == [CONDITION_FAILED]:
                raise problem from None
            if CONDITION_FAILED in codes or is_hindered(error):
                raise _queue_changed(run_queue) from None
            raise

    def run_queue(self, pipeline: str) -> RunQueue:
        item = self._get(_run_queue_key(pipeline))
        if item is None:
            return RunQueue(pipeline=pipeline)
        return RunQueue(
            pipeline=pipeline,
            holder=item["holder"]["S"],
            waiting=tuple(entry["S"] for entry in item["waiting"]["L"]),
            version=int(item["version"]["N"]),
        )

    def save_run_queue(self, run_queue: RunQueue) -> None:
        item, condition, values = _run_queue_write(run_queue)
        self._put(item, condition, values, _queue_changed(run_queue))

    def load(self, run_id: str) -> Run:
        item = self._get(_run_key(run_id))
        if item is None:
            raise RunNotFound(f"there is no run {run_id}")
        document = json.loads(_inflated(item["document"]))
        pipeline = self.get_pipeline(*run_pipeline(document))
        return decode_run(document, pipeline, int(item["version"]["N"]))

    def save(self, run: Run) -> Run:
        problem = RunConflict(f"run {run.id} is not at version {run.version} any more")
        written, item = self._item(run)
        self._put(item, _EXPECTED, _expected(run.version), problem)
        return written

    def runs_of(self, pipeline: str, before: str = "") -> Iterator[RunSummary]:
        values: dict[str, Any] = {":pipeline": {"S": pipeline}}
        condition = "pipeline = :pipeline"
        if before:
            values[":before"] = {"S": before}
            condition += " AND place < :before"
        pages = self._client.get_paginator("query").paginate(
            TableName=self.table,
            IndexName=RUNS_INDEX,
            KeyConditionExpression=condition,
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues=values,
            ProjectionExpression="place, #status, cause, cost",
            ScanIndexForward=False,
        )
        for page in pages:
            for item in page["Items"]:
                time, _, run_id = item["place"]["S"].partition("~")
                yield RunSummary(
                    id=run_id,
                    pipeline=pipeline,
                    status=RunStatus(item["status"]["S"]),
                    started_at=datetime.fromisoformat(time),
                    cause=item.get("cause", {}).get("S", ""),
                    cost_usd=float(item["cost"]["S"]) if "cost" in item else None,
                )

    def open_runs(self) -> Iterator[str]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self.table,
            IndexName=OPEN_INDEX,
            KeyConditionExpression="#open = :open",
            ExpressionAttributeNames={"#open": "open"},
            ExpressionAttributeValues={":open": {"S": _OPEN}},
            ProjectionExpression="pk",
        )
        for page in pages:
            for item in page["Items"]:
                yield item["pk"]["S"].removeprefix("RUN#")

    def _item(self, run: Run) -> tuple[Run, dict[str, Any]]:
        """The run of the next version, and how it is stored."""
        written = copies.replace(run, version=run.version + 1)
        stored = stored_run(written)
        item: dict[str, Any] = _run_key(run.id) | {
            "version": {"N": str(written.version)},
            "document": _attribute(stored.document),
            **{name: {"S": text} for name, text in stored.beside.items()},
        }
        if is_open(run):
            item["open"] = {"S": _OPEN}
        elif run.ended_at is not None:
            expires_at = run.ended_at + timedelta(days=self.run_ttl_days)
            item["expiresAt"] = {"N": str(int(expires_at.timestamp()))}
        return written, item

    def _get(self, key: dict[str, Any]) -> dict[str, Any] | None:
        answer = self._client.get_item(TableName=self.table, Key=key, ConsistentRead=True)
        return answer.get("Item")

    def _put(
        self, item: dict[str, Any], condition: str, values: dict[str, Any], problem: Exception
    ) -> None:
        """One conditional write. botocore repeats it if the answer was lost: the token in the
        stored item shows that the first try had won."""
        extra: dict[str, Any] = {"ExpressionAttributeValues": values} if values else {}
        token = {"S": uuid.uuid4().hex}
        request: Any = {
            "TableName": self.table,
            "Item": {**item, "token": token},
            "ConditionExpression": condition,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            **extra,
        }
        try:
            unhindered(lambda: self._client.put_item(**request))
        except ClientError as error:
            if is_hindered(error):
                raise RunConflict("another transaction has the item") from None
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            stored: Mapping[str, Any] = error.response.get("Item", {})  # type: ignore[assignment]
            if stored.get("token") != token:
                raise problem from None


def _run_key(run_id: str) -> dict[str, Any]:
    return {"pk": {"S": f"RUN#{run_id}"}, "sk": {"S": "RUN"}}


def _run_queue_key(pipeline: str) -> dict[str, Any]:
    return {"pk": {"S": f"RUN_QUEUE#{pipeline}"}, "sk": {"S": "RUN_QUEUE"}}


def _run_queue_write(run_queue: RunQueue) -> tuple[dict[str, Any], str, dict[str, Any]]:
    """The item, on which condition it is written, and the values of that."""
    item = _run_queue_key(run_queue.pipeline) | {
        "version": {"N": str(run_queue.version + 1)},
        "holder": {"S": run_queue.holder},
        "waiting": {"L": [{"S": run_id} for run_id in run_queue.waiting]},
    }
    if run_queue.version == 0:
        return item, _ABSENT, {}
    return item, _EXPECTED, _expected(run_queue.version)


def _expected(version: int) -> dict[str, Any]:
    return {":expected": {"N": str(version)}}


def _queue_changed(run_queue: RunQueue) -> RunConflict:
    return RunConflict(f"the run queue of {run_queue.pipeline} has changed")


def _entry_key(name: str) -> dict[str, Any]:
    return {"pk": {"S": _ENTRIES}, "sk": {"S": name}}


def _pipeline_key(name: str, version: int) -> dict[str, Any]:
    return {"pk": {"S": f"PIPELINE#{name}"}, "sk": {"S": f"V#{version}"}}


def _attribute(document: str | bytes) -> dict[str, Any]:
    return {"S" if isinstance(document, str) else "B": document}


def _inflated(attribute: Mapping[str, Any]) -> str | bytes:
    text: str | None = attribute.get("S")
    return zlib.decompress(attribute["B"]) if text is None else text
