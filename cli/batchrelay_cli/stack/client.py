"""What the command line asks of AWS beside the engine's ports; the only user of boto3 here.

It talks to a local cloud and to AWS alike: they differ in `Stack`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

from batchrelay.domain.errors import BatchrelayError, InputError
from batchrelay.domain.job_containers import log_place
from batchrelay.domain.limits import DESCRIBE_IDS_MAX
from batchrelay_cli.stack.folder import UnsafeNameError, key_of, path_inside

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient


LOCAL_UP = (
    "start a local cloud with `batchrelay local up` and paste the export lines that it prints"
)
"""What a person does who has no stack."""

LOG_LINES_MAX = 1_000
"""Lines of a log that are shown: as many as a person looks through."""

DEPENDENCY_FAILED = "Dependent Job failed"
"""The reason of a job that never ran, because one that it depends on failed. Source: Batch
UG, job_dependencies."""


@dataclass(frozen=True, kw_only=True)
class Log:
    """The end of what a job printed."""

    lines: list[str]
    is_cut: bool = False
    """Whether there are lines before."""


@dataclass(frozen=True, kw_only=True)
class Downloaded:
    """An object, and why it is no file here; None if it is one."""

    uri: str
    refusal: str | None = None


def never_ran(job: Mapping[str, Any]) -> bool:
    """Whether it failed only because a job that it depends on did; of a detail or a summary."""
    return job["status"] == "FAILED" and str(job.get("statusReason")).startswith(DEPENDENCY_FAILED)


class StartRefusedError(BatchrelayError):
    """The start function answered that the caller has to change something."""


class InvalidSettingsError(BatchrelayError):
    """The AWS settings of the environment make no sense."""


class NoStackError(InputError):
    """There is no stack of this name, or it does not belong to this version of batchrelay."""


class FunctionFailedError(BatchrelayError):
    """A function of the stack raised: its log group has the reason."""


def local_client_factory(environment: Mapping[str, str]) -> Callable[..., Any]:
    """Clients of the local cloud of these variables, whatever the user's own AWS settings are."""
    no_profile = {"profile": (None, None, None, None)}
    session: Any = boto3.Session(
        botocore_session=botocore.session.Session(session_vars=no_profile),
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=environment["AWS_DEFAULT_REGION"],
    )

    def client(service: str, config: Config | None = None) -> Any:
        own = (config or Config()).merge(Config(proxies={}))
        return session.client(service, endpoint_url=environment["AWS_ENDPOINT_URL"], config=own)

    return client


_REGION: Any = ("region", ["AWS_REGION", "AWS_DEFAULT_REGION"], None, None)
"""AWS_REGION first, as every SDK but boto3 reads it. Source: AWS SDKs and Tools Reference."""


def environment_clients() -> Callable[..., Any]:
    """Clients with the AWS settings of the environment."""
    session: Any = boto3.Session(
        botocore_session=botocore.session.Session(session_vars={"region": _REGION})
    )

    def client(service: str, config: Config | None = None) -> Any:
        try:
            return session.client(service, config=config)
        except ValueError as error:  # AWS_ENDPOINT_URL is no URL
            raise InvalidSettingsError(str(error)) from None

    return client


def endpoint_of(service: str) -> str:
    """Where a call of a service would go, with the AWS settings of the environment; makes none.

    Raises: BotoCoreError, InvalidSettingsError.
    """
    return str(environment_clients()(service).meta.endpoint_url)


def find_stack(stack_name: str) -> Stack:
    """A stack by name, with the AWS settings of the environment.

    Raises: NoStackError, InvalidSettingsError, ClientError, BotoCoreError.
    """
    make_client = environment_clients()
    description = _description(make_client("cloudformation"), stack_name)
    entries = description.get("Outputs", ())
    outputs = {entry["OutputKey"]: entry["OutputValue"] for entry in entries}
    if "AnswerApiName" not in outputs:
        raise NoStackError(f"stack {stack_name} does not belong to this version of batchrelay")
    entries = description.get("Parameters", ())
    parameters = {entry["ParameterKey"]: entry.get("ParameterValue", "") for entry in entries}
    return Stack(make_client=make_client, outputs=outputs, parameters=parameters, name=stack_name)


def _description(cloudformation: Any, stack_name: str) -> Mapping[str, Any]:
    """CloudFormation has no error of its own for a stack that is not there, only this one for what
    DescribeStacks was asked for: a name of a stack. Source: DescribeStacks, StackName."""
    try:
        [description] = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        raise NoStackError(
            f"there is no stack {stack_name}: deploy it with `sam deploy`, or {LOCAL_UP}"
        ) from None
    return cast("Mapping[str, Any]", description)


@dataclass(kw_only=True)
class Stack:
    """A deployed stack, and the AWS clients of its account."""

    make_client: Callable[..., Any] = field(repr=False)
    outputs: Mapping[str, str]
    """The stack's outputs."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """What the stack was made with; of a run's own cloud, which nothing is compared with, none."""
    name: str = ""
    """Of a run's own cloud, which is never looked for, none."""

    @cached_property
    def batch(self) -> BatchClient:
        client: BatchClient = self.make_client("batch")
        return client

    @cached_property
    def s3(self) -> S3Client:
        client: S3Client = self.make_client("s3")
        return client

    @cached_property
    def _functions(self) -> LambdaClient:
        client: LambdaClient = self.make_client("lambda")
        return client

    @cached_property
    def logs(self) -> CloudWatchLogsClient:
        client: CloudWatchLogsClient = self.make_client("logs")
        return client

    @cached_property
    def sqs(self) -> SQSClient:
        client: SQSClient = self.make_client("sqs")
        return client

    @cached_property
    def _sns(self) -> SNSClient:
        client: SNSClient = self.make_client("sns")
        return client

    # --- runs

    def start_run(self, order: Mapping[str, Any]) -> Mapping[str, Any]:
        """{"runId", "status", "new"}. Raises: StartRefusedError with the function's sentence."""
        body = self.invoke(self.outputs["StartRunName"], order)
        if "error" in body:
            raise StartRefusedError(body["error"]["message"])
        return body

    def invoke(self, function: str, event: Mapping[str, Any]) -> dict[str, Any]:
        """A function's answer. Raises: FunctionFailedError."""
        answer = self._functions.invoke(FunctionName=function, Payload=json.dumps(event).encode())
        body: dict[str, Any] = json.loads(answer["Payload"].read())
        if answer.get("FunctionError"):
            raise FunctionFailedError(f"{function} failed: {body.get('errorMessage', body)}")
        return body

    def reconcile(self) -> None:
        """Reconcile now."""
        self._functions.invoke(FunctionName=self.outputs["ReconcileName"], Payload=b"{}")

    # --- jobs

    def describe(self, job_ids: Sequence[str]) -> list[Mapping[str, Any]]:
        """JobDetails of those that AWS Batch knows."""
        jobs: list[Mapping[str, Any]] = []
        for start in range(0, len(job_ids), DESCRIBE_IDS_MAX):
            ids = list(job_ids[start : start + DESCRIBE_IDS_MAX])
            jobs.extend(self.batch.describe_jobs(jobs=ids)["jobs"])
        return jobs

    def failed_child(self, parent_id: str) -> str | None:
        """The id of a child that failed: of those listed first, one that ran, the lowest index."""
        answer = self.batch.list_jobs(arrayJobId=parent_id, jobStatus="FAILED", maxResults=100)
        children: list[Any] = list(answer["jobSummaryList"])
        children.sort(key=lambda job: (never_ran(job), job["arrayProperties"]["index"]))
        return str(children[0]["jobId"]) if children else None

    def running_children(self, parent_id: str) -> list[str]:
        """The ids of children that run: of many, those that are listed first."""
        answer = self.batch.list_jobs(arrayJobId=parent_id, jobStatus="RUNNING")
        return [str(child["jobId"]) for child in answer["jobSummaryList"]]

    def log_of(self, job: Mapping[str, Any], lines_max: int = LOG_LINES_MAX) -> Log:
        """The last lines that a job's latest attempt printed; none if it never ran.

        CloudWatch Logs answers in pages of 1 MB, and says by the same token twice that it has none
        before. Source: GetLogEvents, nextToken.
        """
        place = log_place(job)
        lines: list[str] = []
        if place is None:
            return Log(lines=lines)
        token: dict[str, Any] = {}
        while len(lines) <= lines_max:
            try:
                answer = self.logs.get_log_events(
                    logGroupName=place[0], logStreamName=place[1], limit=lines_max + 1, **token
                )
            except self.logs.exceptions.ResourceNotFoundException:  # nothing yet, or long ago
                break
            lines = [event["message"] for event in answer["events"]] + lines
            if token.get("nextToken") == answer["nextBackwardToken"]:
                break
            token = {"nextToken": answer["nextBackwardToken"]}
        return Log(lines=lines[-lines_max:], is_cut=len(lines) > lines_max)

    def read(self, uri: str, first: int, last: int) -> bytes:
        """The bytes of an object, first to last included. Raises: ClientError."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        answer = self.s3.get_object(Bucket=bucket, Key=key, Range=f"bytes={first}-{last}")
        return answer["Body"].read()

    # --- objects

    def upload(self, path: Path, prefix: str) -> Iterator[Path]:
        """Upload a file or a folder under a prefix of the stack's bucket; every file when done.

        Raises: UnsafeNameError, before anything is uploaded; OSError.
        """
        files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
        root = path.parent if path.is_file() else path
        for file, key in [(file, key_of(file, root, prefix)) for file in files]:
            self.s3.upload_file(str(file), self.outputs["BucketName"], key)
            yield file

    def download(self, uri: str, folder: Path, below: str) -> Iterator[Downloaded]:
        """Fetch an object, or all below a URI that ends with `/`; every one when done.

        An object that is absent is left out. An empty object whose key ends with `/` is a folder.

        Args:
            uri: of the object, or of what its objects begin with.
            folder: nothing is written outside of it.
            below: the folder's folder for these objects.
        """
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        if key and not key.endswith("/"):
            one = self._fetched(bucket, key, folder, f"{below}/{key.rpartition('/')[2]}")
            yield from () if one is None else (one,)
            return
        for object_key, size in self._objects(bucket, key):
            if object_key.endswith("/") and not size:
                continue
            one = self._fetched(
                bucket, object_key, folder, f"{below}/{object_key.removeprefix(key)}"
            )
            if one is not None:
                yield one

    def _fetched(self, bucket: str, key: str, folder: Path, name: str) -> Downloaded | None:
        try:
            self.s3.download_file(bucket, key, str(path_inside(folder, name)))
        except UnsafeNameError as error:
            return Downloaded(uri=f"s3://{bucket}/{key}", refusal=str(error))
        except OSError as error:
            return Downloaded(uri=f"s3://{bucket}/{key}", refusal=error.strerror or str(error))
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return None
            raise
        return Downloaded(uri=f"s3://{bucket}/{key}")

    def _objects(self, bucket: str, prefix: str) -> Iterator[tuple[str, int]]:
        """Key and bytes."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            yield from ((entry["Key"], entry["Size"]) for entry in page.get("Contents", []))

    # --- notices

    def subscribe(self) -> str:
        """A queue that is subscribed to the stack's topic; its URL."""
        url = self.sqs.create_queue(QueueName="batchrelay-notices")["QueueUrl"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        self._sns.subscribe(
            TopicArn=self.outputs["TopicArn"],
            Protocol="sqs",
            Endpoint=attributes["Attributes"]["QueueArn"],
        )
        return url

    def next_notice(self, queue_url: str, wait_s: int) -> Mapping[str, Any] | None:
        """The SNS notification that comes next, or None."""
        answer = self.sqs.receive_message(QueueUrl=queue_url, WaitTimeSeconds=wait_s)
        for message in answer.get("Messages", []):
            self.sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
            notice: Mapping[str, Any] = json.loads(message["Body"])
            return notice
        return None
