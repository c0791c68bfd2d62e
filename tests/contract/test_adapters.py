"""The contracts against the real adapters: on moto in this process, and on the local cloud."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from batchrelay.adapters.batch import BatchJobs
from batchrelay.adapters.batch_resources import BatchConsumableResources
from batchrelay.adapters.cloudwatch_logs import CloudWatchLogs
from batchrelay.adapters.dynamodb import DynamoStore
from batchrelay.adapters.dynamodb_batches import DynamoUploadBatches
from batchrelay.adapters.event_bus import EventBridgeBus
from batchrelay.adapters.s3 import S3Objects
from batchrelay.adapters.sns import SnsNotices
from batchrelay.adapters.sqs import (
    ContinueMessage,
    MeasureMessage,
    ReportMessage,
    SqsPreparations,
    parse,
)
from batchrelay.adapters.sqs_timers import SqsTimers
from batchrelay.codec import encode_pipeline
from batchrelay.domain.consumable_resources import ConsumableResource
from batchrelay.domain.errors import InputError, NotDone, Refused
from batchrelay.domain.failures import ChildFailure
from batchrelay.domain.notices import Notice
from batchrelay.domain.state_change import SOURCE, StateChange
from batchrelay.domain.values import Json
from batchrelay.triggers.messages import parse_trigger, timer_body
from tests.builders import T0
from tests.contract import suite
from tests.stack import table_request

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

CLOUD = pytest.param("cloud", marks=pytest.mark.cloud)


@pytest.fixture(params=["moto", CLOUD])
def aws(request: pytest.FixtureRequest) -> Iterator[None]:
    """An AWS that every client of the test talks to."""
    if request.param == "cloud":
        request.getfixturevalue("on_cloud")
        yield
    else:
        with mock_aws():
            yield


@pytest.fixture
def fresh_name() -> str:
    """The local cloud outlives a test: nothing may be called like another test's."""
    return f"t-{uuid.uuid4()}"


class TestDynamoStore(suite.PipelineStoreContract, suite.RunStoreContract):
    @pytest.fixture
    def store(self, aws: None, fresh_name: str) -> DynamoStore:
        boto3.client("dynamodb").create_table(**table_request(fresh_name))
        return DynamoStore(table=fresh_name, run_ttl_days=90)

    def test_an_ended_run_expires_and_an_open_one_does_not(self, store: DynamoStore) -> None:
        store.put_pipeline(suite.EVERYTHING)
        run = store.create(suite.run_of("one"))
        assert "expiresAt" not in self._item(store)
        store.save(suite.ended(run))
        ended_at = suite.ended(run).ended_at
        assert ended_at is not None
        assert int(self._item(store)["expiresAt"]["N"]) == ended_at.timestamp() + 90 * 86_400

    def test_a_definition_that_was_stored_as_a_text_is_read(self, store: DynamoStore) -> None:
        text = json.dumps(encode_pipeline(suite.EVERYTHING))
        key = {"pk": {"S": "PIPELINE#everything"}, "sk": {"S": "V#3"}}
        item = {**key, "document": {"S": text}}
        boto3.client("dynamodb").put_item(TableName=store.table, Item=item)
        assert store.get_pipeline("everything", 3) == suite.EVERYTHING

    def test_a_write_whose_answer_was_lost_is_recognised_as_our_own(
        self, store: DynamoStore
    ) -> None:
        """botocore sends it again, and the condition does not hold any more."""
        store.put_pipeline(suite.EVERYTHING)
        put_item = store._client.put_item

        def twice(**request: object) -> object:
            put_item(**request)  # type: ignore[arg-type]
            return put_item(**request)  # type: ignore[arg-type]

        store._client.put_item = twice  # type: ignore[method-assign,assignment]
        created = store.create(suite.run_of("one"))
        saved = store.save(suite.ended(created))
        assert store.load("one") == saved

    def _item(self, store: DynamoStore) -> dict[str, AttributeValueTypeDef]:
        key = {"pk": {"S": "RUN#one"}, "sk": {"S": "RUN"}}
        return boto3.client("dynamodb").get_item(TableName=store.table, Key=key)["Item"]


class TestDynamoUploadBatches(suite.UploadBatchStoreContract):
    @pytest.fixture
    def upload_batches(self, aws: None, fresh_name: str) -> DynamoUploadBatches:
        boto3.client("dynamodb").create_table(**table_request(fresh_name))
        return DynamoUploadBatches(table=fresh_name)


class TestSqsTimers(suite.TimersContract):
    @pytest.fixture
    def timers(self, queue_url: str) -> SqsTimers:
        return SqsTimers(queue_url=queue_url, body_of=timer_body)

    @pytest.fixture
    def next_timer(self, queue_url: str) -> Callable[[], object]:
        return lambda: parse_trigger(next_body(queue_url))


class TestS3Objects(suite.ObjectsContract):
    @pytest.fixture
    def bucket(self, aws: None, fresh_name: str) -> str:
        boto3.client("s3").create_bucket(Bucket=fresh_name)
        return fresh_name

    @pytest.fixture
    def objects(self) -> S3Objects:
        return S3Objects()


@pytest.fixture
def queue_url(aws: None, fresh_name: str) -> str:
    return boto3.client("sqs").create_queue(QueueName=fresh_name)["QueueUrl"]


def next_body(queue_url: str) -> str:
    answer = boto3.client("sqs").receive_message(QueueUrl=queue_url, WaitTimeSeconds=5)
    return answer["Messages"][0]["Body"]


class TestSqsPreparations(suite.PreparationsContract):
    @pytest.fixture
    def preparations(self, queue_url: str) -> SqsPreparations:
        return SqsPreparations(queue_url=queue_url)

    @pytest.fixture
    def arrived(self, queue_url: str) -> Callable[[], tuple[str, str | None]]:
        def last() -> tuple[str, str | None]:
            wanted = parse(next_body(queue_url))
            if isinstance(wanted, ContinueMessage):
                return wanted.run_id, None
            if isinstance(wanted, ReportMessage):
                return wanted.report_of, f"report {wanted.redrive}"
            if isinstance(wanted, MeasureMessage):
                return wanted.cost_of, f"measurement {wanted.number}"
            return wanted.run_id, f"{wanted.step}, round {wanted.round}"

        return last

    @pytest.mark.parametrize(
        "body",
        [
            "",
            "[]",
            "{}",
            '{"run_id": 1, "step": "a", "round": 0}',
            '{"continue_run": 1}',
            '{"cost_of": 1}',
        ],
    )
    def test_a_malformed_message_is_an_input_error(self, body: str) -> None:
        with pytest.raises(InputError):
            parse(body)


class TestSnsNotices(suite.NoticesContract):
    @pytest.fixture
    def topic(self, aws: None, fresh_name: str) -> str:
        return boto3.client("sns").create_topic(Name=fresh_name)["TopicArn"]

    @pytest.fixture
    def notices(self) -> SnsNotices:
        return SnsNotices()

    @pytest.fixture
    def received_notice(self, topic: str, queue_url: str) -> Callable[[], dict[str, str]]:
        asked = boto3.client("sqs").get_queue_attributes(
            QueueUrl=queue_url, AttributeNames=["QueueArn"]
        )
        boto3.client("sns").subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=asked["Attributes"]["QueueArn"]
        )
        return lambda: suite.as_dict(next_body(queue_url))

    def test_a_topic_that_is_not_there_is_refused(self, aws: None, notices: SnsNotices) -> None:
        gone = "arn:aws:sns:us-east-1:000000000000:gone"
        notice = Notice(topic=gone, id="x", subject="s", message="m", attributes={})
        with pytest.raises(Refused):
            notices.publish(notice)


@pytest.mark.cloud
@pytest.mark.usefixtures("on_cloud")
class TestEventBridgeBus(suite.EventBusContract):
    """Only the local cloud: moto's targets would want another package."""

    @pytest.fixture
    def event_bus(self) -> EventBridgeBus:
        return EventBridgeBus()

    @pytest.fixture
    def received_event(self, fresh_name: str) -> Callable[[], dict[str, Any]]:
        queue_url = boto3.client("sqs").create_queue(QueueName=fresh_name)["QueueUrl"]
        asked = boto3.client("sqs").get_queue_attributes(
            QueueUrl=queue_url, AttributeNames=["QueueArn"]
        )
        events = boto3.client("events")
        events.put_rule(Name=fresh_name, EventPattern=json.dumps({"source": [SOURCE]}))
        queue = asked["Attributes"]["QueueArn"]
        events.put_targets(Rule=fresh_name, Targets=[{"Id": "1", "Arn": queue}])

        def received() -> dict[str, Any]:
            event = json.loads(next_body(queue_url))
            names = ("source", "detail-type", "detail")
            return {name: event[name] for name in names}

        return received

    @pytest.mark.parametrize(
        ("code", "error"),
        [
            ("InternalFailure", NotDone),
            ("ThrottlingException", NotDone),
            ("NotAuthorizedForSourceException", Refused),
        ],
    )
    def test_an_entry_that_is_not_accepted_is_refused_or_tried_again(
        self, code: str, error: type[Exception]
    ) -> None:
        bus = EventBridgeBus()
        answer = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": code, "ErrorMessage": "no"}]}
        bus.__dict__["_client"] = SimpleNamespace(put_events=lambda **_: answer)
        with pytest.raises(error, match=f"{code}: no"):
            bus.publish(StateChange(time=T0, detail="{}"))


class TestS3Presigner(suite.PresignerContract):
    @pytest.fixture
    def presigner(self, aws: None) -> S3Objects:
        return S3Objects()

    def test_a_url_is_signed_for_the_endpoint_of_the_region(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A redirect would change what is signed, and new buckets take no older signature."""
        for name, value in {
            "AWS_DEFAULT_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "A",
            "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t",
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
        url = S3Objects().presigned("s3://some-bucket/k", 60)
        assert url.startswith("https://some-bucket.s3.eu-central-1.amazonaws.com/k?")
        assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in url
        dotted = S3Objects().presigned("s3://some.bucket/k", 60)
        assert dotted.startswith("https://s3.eu-central-1.amazonaws.com/some.bucket/k?")


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def run_shell(name: str, queue: str, script: str, *, size: int = 1, after: str = "") -> str:
    """The id of a job of a shell that has ended."""
    request: dict[str, Any] = {"arrayProperties": {"size": size}} if size > 1 else {}
    if after:
        request["dependsOn"] = [{"jobId": after}]
    batch = boto3.client("batch")
    job_id = batch.submit_job(
        jobName=name,
        jobQueue=queue,
        jobDefinition="shell",
        containerOverrides={"command": ["sh", "-c", script]},
        **request,
    )["jobId"]
    ends = ("SUCCEEDED", "FAILED")
    wait_until(lambda: batch.describe_jobs(jobs=[job_id])["jobs"][0]["status"] in ends)
    return job_id


@pytest.mark.cloud
@pytest.mark.usefixtures("on_cloud")
class TestBatchJobs(suite.JobsContract):
    """Only our own AWS Batch: moto's would want Docker."""

    @pytest.fixture
    def queue(self, batch_queue: str) -> str:
        return batch_queue

    @pytest.fixture
    def jobs(self) -> BatchJobs:
        return BatchJobs()

    @pytest.fixture
    def request_of(self, queue: str) -> Callable[[str], Mapping[str, Json]]:
        return lambda name: {
            "jobName": name,
            "jobQueue": queue,
            "jobDefinition": "shell",
            "containerOverrides": {"command": ["sleep", "1"]},
        }

    @pytest.fixture
    def derive(self) -> Callable[[Callable[[], bool]], None]:
        return wait_until

    @pytest.fixture
    def ended(self, jobs: BatchJobs, queue: str) -> suite.Ended:
        def run(name: str, exit_codes: tuple[int, ...]) -> str:
            codes = " ".join(map(str, exit_codes))
            script = f"set -- {codes}; shift ${{AWS_BATCH_JOB_ARRAY_INDEX:-0}}; exit $1"
            return run_shell(name, queue, script, size=len(exit_codes))

        return run

    def test_an_array_that_never_had_children_failed_as_a_whole(
        self, jobs: BatchJobs, ended: suite.Ended, queue: str
    ) -> None:
        first = ended("br-first-a-r0-p0", (3,))
        array_id = run_shell("br-second-a-r0-p0", queue, "true", size=3, after=first)
        reason = "Dependent Job failed"
        assert list(jobs.failed_children(array_id)) == [
            ChildFailure(index=n, job_id=f"{array_id}:{n}", reason=reason) for n in range(3)
        ]

    def test_a_request_that_can_never_work_is_refused(self, jobs: BatchJobs) -> None:
        request = {"jobName": "br-x", "jobQueue": "absent", "jobDefinition": "shell"}
        [answered] = jobs.submit_all([request])
        assert isinstance(answered, Refused)
        assert "JobQueue absent does not exist" in str(answered)


@pytest.mark.cloud
@pytest.mark.usefixtures("on_cloud")
class TestCloudWatchLogs(suite.LogsContract):
    """Of children of arrays: a plain job's log is found in the same way."""

    @pytest.fixture
    def logs(self) -> CloudWatchLogs:
        return CloudWatchLogs()

    @pytest.fixture
    def printed(self, batch_queue: str) -> Callable[[tuple[str, ...]], str]:
        def run(lines: tuple[str, ...]) -> str:
            script = "\n".join(f"echo {line}" for line in lines) or "true"
            return run_shell("br-printed-a-r0-p0", batch_queue, script, size=2) + ":1"

        return run


@pytest.mark.cloud
class TestBatchConsumableResources(suite.ConsumableResourcesContract):
    """On the local cloud only: moto has none of these operations."""

    @pytest.fixture
    def resources(self, on_cloud: None) -> BatchConsumableResources:
        return BatchConsumableResources()

    @pytest.fixture
    def run_id(self) -> str:
        return uuid.uuid4().hex

    def test_what_can_never_be_there_is_refused(self, resources: BatchConsumableResources) -> None:
        with pytest.raises(Refused, match="should match valid pattern"):
            resources.ensure(ConsumableResource(name="no name", units=1))
