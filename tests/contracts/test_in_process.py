"""The contracts against the fakes, and against the real adapters on moto."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import boto3
import pytest
from moto import mock_aws

from batchrelay.adapters.dynamodb import DynamoStore
from batchrelay.adapters.memory import (
    MemoryJobs,
    MemoryNotices,
    MemoryObjects,
    MemoryPipelineStore,
    MemoryPreparations,
    MemoryRunStore,
)
from batchrelay.adapters.s3 import S3Objects
from batchrelay.adapters.sns import SnsNotices
from batchrelay.adapters.sqs import SqsPreparations, parse
from tests.contracts import suite
from tests.stack import table_request


class _MemoryStore(MemoryRunStore, MemoryPipelineStore):
    def __init__(self) -> None:
        MemoryRunStore.__init__(self)
        MemoryPipelineStore.__init__(self)


@pytest.fixture
def moto() -> Iterator[None]:
    with mock_aws():
        yield


class TestMemoryStore(suite.PipelineStoreContract, suite.RunStoreContract):
    @pytest.fixture
    def store(self) -> _MemoryStore:
        return _MemoryStore()


class TestDynamoStoreOnMoto(suite.PipelineStoreContract, suite.RunStoreContract):
    @pytest.fixture
    def store(self, moto: None) -> DynamoStore:
        boto3.client("dynamodb").create_table(**table_request("table"))
        return DynamoStore(table="table", run_ttl_days=90)

    def test_an_ended_run_expires_and_an_open_one_does_not(self, store: DynamoStore) -> None:
        store.put_pipeline(suite.EVERYTHING)
        run = store.create(suite.run_of("one"))
        assert "expiresAt" not in self._item()
        store.save(suite.ended(run))
        ended_at = suite.ended(run).ended_at
        assert ended_at is not None
        assert int(self._item()["expiresAt"]["N"]) == ended_at.timestamp() + 90 * 86_400

    def _item(self) -> dict[str, dict[str, str]]:
        key = {"pk": {"S": "RUN#one"}, "sk": {"S": "RUN"}}
        item = boto3.client("dynamodb").get_item(TableName="table", Key=key)["Item"]
        return {name: dict(value) for name, value in item.items()}  # type: ignore[call-overload]


class TestMemoryObjects(suite.ObjectsContract):
    @pytest.fixture
    def bucket(self) -> str:
        return "bucket"

    @pytest.fixture
    def objects(self) -> MemoryObjects:
        return MemoryObjects()


class TestS3ObjectsOnMoto(suite.ObjectsContract):
    @pytest.fixture
    def bucket(self, moto: None) -> str:
        boto3.client("s3").create_bucket(Bucket="bucket")
        return "bucket"

    @pytest.fixture
    def objects(self) -> S3Objects:
        return S3Objects()


class TestMemoryPreparations(suite.PreparationsContract):
    @pytest.fixture
    def preparations(self) -> MemoryPreparations:
        return MemoryPreparations()

    @pytest.fixture
    def arrived(self, preparations: MemoryPreparations) -> Callable[[], tuple[str, str, int]]:
        def last() -> tuple[str, str, int]:
            [prepare] = preparations.requested
            return prepare.run_id, prepare.step, prepare.round

        return last


class TestSqsPreparationsOnMoto(suite.PreparationsContract):
    @pytest.fixture
    def url(self, moto: None) -> str:
        return boto3.client("sqs").create_queue(QueueName="prepare")["QueueUrl"]

    @pytest.fixture
    def preparations(self, url: str) -> SqsPreparations:
        return SqsPreparations(queue_url=url)

    @pytest.fixture
    def arrived(self, url: str) -> Callable[[], tuple[str, str, int]]:
        def last() -> tuple[str, str, int]:
            [message] = boto3.client("sqs").receive_message(QueueUrl=url)["Messages"]
            wanted = parse(message["Body"])
            return wanted.run_id, wanted.step, wanted.round

        return last


class TestMemoryNotices(suite.NoticesContract):
    @pytest.fixture
    def topic(self) -> str:
        return "arn:aws:sns:us-east-1:1:topic"

    @pytest.fixture
    def notices(self) -> MemoryNotices:
        return MemoryNotices()

    @pytest.fixture
    def heard(self, notices: MemoryNotices) -> Callable[[], dict[str, str]]:
        def last() -> dict[str, str]:
            [notice] = notices.published
            return {
                "subject": notice.subject,
                "message": notice.message,
                "notice_id": notice.id,
                **notice.attributes,
            }

        return last


class TestSnsNoticesOnMoto(suite.NoticesContract):
    @pytest.fixture
    def topic(self, moto: None) -> str:
        return boto3.client("sns").create_topic(Name="topic")["TopicArn"]

    @pytest.fixture
    def notices(self) -> SnsNotices:
        return SnsNotices()

    @pytest.fixture
    def heard(self, topic: str) -> Callable[[], dict[str, str]]:
        sqs = boto3.client("sqs")
        url = sqs.create_queue(QueueName="ear")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
        boto3.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["QueueArn"])

        def last() -> dict[str, str]:
            [message] = sqs.receive_message(QueueUrl=url)["Messages"]
            return suite.as_dict(message["Body"])

        return last


class TestMemoryJobs(suite.JobsContract):
    @pytest.fixture
    def queue(self) -> str:
        return "queue"

    @pytest.fixture
    def jobs(self) -> MemoryJobs:
        return MemoryJobs()

    @pytest.fixture
    def request_of(self) -> Callable[[str], dict[str, object]]:
        return lambda name: {"jobName": name, "jobQueue": "queue", "jobDefinition": "d"}

    @pytest.fixture
    def settle(self) -> Callable[[Callable[[], bool]], None]:
        return lambda _: None


def test_a_malformed_preparation_is_an_input_error() -> None:
    from batchrelay.domain.errors import InputError

    for body in ("", "[]", "{}", json.dumps({"run_id": 1, "step": "a", "round": 0}), "x" * 9):
        with pytest.raises(InputError):
            parse(body)
