"""AWS Batches to test: a pure scheduler on a virtual clock, and one with real processes."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from batch_local.assumptions import DOCUMENTED, Assumptions
from batch_local.events import BusEvent
from batch_local.faults import Faults
from batch_local.images import NO_IMAGES, Images
from batch_local.model import (
    ComputeEnvironment,
    ContainerSpec,
    Job,
    JobDefinition,
    JobQueue,
    JobSpec,
    RetryStrategy,
)
from batch_local.scheduling.scheduler import Scheduler
from batch_local.service import BatchService


class Clockwork:
    """A scheduler, its queue, and every status that it observed."""

    def __init__(self, slots: float = 2, **assumptions: Any) -> None:
        numbers = count(1)
        self.observed: list[tuple[str, str]] = []
        self.blocked: list[str] = []
        self.scheduler = Scheduler(
            new_id=lambda: f"id-{next(numbers)}",
            observe=lambda job: self.observed.append((job.id, str(job.status))),
            observe_blocked=lambda job: self.blocked.append(job.id),
            assumptions=Assumptions(**assumptions),
        )
        self.environment = ComputeEnvironment(name="here", arn="arn:ce", max_vcpus=slots)
        self.queue = self.add_queue("q")
        self.now = 1_000

    def add_queue(self, name: str, priority: int = 1) -> JobQueue:
        return JobQueue(
            name=name, arn=f"arn:{name}", environment=self.environment, priority=priority
        )

    def submit(
        self,
        *after: Job,
        depends_on: tuple[dict[str, str], ...] = (),
        queue: JobQueue | None = None,
        vcpus: str = "1",
        **spec: Any,
    ) -> Job:
        definition = JobDefinition(name="d", revision=1, arn="arn:d", properties={}, directory=None)
        return self.scheduler.submit(
            JobSpec(
                name="j",
                queue=queue or self.queue,
                definition=definition,
                containers=(ContainerSpec(command=("true",)),),
                requirements={"VCPU": vcpus},
                depends_on=(*({"jobId": job.id} for job in after), *depends_on),
                **{"retry": RetryStrategy(), **spec},
            ),
            self.now,
        )

    def launched(self) -> list[str]:
        """The jobs whose processes are asked for; they start at once."""
        launches, self.scheduler.launches = self.scheduler.launches, []
        for launch in launches:
            self.scheduler.started(launch.job, launch.attempt, "stream", self.now)
        return [launch.job.id for launch in launches]

    def exit(self, job: Job, code: int = 0) -> None:
        self.now += 1
        self.scheduler.exited(job, job.attempts[-1], code, self.now)

    def statuses(self, job: Job) -> list[str]:
        return [status for job_id, status in self.observed if job_id == job.id]


@contextmanager
def machine(
    faults: Faults | None = None, *, images: Images = NO_IMAGES, **assumptions: Any
) -> Iterator[tuple[BatchService, list[BusEvent]]]:
    """An AWS Batch with these faults, a queue and a definition; and what it published."""
    published: list[BusEvent] = []
    with tempfile.TemporaryDirectory() as folder:
        service = BatchService(
            folder=Path(folder),
            environment={"PATH": "/usr/bin:/bin"},
            publish=published.extend,
            faults=faults,
            assumptions=Assumptions(**assumptions) if assumptions else DOCUMENTED,
            images=images,
        )
        try:
            create(service)
            yield service, published
        finally:
            service.stop(immediately=True)


def create(service: BatchService) -> None:
    """A queue and a definition."""
    resources = {"type": "EC2", "maxvCpus": 2, "subnets": []}
    call(service, "createcomputeenvironment", computeEnvironmentName="e",
         type="MANAGED", computeResources=resources)  # fmt: skip
    call(service, "createjobqueue", jobQueueName="q", priority=1,
         computeEnvironmentOrder=[{"order": 1, "computeEnvironment": "e"}])  # fmt: skip
    call(service, "registerjobdefinition", jobDefinitionName="d", type="container",
         containerProperties={"image": "", "command": ["true"],
                              "vcpus": 1, "memory": 64})  # fmt: skip


def call(service: BatchService, path: str, **request: Any) -> dict[str, Any]:
    status, answer = service.handle("POST", f"/v1/{path}", json.dumps(request).encode(), {})
    assert status == 200, answer
    return answer


def refusal(service: BatchService, path: str, **request: Any) -> str:
    """AWS's sentence, without what stands around it."""
    status, answer = service.handle("POST", f"/v1/{path}", json.dumps(request).encode(), {})
    assert (status, answer.get("__type")) == (400, "ClientException"), answer
    sentence = answer["message"].removeprefix("Error executing request, Exception : ")
    return str(sentence.rpartition(", RequestId: ")[0])


def submit(service: BatchService, **request: Any) -> tuple[int, dict[str, Any]]:
    body = {"jobName": "j", "jobQueue": "q", "jobDefinition": "d", **request}
    return service.handle("POST", "/v1/submitjob", json.dumps(body).encode(), {})


def ended(service: BatchService, job_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + 10
    while True:
        [job] = call(service, "describejobs", jobs=[job_id])["jobs"]
        if job["status"] in ("SUCCEEDED", "FAILED"):
            found: dict[str, Any] = job
            return found
        assert time.monotonic() < deadline
        time.sleep(0.01)


def listed(service: BatchService) -> list[Any]:
    filters = [{"name": "JOB_NAME", "values": ["j"]}]
    found: list[Any] = call(service, "listjobs", jobQueue="q", filters=filters)["jobSummaryList"]
    return found


@contextmanager
def roomy_machine(vcpus: int = 8) -> Iterator[BatchService]:
    """One with more vCPUs than two: containers and nodes run beside each other."""
    with machine() as (running, _):
        call(running, "updatecomputeenvironment", computeEnvironment="e",
             computeResources={"maxvCpus": vcpus})  # fmt: skip
        yield running


def run(service: BatchService, definition: dict[str, Any], **request: Any) -> dict[str, Any]:
    """A job of this definition, called `t`, once it has ended."""
    call(service, "registerjobdefinition", **definition)
    _, answer = submit(service, jobDefinition="t", **request)
    return ended(service, answer["jobId"])
