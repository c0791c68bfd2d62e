"""SNS."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from batchrelay.adapters.client_errors import AWS_ERRORS, classified
from batchrelay.adapters.clients import aws_client
from batchrelay.domain.notices import Notice

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


@dataclass
class SnsNotices:
    """Notices to SNS topics. `batchrelay.noticeId` is the same in every copy of one notice."""

    @cached_property
    def _client(self) -> SNSClient:
        client: SNSClient = aws_client("sns")
        return client

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
