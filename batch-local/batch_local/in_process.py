"""An AWS Batch with its port, in this process: `with BatchLocal() as batch:`."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from batch_local.application import HINTS, SERVICES, App, refusal
from batch_local.arns import REGION
from batch_local.environments import job_environment, without_account
from batch_local.events import BusEvent
from batch_local.http.access import AccessControl
from batch_local.http.server import HttpServer
from batch_local.keys import Keys
from batch_local.service import BatchService


class BatchLocal:
    """AWS Batch on a port of the loopback interface, and its jobs as processes of this machine.

    Nothing of this process's environment is changed: clients are made by `client`, or with the
    variables of `environment`.

    Args:
        port: 0 for a free one.
        job_environment: variables of every job beside its own, such as AWS_ENDPOINT_URL_S3.
    """

    def __init__(self, *, port: int = 0, job_environment: Mapping[str, str] | None = None) -> None:
        self._port = port
        self._job_variables = dict(job_environment or {})
        self._keys = Keys.new()
        self._ends = ExitStack()
        self._endpoint: str | None = None

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
        """Requests are answered when this returns; `stop` ends it. Raises: OSError, if the port is
        taken."""
        with ExitStack() as ends:
            folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="batch-local-")))
            server = HttpServer(self._port)
            ends.callback(server.stop)
            self._endpoint = f"http://127.0.0.1:{server.port}"
            batch = BatchService(
                folder=folder, environment=self._environment_of_jobs(), publish=self._publish
            )
            ends.callback(batch.stop, immediately=False)
            control = AccessControl(self._keys.secret_of, refusal=refusal, hints=HINTS)
            server.start(lambda: control.wrap(App(batch)))
            self._ends = ends.pop_all()

    def stop(self) -> None:
        """End every process, close the port, remove every file."""
        self._endpoint = None
        self._ends.close()

    @property
    def endpoint(self) -> str:
        """Its URL, for `endpoint_url`. Raises: RuntimeError, if it does not run."""
        if self._endpoint is None:
            raise RuntimeError("this AWS Batch does not run: write `with BatchLocal() as batch:`")
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

    def _environment_of_jobs(self) -> dict[str, str]:
        own = without_account(job_environment(os.environ) | self.environment)
        return own | self._job_variables

    def _publish(self, events: list[BusEvent]) -> None:
        """There is no bus."""
