"""What the engine needs from the world. Every port has a fake in `adapters.memory`, and one
contract suite (tests/contract) that every adapter of it passes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from batchrelay.domain.consumable_resources import ConsumableResource
from batchrelay.domain.effects import LongWork
from batchrelay.domain.failures import ChildFailure
from batchrelay.domain.job_detail import Capacity, JobDetail, JobReport
from batchrelay.domain.job_queues import JobQueue
from batchrelay.domain.notices import Notice
from batchrelay.domain.pipeline import Pipeline
from batchrelay.domain.run import Run
from batchrelay.domain.run_queue import RunQueue
from batchrelay.domain.run_summary import RunSummary
from batchrelay.domain.state_change import StateChange
from batchrelay.domain.upload_batch import CreatedObject, TimerMessage, UploadBatch
from batchrelay.domain.values import Json


class Clock(Protocol):
    """The time, for those who may know it."""

    def now(self) -> datetime:
        """Aware, UTC."""
        ...


class Backoff(Protocol):
    """How often, and after which waits, a write is tried that a rival was faster than."""

    def tries(self) -> Iterator[int]:
        """0 at once, then each next number after a wait; it ends when no time is left."""
        ...

    def time_left(self) -> float:
        """Seconds until this invocation must have ended."""
        ...


class Deliveries(Protocol):
    """Messages of the stack's queues that a handler has taken and could not be done with yet."""

    def return_soon(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Make them visible again within seconds instead of after the visibility timeout.

        Args:
            records: as Lambda is given them, with `receiptHandle` and `eventSourceARN`.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A pipeline that may be started."""

    name: str
    version: int
    at: datetime
    """When this version was registered."""


class PipelineStore(Protocol):
    """Immutable pipeline versions."""

    def put_pipeline(self, pipeline: Pipeline) -> None:
        """Keep a version. The same version twice is an error of the caller: RunConflict."""
        ...

    def get_pipeline(self, name: str, version: int) -> Pipeline:
        """Raises: PipelineNotFound."""
        ...

    def register(self, pipeline: Pipeline, at: datetime) -> int:
        """The version that has this content: the registered one, or a new one, now registered."""
        ...

    def registered(self) -> Iterator[Registered]:
        """The pipelines that may be started, by name."""
        ...

    def registered_version(self, name: str) -> int:
        """Which version a start means. Raises: PipelineNotFound."""
        ...

    def unregister(self, name: str) -> None:
        """Let it be started no more; runs of it go on. Raises: PipelineNotFound."""
        ...


class RunStore(Protocol):
    """Runs, each one item with a version. Every write is conditional on it."""

    def create(self, run: Run, run_queue: RunQueue | None = None) -> Run:
        """Store a run of version 0, and with it the run queue; the returned one has version 1.

        Raises:
            RunExists: nothing was stored.
            RunConflict: nor here; the stored run queue has changed.
        """
        ...

    def run_queue(self, pipeline: str) -> RunQueue:
        """The run queue of a pipeline, strongly consistent."""
        ...

    def save_run_queue(self, run_queue: RunQueue) -> None:
        """Replace the stored one if it still has `run_queue.version`. Raises: RunConflict."""
        ...

    def load(self, run_id: str) -> Run:
        """The run as last written, strongly consistent. Raises: RunNotFound."""
        ...

    def save(self, run: Run) -> Run:
        """Replace the stored run if it still has `run.version`; the returned one has the next.

        Raises: RunConflict.
        """
        ...

    def runs_of(self, pipeline: str, before: str = "") -> Iterator[RunSummary]:
        """The runs of a pipeline, the newest first; may lag behind `save`.

        With `before`, the place of a run, those that stand behind it.
        """
        ...

    def open_runs(self) -> Iterator[str]:
        """The ids of runs that have not ended or have pending effects; may lag behind `save`."""
        ...


class Jobs(Protocol):
    """AWS Batch."""

    def submit_all(self, requests: Sequence[Mapping[str, Json]]) -> Sequence[str | Exception]:
        """Submit each once, without a hidden retry, several at the same time.

        Returns: in the order of the requests, each one's jobId, or
            Refused: AWS Batch will never accept this request.
            Throttled: it surely was not accepted; nor was it made if no time was left.
            Ambiguous: it may have been accepted.
            Anything else: a fault of ours; it may have been accepted.
        """
        ...

    def find(self, queue: str, name: str) -> tuple[str, ...]:
        """The ids of the jobs of exactly that name, oldest first. May lag behind `submit`.

        Raises:
            Refused: there is no such queue, so there is no such job.
            NotDone: it is not known.
        """
        ...

    def queues(self) -> Sequence[JobQueue]:
        """Every job queue of the account, in this Region. Raises: as `describe`."""
        ...

    def describe(self, job_ids: Sequence[str]) -> tuple[JobReport, ...]:
        """What is known of each; a job that AWS Batch has forgotten is left out.

        Raises:
            NotDone: it was throttled, or the answer was lost.
            Refused: it must not be asked.
        """
        ...

    def failed_children(self, job_id: str) -> Iterator[ChildFailure]:
        """The children of an array that FAILED, by page; a plain job that FAILED is one child.

        Raises:
            JobForgotten: AWS Batch no longer knows the job.
            NotDone: it was throttled, or the answer was lost.
            Refused: it must not be asked.
        """
        ...

    def terminate(self, job_ids: Sequence[str], reason: str) -> tuple[str, ...]:
        """Terminate them; returns those whose end is accepted, or that do not exist.

        Nothing happens to a job that has ended.
        """
        ...


class JobDetails(Protocol):
    """AWS Batch, where all of its children are looked at."""

    def details(self, job_ids: Sequence[str]) -> Iterator[JobDetail]:
        """Of each in order, unless it is forgotten. Raises: NotDone, Refused."""
        ...

    def capacities(self, queues: Sequence[str]) -> Mapping[str, Capacity]:
        """Of the job queues of these names that there are. Raises: as `details`."""
        ...


class Logs(Protocol):
    """What jobs print: CloudWatch Logs."""

    def tail(self, job_id: str, lines: int) -> tuple[str, ...]:
        """The last lines of a job's, or of a child's (`ARRAY:INDEX`), last attempt; none if it has
        printed nothing, or its log is no longer there.

        Raises: NotDone, Refused: as `Jobs.describe`.
        """
        ...


class Notices(Protocol):
    """SNS."""

    def publish(self, notice: Notice) -> None:
        """Raises: Refused."""
        ...


class EventBus(Protocol):
    """EventBridge, the account's default event bus."""

    def publish(self, change: StateChange) -> None:
        """Raises: Refused; NotDone if it may not have been accepted."""
        ...


class Preparations(Protocol):
    """The queue of long work, off the hot path."""

    def request(self, effect: LongWork, resume: str = "") -> None:
        """Ask for a preparation, a report, or to go on with a run; delivered at least once.

        With `resume`, the S3 URI of a suspended one, ask for its continuation.
        """
        ...


class Queues(Protocol):
    """SQS queues from which workers pull; each with a queue for the items that kill them."""

    def create(self, name: str) -> str:
        """The URL of a queue; the same name twice is the same queue."""
        ...

    def send(self, url: str, bodies: Sequence[str]) -> None:
        """Send messages, in any number. Raises: NotDone if one was not accepted."""
        ...

    def delete(self, prefix: str) -> None:
        """Delete every queue whose name begins so. Raises: NotDone."""
        ...


class ConsumableResources(Protocol):
    """What jobs of AWS Batch may wait for beside vCPUs and memory. Every call raises NotDone."""

    def ensure(self, resource: ConsumableResource) -> None:
        """Create it, unless it is there; its units come back as jobs end. Raises: Refused."""
        ...

    def names(self, prefix: str) -> tuple[str, ...]:
        """Of every resource whose name begins so."""
        ...

    def delete(self, name: str) -> None:
        """Delete a resource; it is right if it is gone by now."""
        ...


class Upload(Protocol):
    """An object in the making. It appears whole when it is complete, or not at all."""

    def write(self, chunk: bytes) -> None:
        """Append."""
        ...

    def complete(self) -> None:
        """Let it appear."""
        ...

    def abort(self) -> None:
        """Leave nothing behind."""
        ...

    def suspend(self) -> Mapping[str, Any]:
        """What `Objects.upload` needs to go on later, elsewhere: a JSON document."""
        ...


class Objects(Protocol):
    """S3."""

    def read(self, uri: str) -> Iterable[bytes]:
        """The object, chunk by chunk. Raises: InvalidItems if there is no such object."""
        ...

    def list(self, prefix: str, after: str) -> Iterator[tuple[str, int]]:
        """Key and size (bytes) of every object below a URI prefix, by key, behind a key.

        Raises: InvalidItems if there is no such bucket, or it must not be listed.
        """
        ...

    def upload(self, uri: str, state: Mapping[str, Any] | None = None) -> Upload:
        """Write an object as a stream, in constant memory; with `state`, go on with one."""
        ...


class Presigner(Protocol):
    """S3's URLs for those without credentials."""

    def presigned(self, uri: str, seconds: int) -> str:
        """A URL that gets the object, for so long at most; no call of AWS.

        Raises: InvalidItems if it is not the URI of an object; Refused.
        """
        ...


class ManyObjects(Objects, Protocol):
    """S3, where many small pieces are looked at."""

    def read_all(self, uris: Sequence[str]) -> Iterator[bytes | None]:
        """Small objects, several at the same time, in the order of the URIs.

        None stands for one that is not there, or must not be read.
        """
        ...

    def put(self, uri: str, body: bytes, content_type: str) -> None:
        """Write a small object, which a browser shows. Raises: InvalidItems, Refused, NotDone."""
        ...

    def read_range(self, uri: str, first: int, last: int) -> bytes:
        """The bytes of an object, first to last included. Raises: InvalidItems, as `read`."""
        ...


class UploadBatchStore(Protocol):
    """Upload batches, by the name of their trigger."""

    def batch(self, name: str) -> UploadBatch:
        """The open batch, strongly consistent."""
        ...

    def collect(
        self,
        name: str,
        batch: UploadBatch,
        uploads: Sequence[CreatedObject],
        now: datetime,
        timer_at: datetime,
    ) -> None:
        """Record uploads that are new, and when the batch's timer is due.

        Raises: RunConflict: it is closed, or has another timer; nothing was recorded.
        """
        ...

    def extend(self, name: str, batch: UploadBatch, timer_at: datetime) -> None:
        """The batch's timer is due later. Raises: RunConflict: as above."""
        ...

    def close(self, name: str, batch: UploadBatch) -> None:
        """Close the batch. Raises: RunConflict: as above, or uploads came meanwhile."""
        ...

    def uploads(self, name: str, number: int) -> Iterator[CreatedObject]:
        """What was collected, strongly consistent."""
        ...


class Timers(Protocol):
    """Messages to ourselves."""

    def send(self, timer: TimerMessage, delay_s: float) -> None:
        """Come back to it later, at least once. Raises: NotDone."""
        ...
