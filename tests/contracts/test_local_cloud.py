"""The contracts against the real adapters on the local cloud, over AWS's wire."""

from __future__ import annotations

import time
from collections.abc import Callable

import boto3
import pytest

from batchrelay.adapters.batch import BatchJobs
from batchrelay.adapters.dynamodb import DynamoStore
from batchrelay.adapters.s3 import S3Objects
from batchrelay.adapters.sns import SnsNotices
from batchrelay.adapters.sqs import SqsPreparations, parse
from batchrelay.domain.errors import Refused
from tests.contracts import suite
from tests.stack import table_request

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("on_cloud")]


class TestDynamoStore(suite.PipelineStoreContract, suite.RunStoreContract):
    @pytest.fixture
    def store(self, request: pytest.FixtureRequest) -> DynamoStore:
        name = f"t-{abs(hash(request.node.name))}"
        boto3.client("dynamodb").create_table(**table_request(name))
        return DynamoStore(table=name, run_ttl_days=90)


class TestS3Objects(suite.ObjectsContract):
    @pytest.fixture
    def bucket(self, request: pytest.FixtureRequest) -> str:
        name = f"b-{abs(hash(request.node.name))}"
        boto3.client("s3").create_bucket(Bucket=name)
        return name

    @pytest.fixture
    def objects(self) -> S3Objects:
        return S3Objects()


class TestSqsPreparations(suite.PreparationsContract):
    @pytest.fixture
    def url(self) -> str:
        return boto3.client("sqs").create_queue(QueueName="contract")["QueueUrl"]

    @pytest.fixture
    def preparations(self, url: str) -> SqsPreparations:
        return SqsPreparations(queue_url=url)

    @pytest.fixture
    def arrived(self, url: str) -> Callable[[], tuple[str, str, int]]:
        def last() -> tuple[str, str, int]:
            answer = boto3.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=5)
            wanted = parse(answer["Messages"][0]["Body"])
            return wanted.run_id, wanted.step, wanted.round

        return last


class TestSnsNotices(suite.NoticesContract):
    @pytest.fixture
    def topic(self) -> str:
        return boto3.client("sns").create_topic(Name="contract")["TopicArn"]

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
            answer = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)
            return suite.as_dict(answer["Messages"][0]["Body"])

        return last

    def test_a_topic_that_is_not_there_is_refused(self, notices: SnsNotices) -> None:
        notice = suite.Notice(
            topic="arn:aws:sns:us-east-1:000000000000:gone",
            id="x",
            subject="s",
            message="m",
            attributes={},
        )
        with pytest.raises(Refused):
            notices.publish(notice)


class TestBatchJobs(suite.JobsContract):
    @pytest.fixture
    def queue(self, batch_queue: str) -> str:
        return batch_queue

    @pytest.fixture
    def jobs(self) -> BatchJobs:
        return BatchJobs()

    @pytest.fixture
    def request_of(self, queue: str) -> Callable[[str], dict[str, object]]:
        return lambda name: {
            "jobName": name,
            "jobQueue": queue,
            "jobDefinition": "shell",
            "containerOverrides": {"command": ["sleep", "1"]},
        }

    @pytest.fixture
    def settle(self) -> Callable[[Callable[[], bool]], None]:
        def wait(until: Callable[[], bool]) -> None:
            deadline = time.monotonic() + 20
            while not until():
                assert time.monotonic() < deadline
                time.sleep(0.02)

        return wait

    def test_a_request_that_can_never_work_is_refused(self, jobs: BatchJobs) -> None:
        request = {"jobName": "br-x", "jobQueue": "nobody", "jobDefinition": "shell"}
        with pytest.raises(Refused, match="JobQueue nobody does not exist"):
            jobs.submit(request)
