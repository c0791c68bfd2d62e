"""What a probe does: submit jobs, wait for them, look at their events. It has no clock of its own.

Names of jobs, and all that is in a request, follow from the place and the answers before, so that
the same probe makes the same requests when it reads a transcript.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from batchrelay.domain.errors import BatchrelayError
from batchrelay_cli.doctor.place import TAG, Place
from batchrelay_cli.doctor.port import CallFailed, Document, Port, ReceivedEvent

_T = TypeVar("_T")

UNKNOWN_JOB = "ffffffff-ffff-4fff-8fff-ffffffffffff"
"""An id that no job has."""

ENDED = ("SUCCEEDED", "FAILED")
ATTEMPTS_OF_A_VCPU = 4
"""A job of a whole vCPU counts for so many of a quarter of one."""


class Unfinished(BatchrelayError):
    """What a probe waited for did not come."""


@dataclass(kw_only=True)
class World:
    """AWS as one probe sees it."""

    port: Port
    place: Place
    probe: str
    attempts_max: int
    """What the probe may take, by which the price was counted."""
    at_ms: int = 0
    """When the last call was answered."""
    _attempts: int = field(default=0, repr=False)
    _jobs: int = field(default=0, repr=False)

    def call(self, service: str, operation: str, /, **request: Any) -> Document:
        """Raises: CallFailed."""
        answer = self.port.call(self.probe, service, operation, request)
        self.at_ms = answer.at_ms
        return answer.document

    # --- jobs

    def submit(self, *command: str, queue: str = "", size: int | None = None, **more: Any) -> str:
        """The id of a new job. A label in `more` is a part of its name; fields are SubmitJob's.

        Raises:
            CallFailed: it was refused.
        """
        self._jobs += 1
        label: str = more.pop("label", str(self._jobs))
        overrides: dict[str, Any] = more.pop("containerOverrides", {})
        attempts: int = more.get("retryStrategy", {}).get("attempts", 1)
        weight = ATTEMPTS_OF_A_VCPU if "resourceRequirements" in overrides else 1
        self._attempts += (size or 1) * attempts * weight
        if self._attempts > self.attempts_max:
            raise AssertionError(f"{self.probe} takes more attempts than it says")
        array = {} if size is None else {"arrayProperties": {"size": size}}
        answer = self.call(
            "batch",
            "SubmitJob",
            jobName=f"{self.place.name}-{self.probe}-{label}",
            jobQueue=queue or self.place.queue,
            jobDefinition=self.place.definition,
            containerOverrides={"command": list(command or ("true",)), **overrides},
            **array,
            **more,
        )
        return str(answer["jobId"])

    def refusal(self, *command: str, **fields: Any) -> CallFailed | None:
        """Why SubmitJob refuses a request; None if it does not."""
        try:
            self.submit(*command, **fields)
        except CallFailed as error:
            if error.code != "ClientException":
                raise
            return error
        return None

    def describe(self, *job_ids: str) -> dict[str, Document]:
        """JobDetails by id, of those that AWS Batch knows."""
        jobs = self.call("batch", "DescribeJobs", jobs=list(job_ids))["jobs"]
        return {job["jobId"]: job for job in jobs}

    def ended(self, *job_ids: str) -> list[Document]:
        """The details of jobs, once all have ended. Raises: Unfinished."""

        def look() -> list[Document] | None:
            jobs = self.describe(*job_ids)
            have_ended = [jobs[i] for i in job_ids if i in jobs and jobs[i]["status"] in ENDED]
            return have_ended if len(have_ended) == len(job_ids) else None

        return self.until(look, "the end of jobs")

    def in_status(self, job_id: str, *statuses: str) -> Document:
        """A job's detail, once it is in one of these. Raises: Unfinished."""

        wanted = f"a job that is {' or '.join(statuses)}"

        def look() -> Document | None:
            job = self.describe(job_id).get(job_id)
            if job is None or job["status"] in statuses:
                return job
            if job["status"] in ENDED:
                why = job.get("statusReason", "without a reason")
                raise Unfinished(f"{wanted}: it {job['status']}, {why}")
            return None

        return self.until(look, wanted)

    def children(self, parent_id: str, *statuses: str) -> list[Document]:
        """Summaries of an array's children that are in these statuses."""
        return [
            child
            for status in statuses
            for child in self.call(
                "batch", "ListJobs", arrayJobId=parent_id, jobStatus=status
            )["jobSummaryList"]
        ]  # fmt: skip

    def terminate(self, *job_ids: str) -> None:
        """Ask for the end of jobs."""
        for job_id in job_ids:
            self.call("batch", "TerminateJob", jobId=job_id, reason=REASON)

    # --- time

    def until(self, look: Callable[[], _T | None], what: str) -> _T:
        """What a look gives, once it gives anything. Raises: Unfinished."""
        began_ms = self.at_ms
        seen = look()
        while seen is None:
            if self.at_ms - began_ms > self.place.patience_s * 1000:
                raise Unfinished(f"{what}: not within {self.place.patience_s} s")
            self.port.wait(self.place.poll_s)
            seen = look()
        return seen

    # --- events

    def events(self, about: str) -> Sequence[ReceivedEvent]:
        """Events about a job or bucket, after a moment for those that may come yet."""
        self.port.wait(self.place.grace_s)
        return self._look(about)

    def events_to_the_end(self, job_id: str) -> Sequence[ReceivedEvent]:
        """Those of a job or of a parent and its children, to its last. Raises: Unfinished."""

        def look() -> bool | None:
            return any(has_ended(event.detail, job_id) for event in self._look(job_id)) or None

        self.until(look, "the event of a job's end")
        return self.events(job_id)

    def first_event(self, about: str) -> ReceivedEvent:
        """Raises: Unfinished."""
        return self.until(lambda: next(iter(self._look(about)), None), "an event")

    def _look(self, about: str) -> Sequence[ReceivedEvent]:
        look = self.port.look(self.probe, about)
        self.at_ms = look.at_ms
        return look.events

    @property
    def tags(self) -> dict[str, str]:
        return {TAG: self.place.name}


REASON = "batchrelay doctor has seen it"
"""Why a probe terminates a job."""


def has_ended(detail: Document, job_id: str) -> bool:
    """Whether this is the end of a job itself, and not of a child of it."""
    return detail.get("jobId") == job_id and detail.get("status") in ENDED


def sh(script: str) -> tuple[str, ...]:
    """A command."""
    return ("sh", "-c", script)


def quarter_to_whole() -> dict[str, Any]:
    """containerOverrides of a job that takes a whole vCPU."""
    sizes = {"VCPU": "1", "MEMORY": "2048"}
    return {"resourceRequirements": [{"type": t, "value": v} for t, v in sizes.items()]}
