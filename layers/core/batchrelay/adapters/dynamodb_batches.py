"""Upload batches in the table of the runs.

`UPLOAD_BATCH#<trigger>` / `UPLOAD_BATCH` is the open batch of a trigger. An upload of it is
`UPLOAD_BATCH#<trigger>#<number>` / `<hash>`. `UPLOAD#<hash>` / `SEEN` says that it was recorded, in
any batch. The last two are written together, and expire.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from batchrelay.adapters.client_errors import (
    CONDITION_FAILED,
    cancellation_codes,
    is_hindered,
    unhindered,
)
from batchrelay.adapters.clients import aws_client
from batchrelay.domain.errors import RunConflict
from batchrelay.domain.upload_batch import CreatedObject, UploadBatch

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

UPLOADS_PER_WRITE = 40
"""Two items each, and the batch: a transaction has at most 100. Source: TransactWriteItems."""

TTL_DAYS = 15
"""Days for which a repeated upload is recognized: dead letters are kept for 14."""


@dataclass
class DynamoUploadBatches:
    """UploadBatchStore."""

    table: str
    make_client: Callable[..., Any] = field(default=aws_client, repr=False)

    @cached_property
    def _client(self) -> DynamoDBClient:
        client: DynamoDBClient = self.make_client("dynamodb")
        return client

    def batch(self, name: str) -> UploadBatch:
        key = _upload_batch_key(name)
        item = self._client.get_item(TableName=self.table, Key=key, ConsistentRead=True).get("Item")
        if item is None:
            return UploadBatch()
        return UploadBatch(
            number=int(item["number"]["N"]),
            count=int(item["count"]["N"]) if "count" in item else 0,
            first_at=_time(item.get("firstAt")),
            last_at=_time(item.get("lastAt")),
            timer_at=_time(item.get("timerAt")),
            closed_at=_time(item.get("closedAt")),
        )

    def collect(
        self,
        name: str,
        batch: UploadBatch,
        uploads: Sequence[CreatedObject],
        now: datetime,
        timer_at: datetime,
    ) -> None:
        fresh = list({upload.identity: upload for upload in uploads}.values())
        while fresh:
            some, fresh = fresh[:UPLOADS_PER_WRITE], fresh[UPLOADS_PER_WRITE:]
            self._record(name, batch, some, now, timer_at)
            batch = replace(batch, timer_at=timer_at)

    def _record(
        self,
        name: str,
        batch: UploadBatch,
        some: list[CreatedObject],
        now: datetime,
        timer_at: datetime,
    ) -> None:
        while some:
            puts: list[Any] = [
                put for upload in some for put in self._puts(name, batch.number, upload, now)
            ]
            values = {
                ":now": _ms(now),
                ":more": {"N": str(len(some))},
                ":timer": _ms(timer_at),
            }
            update = self._update(
                name,
                batch,
                "SET #number = :number, firstAt = if_not_exists(firstAt, :now), lastAt = :now, "
                "timerAt = :timer ADD #count :more",
                values,
            )
            write = partial(
                self._client.transact_write_items, TransactItems=[{"Update": update}, *puts]
            )
            try:
                unhindered(write)
            except ClientError as error:
                codes = cancellation_codes(error)
                if codes[:1] == [CONDITION_FAILED] or is_hindered(error):
                    raise _changed(name) from None
                upload_codes = codes[1::2]  # the first of each upload's two
                if CONDITION_FAILED not in upload_codes:
                    raise
                pairs = zip(some, upload_codes, strict=True)
                some = [upload for upload, code in pairs if code != CONDITION_FAILED]
            else:
                return

    def extend(self, name: str, batch: UploadBatch, timer_at: datetime) -> None:
        values = {":timer": _ms(timer_at)}
        self._write(
            name,
            self._update(name, batch, "SET #number = :number, timerAt = :timer", values),
        )

    def close(self, name: str, batch: UploadBatch) -> None:
        update = self._update(
            name,
            batch,
            "SET #number = :next, closedAt = :before REMOVE #count, firstAt, lastAt, timerAt",
            {":next": {"N": str(batch.number + 1)}, ":count": {"N": str(batch.count)}},
            " AND #count = :count",
        )
        self._write(name, update)

    def uploads(self, name: str, number: int) -> Iterator[CreatedObject]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": f"UPLOAD_BATCH#{name}#{number}"}},
            ConsistentRead=True,
        )
        for page in pages:
            for item in page["Items"]:
                yield CreatedObject(**json.loads(item["document"]["S"]))

    def _puts(
        self, name: str, number: int, upload: CreatedObject, now: datetime
    ) -> tuple[dict[str, Any], ...]:
        digest = hashlib.sha256(f"{name}/{upload.identity}".encode()).hexdigest()
        expires = {"expiresAt": {"N": str(int((now + timedelta(days=TTL_DAYS)).timestamp()))}}
        seen = {"pk": {"S": f"UPLOAD#{digest}"}, "sk": {"S": "SEEN"}} | expires
        entry = {"pk": {"S": f"UPLOAD_BATCH#{name}#{number}"}, "sk": {"S": digest}} | expires
        entry["document"] = {"S": json.dumps(asdict(upload), ensure_ascii=False)}
        first = {
            "TableName": self.table,
            "Item": seen,
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        return {"Put": first}, {"Put": {"TableName": self.table, "Item": entry}}

    def _update(
        self, name: str, batch: UploadBatch, change: str, values: Mapping[str, Any], also: str = ""
    ) -> Any:
        """An update of the batch if its number and its timer are as they were."""
        is_same = "(attribute_not_exists(pk) OR #number = :number) AND "
        if batch.timer_at is None:
            is_same += "attribute_not_exists(timerAt)"
        else:
            is_same += "timerAt = :before"
            values = {**values, ":before": _ms(batch.timer_at)}
        names = {"#number": "number"} | ({"#count": "count"} if "#count" in change else {})
        return {
            "TableName": self.table,
            "Key": _upload_batch_key(name),
            "UpdateExpression": change,
            "ConditionExpression": is_same + also,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": {**values, ":number": {"N": str(batch.number)}},
        }

    def _write(self, name: str, update: Any) -> None:
        """botocore repeats it if the answer was lost: then it seems to have changed, and is looked
        at again."""
        try:
            unhindered(lambda: self._client.update_item(**update))
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "ConditionalCheckFailedException" or is_hindered(error):
                raise _changed(name) from None
            raise


def _upload_batch_key(name: str) -> dict[str, Any]:
    return {"pk": {"S": f"UPLOAD_BATCH#{name}"}, "sk": {"S": "UPLOAD_BATCH"}}


def _ms(time: datetime) -> dict[str, str]:
    return {"N": str(round(time.timestamp() * 1000))}


def _time(attribute: Any) -> datetime | None:
    if attribute is None:
        return None
    return datetime.fromtimestamp(int(attribute["N"]) / 1000, UTC)


def _changed(name: str) -> RunConflict:
    return RunConflict(f"the upload batch of {name} has changed")
