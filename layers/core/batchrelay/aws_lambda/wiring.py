"""The only place that wires adapters to the engine."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from batchrelay.adapters.backoff import JitteredBackoff
from batchrelay.adapters.batch import BatchJobs
from batchrelay.adapters.batch_resources import BatchConsumableResources
from batchrelay.adapters.cloudwatch_logs import CloudWatchLogs
from batchrelay.adapters.dynamodb import DynamoStore
from batchrelay.adapters.dynamodb_batches import DynamoUploadBatches
from batchrelay.adapters.event_bus import EventBridgeBus
from batchrelay.adapters.s3 import S3Objects
from batchrelay.adapters.sns import SnsNotices
from batchrelay.adapters.sqs import SqsDeliveries, SqsPreparations, SqsQueues
from batchrelay.adapters.sqs_timers import SqsTimers
from batchrelay.api.failures import FailureReader
from batchrelay.api.progress import Looks
from batchrelay.api.service import Api
from batchrelay.api.views import Document, run_document
from batchrelay.aws_lambda.settings import Settings
from batchrelay.domain.job_queues import JobQueue
from batchrelay.engine.budgets import resume
from batchrelay.engine.engine import Engine
from batchrelay.ports import Deliveries
from batchrelay.preparation.prepare import Preparation
from batchrelay.triggers.batching import UploadBatches
from batchrelay.triggers.dispatch import TriggerDispatch
from batchrelay.triggers.messages import timer_body

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


_backoff = JitteredBackoff()
"""Of this process: a Lambda environment has one invocation at a time."""


def begin_invocation(context: LambdaContext) -> None:
    """Conflicts are tried again no longer than this invocation may take."""
    _backoff.begin(context.get_remaining_time_in_millis() / 1000)


class SystemClock:
    """The machine's time, in the milliseconds that a run is stored with."""

    def now(self) -> datetime:
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)


def new_run_id() -> str:
    """Sorts by time; lower case and digits only, because it becomes part of a jobName."""
    return datetime.now(UTC).strftime("%Y%m%dt%H%M%S") + secrets.token_hex(3)


def engine(settings: Settings) -> Engine:
    """An engine on AWS. Clients are made when they are first used."""
    clock = SystemClock()
    queues = SqsQueues()
    jobs = BatchJobs(time_left=_backoff.time_left)
    store = DynamoStore(table=settings.table, run_ttl_days=settings.run_ttl_days)
    return Engine(
        runs=store,
        pipelines=store,
        jobs=jobs,
        notices=SnsNotices(),
        event_bus=EventBridgeBus(),
        presigner=S3Objects(),
        preparations=SqsPreparations(queue_url=settings.prepare_queue_url),
        queues=queues,
        consumable_resources=BatchConsumableResources(),
        preparation=Preparation(
            objects=S3Objects(), queues=queues, jobs=jobs, logs=CloudWatchLogs(), clock=clock
        ),
        clock=clock,
        backoff=_backoff,
        environment=settings.environment,
        open_days_max=settings.open_days_max,
    )


def trigger_dispatch(settings: Settings, runs: Engine) -> TriggerDispatch:
    """What receives triggers, and starts runs with an engine."""
    batches = UploadBatches(
        store=DynamoUploadBatches(table=settings.table),
        timers=SqsTimers(queue_url=settings.trigger_queue_url, body_of=timer_body),
        objects=S3Objects(),
        runs=runs.runs,
        pipelines=runs.pipelines,
        clock=runs.clock,
        backoff=_backoff,
        bucket=settings.environment["bucket"],
        start=runs.start,
    )
    return TriggerDispatch(upload_batches=batches, start=runs.start)


def store(table: str, make_client: Callable[..., Any]) -> DynamoStore:
    """The runs and pipelines of a stack, for the command line."""
    return DynamoStore(table=table, run_ttl_days=0, make_client=make_client)


def run_reader(table: str, make_client: Callable[..., Any]) -> Callable[[str], Document]:
    """The API's document of a run, with what AWS Batch says at each look; for `batchrelay run`."""
    runs = store(table, make_client)
    looks = Looks(jobs=BatchJobs.looked_at(make_client), clock=SystemClock(), look_s=0)
    return lambda run_id: run_document(looks.observed(runs.load(run_id)))


def job_queues(make_client: Callable[..., Any]) -> Sequence[JobQueue]:
    """Those of an account, for the command line."""
    return BatchJobs(make_client=make_client).queues()


def upload_batches(table: str, make_client: Callable[..., Any]) -> DynamoUploadBatches:
    """The upload batches of a stack, for the command line."""
    return DynamoUploadBatches(table=table, make_client=make_client)


def timers(queue_url: str, make_client: Callable[..., Any]) -> SqsTimers:
    """The timers of a stack, for the command line."""
    return SqsTimers(queue_url=queue_url, body_of=timer_body, make_client=make_client)


def objects(make_client: Callable[..., Any]) -> S3Objects:
    """The objects of an account, for the command line."""
    return S3Objects(make_client=make_client)


@cache
def lambda_deliveries() -> Deliveries:
    """The messages that this Lambda environment has taken."""
    return SqsDeliveries()


@cache
def lambda_api() -> Api:
    """The API of this Lambda environment, with what it has asked of AWS Batch lately."""
    jobs = BatchJobs.looked_at()
    engine = lambda_engine()
    return Api(
        run_store=engine.runs,
        pipeline_store=engine.pipelines,
        start_run=engine.start,
        cancel_run=engine.cancel,
        redrive_run=engine.redrive,
        check_redrive=engine.check_redrive,
        resume_run=partial(resume, engine),
        looks=Looks(jobs=jobs, clock=SystemClock()),
        failure_reader=FailureReader(objects=S3Objects(), jobs=jobs, logs=CloudWatchLogs()),
        new_run_id=new_run_id,
    )


@cache
def lambda_trigger_dispatch() -> TriggerDispatch:
    """What receives triggers in this Lambda environment."""
    return trigger_dispatch(Settings.read(), lambda_engine())


@cache
def lambda_engine() -> Engine:
    """The engine of this Lambda environment, made at its first invocation."""
    return engine(Settings.read())
