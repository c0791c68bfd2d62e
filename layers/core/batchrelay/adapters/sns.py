"""SNS."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import boto3

from batchrelay.adapters.client_errors import AWS_ERRORS, classified
from batchrelay.domain.notices import Notice

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


@dataclass
class SnsNotices:
    """Notices to SNS topics. `batchrelay.noticeId` is the same in every copy of one notice."""

    @cached_property
    def _client(self) -> SNSClient:
        return boto3.client("sns")

    def publish(self, notice: Notice) -> None:
        attributes = {"batchrelay.noticeId": notice.id, **notice.attributes}
        try:
            self._client.publish(
                TopicArn=notice.topic,
                Subject=notice.subject,
                Message=notice.message,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value}
                    for name, value in attributes.items()
                },
            )
        except AWS_ERRORS as error:
            raise classified(error) from error
