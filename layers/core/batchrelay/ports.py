"""What the engine needs from the world. Every port has a fake in `adapters.memory`, and one
contract suite (tests/contracts) that every adapter of it passes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from batchrelay.domain.effects import Prepare
from batchrelay.domain.pipeline import Pipeline
from batchrelay.domain.requests import Notice
from batchrelay.domain.run import JobOutcome, Run
from batchrelay.domain.values import Json


class Clock(Protocol):
    """The time, for those who may know it."""

    def now(self) -> datetime:
        """Aware, UTC."""
        ...


class PipelineStore(Protocol):
    """Immutable pipeline versions."""

    def put_pipeline(self, pipeline: Pipeline) -> None:
        """Keep a version. The same version twice is an error of the caller: RunConflict."""
        ...

    def get_pipeline(self, name: str, version: int) -> Pipeline:
        """Raises: PipelineNotFound."""
        ...


class RunStore(Protocol):
    """Runs, each one item with a version. Every write is conditional on it."""

    def create(self, run: Run) -> Run:
        """Store a run of version 0; the returned one has version 1. Raises: RunExists."""
        ...

    def load(self, run_id: str) -> Run:
        """The run as last written, strongly consistent. Raises: RunNotFound."""
        ...

    def save(self, run: Run) -> Run:
        """Replace the stored run if it still has `run.version`; the returned one has the next.

        Raises: RunConflict.
        """
        ...

    def open_runs(self) -> Iterator[str]:
        """The ids of runs that have not ended or still owe something; may lag behind `save`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class JobReport:
    """What AWS Batch says of a job; the counts are of children, and advisory."""

    job_id: str
    outcome: JobOutcome | None
    succeeded: int = 0
    failed: int = 0
    reason: str = ""


class Jobs(Protocol):
    """AWS Batch."""

    def submit(self, request: Mapping[str, Json]) -> str:
        """Submit once, without a hidden retry; the jobId.

        Raises:
            Refused: AWS Batch will never accept this request.
            Throttled: it surely was not accepted.
            Ambiguous: it may have been accepted.
        """
        ...

    def find(self, queue: str, name: str) -> tuple[str, ...]:
        """The ids of the jobs of exactly that name, oldest first. May lag behind `submit`."""
        ...

    def describe(self, job_ids: Sequence[str]) -> tuple[JobReport, ...]:
        """What is known of each; a job that AWS Batch has forgotten is left out."""
        ...

    def terminate(self, job_id: str, reason: str) -> None:
        """Ask for its end; nothing happens to a job that has ended. Raises: Refused."""
        ...


class Notices(Protocol):
    """SNS."""

    def publish(self, notice: Notice) -> None:
        """Raises: Refused."""
        ...


class Preparations(Protocol):
    """The queue of long work, off the hot path."""

    def request(self, prepare: Prepare) -> None:
        """Ask for a preparation; it will be delivered at least once."""
        ...


class ObjectSink(Protocol):
    """An object in the making. It appears whole at the end, or not at all."""

    def write(self, chunk: bytes) -> None:
        """Append."""
        ...


class Objects(Protocol):
    """S3."""

    def read(self, uri: str) -> Iterable[bytes]:
        """The object, chunk by chunk. Raises: InvalidItems if there is no such object."""
        ...

    def write(self, uri: str) -> AbstractContextManager[ObjectSink]:
        """Write an object as a stream, in constant memory; an exception leaves none behind."""
        ...
