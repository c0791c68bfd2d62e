"""An AWS Batch with its port, in this process: `with BatchLocal() as batch:`."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import botocore.session

from batch_local import __version__
from batch_local.application import HINTS, SERVICES, App, refusal
from batch_local.arns import REGION
from batch_local.assumptions import DOCUMENTED, Assumptions
from batch_local.engines.engine import Engine
from batch_local.engines.sockets import socket_of
from batch_local.environments import job_environment, without_account
from batch_local.events import BusEvent, envelope
from batch_local.faults import Faults
from batch_local.http.access import AccessControl
from batch_local.http.server import HttpServer
from batch_local.images import PULLED, Images
from batch_local.keys import Keys
from batch_local.receivers.delivery import Delivery
from batch_local.receivers.receiver import Event, Function
from batch_local.receivers.targets import receiver_of
from batch_local.service import BatchService
from batch_local.state import State

_NAP_S = 0.01
"""Seconds between two looks at a job that is waited for."""

_NOT_RUNNING = "this AWS Batch does not run: write `with BatchLocal() as batch:`"


class BatchLocal:
    """AWS Batch on a port of the loopback interface, and its jobs as processes of this machine.

    Nothing of this process's environment is changed: clients are made by `client`, or with the
    variables of `environment`. If this process is killed, jobs that run are left behind.

    Args:
        port: 0 for a free one.
        job_environment: variables of every job beside its own, such as AWS_ENDPOINT_URL_S3.
        images: commands that stand in for the entry points of images, by patterns of images with
            or without tag, such as {"*/samtools": "python3 /tests/samtools.py"}. A container's
            command is appended.
        events_to: where events go, in order: `stdout`, the URL of a webhook, `eventbridge:URL`, or
            a function that is given each event as EventBridge hands it on. None delays a job.
        event_source: the source of the events, for an EventBridge that refuses `aws.batch`.
        faults: what goes wrong, by chance: Faults(seed=7, host_lost=0.2), or the same as text,
            "seed=7,host_lost=0.2".
        assume: what AWS leaves open, otherwise than by default, such as "quota=each".
        state: a folder that keeps what happened: what was created, jobs and their logs are there
            again the next time. A job that was under way has lost its host then.
        engine: `docker`, `podman` or `unix:///PATH/OF/ITS.sock`: what runs containers of the images
            of job definitions. Without one a container is a process of this machine.

    Raises:
        ValueError: a command without a word or with an open quote, a receiver of no known form, or
            a fault or an assumption of no known name.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        job_environment: Mapping[str, str] | None = None,
        images: Mapping[str, str | Sequence[str]] | None = None,
        events_to: Sequence[str | Callable[[Event], object]] = (),
        event_source: str = "aws.batch",
        faults: Faults | str = "",
        assume: str = "",
        state: str | Path | None = None,
        engine: str | None = None,
    ) -> None:
        self._port = port
        if engine is not None and images:
            raise ValueError(f"{engine} has the images themselves: leave out one of the two")
        self._images = Images.of(images or {}, str(Path.cwd())) if engine is None else PULLED
        self._engine = None if engine is None else Engine(socket_of(engine, os.environ))
        self._job_variables = dict(job_environment or {})
        self._receivers = [
            receiver_of(to) if isinstance(to, str) else Function(to) for to in events_to
        ]
        self._event_source = event_source
        self._faults = _faults(faults)
        self._assumptions = Assumptions.parse(assume) if assume else DOCUMENTED
        self._state_folder = None if state is None else Path(state).absolute()
        self._deliveries: list[Delivery] = []
        self._keys = Keys.new()
        self._ends = ExitStack()
        self._endpoint: str | None = None
        self._batch: BatchService | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Requests are answered when this returns; `stop` ends it.

        Raises:
            OSError: the port is taken, or there cannot be such a folder of state.
            StateError: the folder of state is in use, damaged or of another version.
            EngineError: the engine does not answer.
            RuntimeError: it runs already, or its server did not start.
        """
        if self._endpoint is not None:
            raise RuntimeError(f"this AWS Batch runs already, at {self._endpoint}: stop it before")
        if self._engine is not None:
            self._engine.check()
        with ExitStack() as ends:
            folder = Path(ends.enter_context(_folder()))
            ends.callback(setattr, self, "_endpoint", None)
            server = HttpServer(self._port)
            ends.callback(server.stop)
            self._endpoint = f"http://127.0.0.1:{server.port}"
            self._deliveries = [Delivery(receiver) for receiver in self._receivers]
            for delivery in self._deliveries:
                ends.callback(delivery.stop)
            state = self._opened_state()
            if state is not None:
                ends.callback(state.close)
            batch = self._batch = BatchService(
                folder=folder,
                environment=self._environment_of_jobs(),
                publish=self._publish,
                is_wanted=lambda _job: bool(self._deliveries),
                images=self._images,
                faults=self._faults,
                assumptions=self._assumptions,
                state=state,
                engine=self._engine,
            )
            ends.callback(batch.stop, immediately=False)
            control = AccessControl(self._keys.secret_of, refusal=refusal, hints=HINTS)
            server.start(lambda: control.wrap(App(batch)))
            self._ends = ends.pop_all()

    def stop(self) -> None:
        """End every process, close the port, remove every file. What became of the jobs stays."""
        self._ends.close()

    @property
    def endpoint(self) -> str:
        """Its URL, for `endpoint_url`. Raises: RuntimeError, if it does not run."""
        if self._endpoint is None:
            raise RuntimeError(_NOT_RUNNING)
        return self._endpoint

    @property
    def environment(self) -> dict[str, str]:
        """The variables that make any SDK and the aws CLI talk to it."""
        endpoints = {f"AWS_ENDPOINT_URL_{name.upper()}": self.endpoint for name in SERVICES}
        return endpoints | {
            "AWS_ACCESS_KEY_ID": self._keys.access_key,
            "AWS_SECRET_ACCESS_KEY": self._keys.secret,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
        }

    def client(self, service: str = "batch") -> Any:
        """A botocore client, which is what boto3's are: `batch`, `logs` or `sts`."""
        session: Any = _session()
        return session.create_client(
            service,
            region_name=REGION,
            endpoint_url=self.endpoint,
            aws_access_key_id=self._keys.access_key,
            aws_secret_access_key=self._keys.secret,
        )

    def make_queue(self, name: str, *, vcpus: int | None = None) -> str:
        """A job queue on a compute environment of its own; its name.

        Args:
            vcpus: those of this machine, by default.

        Raises:
            ValueError: AWS Batch refuses it.
        """
        resources = {"type": "EC2", "maxvCpus": vcpus or os.cpu_count() or 1, "subnets": []}
        order = [{"order": 1, "computeEnvironment": name}]
        self._call(
            "createcomputeenvironment",
            {"computeEnvironmentName": name, "type": "MANAGED", "computeResources": resources},
        )
        self._call(
            "createjobqueue",
            {"jobQueueName": name, "priority": 1, "computeEnvironmentOrder": order},
        )
        return name

    @property
    def jobs(self) -> list[dict[str, Any]]:
        """Simple jobs and parents as DescribeJobs says them, in the order of their submission."""
        return self._service.jobs()

    def timeline(self) -> dict[str, Any]:
        """What happened: every job, child and attempt with its times, its end and its processes.

        It is the document of `batch-local up --timeline`; also after `stop`.
        """
        return self._service.timeline()

    @property
    def faults(self) -> Faults:
        """What goes wrong, by chance. Fields that are changed while it runs count at once."""
        return self._faults

    def wait(self, job_id: str, *, timeout_s: float = 60) -> dict[str, Any]:
        """A job as DescribeJobs says it, once it has ended.

        Raises:
            LookupError: there is no such job.
            TimeoutError: it goes on.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            job = self._service.job(job_id)
            if job is None:
                raise LookupError(f"there is no job {job_id}")
            if job["status"] in ("SUCCEEDED", "FAILED"):
                return job
            if time.monotonic() > deadline:
                raise TimeoutError(f"job {job_id} is {job['status']} after {timeout_s} seconds")
            time.sleep(_NAP_S)

    def log(self, job_id: str) -> list[str]:
        """What the last attempt of a job or of a child printed, line by line; of several
        containers, the one that began first.

        Raises:
            LookupError: there is no such job, or it has not begun.
            RuntimeError: its file is gone, for this AWS Batch has stopped.
        """
        if self._endpoint is None:
            raise RuntimeError(_NOT_RUNNING)
        return self._service.log(job_id)

    @property
    def _service(self) -> BatchService:
        if self._batch is None:
            raise RuntimeError(_NOT_RUNNING)
        return self._batch

    def _call(self, path: str, request: Mapping[str, Any]) -> None:
        body = json.dumps(request).encode()
        status, answer = self._service.handle("POST", f"/v1/{path}", body, {})
        if status != 200:
            raise ValueError(answer["message"])

    def _opened_state(self) -> State | None:
        """Raises: StateError, OSError."""
        if self._state_folder is None:
            return None
        return State(self._state_folder, __version__, self._assumptions)

    def _environment_of_jobs(self) -> dict[str, str]:
        of_machine = job_environment(os.environ) if self._engine is None else {}
        own = without_account(of_machine | self.environment)
        return own | self._job_variables

    def _publish(self, events: list[BusEvent]) -> None:
        now = datetime.now(UTC)
        envelopes = [envelope(event, now, self._event_source) for event in events]
        for delivery in self._deliveries:
            delivery.put(envelopes)


def _folder() -> tempfile.TemporaryDirectory[str]:
    """Of this user's, for logs and jobs; a job may leave there what cannot be removed."""
    return tempfile.TemporaryDirectory(prefix="batch-local-", ignore_cleanup_errors=True)


@cache
def _session() -> botocore.session.Session:
    """It has read the models of the services: most of what a client costs."""
    return botocore.session.get_session()


def _faults(faults: Faults | str) -> Faults:
    if isinstance(faults, Faults):
        return faults
    return Faults.parse(faults) if faults else Faults()
