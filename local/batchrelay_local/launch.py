"""Starts and stops the cloud's process. Standard library only: the command line imports it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypedDict, Unpack

from batch_local import REGION, environments
from batchrelay_local.credentials import client_environment

STOP_S_MAX = 8.0
"""Seconds until a cloud that is stopping is killed: its processes have 3 of them."""

KILL_S_MAX = 2.0
"""Seconds until a cloud that is to end at once is killed."""

WATCH_S = 0.2
"""Seconds between two looks whether a cloud is still there."""

CALLS_PATH = "/_batchrelay/calls"
"""Where a cloud answers which AWS calls were made, and by which caller."""

_INTERPRETER = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH")
"""What Python itself may need to start as the user's does."""
WORKER = "batchrelay-worker"

EXTRA_MODULES = ("aws_lambda_powertools", "ministack", "samtranslator")
"""What the extra `local` installs: the cloud's process and the handlers import it."""

INSTALL_COMMAND = "pip install 'batchrelay[local]'"


class CloudError(Exception):
    """The cloud did not come up."""


class CloudOptions(TypedDict, total=False):
    """What a caller may choose: the fields of `CloudOrder` that have a default."""

    port: int
    chaos: str
    assume: str
    stack: bool
    built_stack: str
    services: Sequence[str]
    allowed_origins: Sequence[str]
    open: bool


@dataclass(frozen=True, kw_only=True)
class CloudOrder:
    """The order to the cloud's process."""

    folder: str
    """Its own; it removes it at the end."""
    directory: str
    """Where the cloud's own process is."""
    job_environment: dict[str, str]
    port: int = 0
    """0 for a free one."""
    chaos: str = ""
    """Faults on request, such as `seed=7`; none by default."""
    assume: str = ""
    """What AWS leaves open, otherwise than by default: `quota=each`."""
    stack: bool = True
    """Whether batchrelay's own stack is deployed."""
    built_stack: str = ""
    """The folder that `sam build` made, to deploy that and not the sources."""
    services: Sequence[str] = ()
    """Services of MiniStack beside those that batchrelay needs."""
    allowed_origins: Sequence[str] = ()
    """Web pages that may send signed requests, such as `http://localhost:3000`."""
    open: bool = False
    """Whether any program and any web page on this machine may use the cloud."""

    @classmethod
    def from_json(cls, line: str) -> CloudOrder:
        return cls(**json.loads(line))


@dataclass(kw_only=True)
class LocalCloud:
    """A cloud that is up. Its holder must `stop` it; if the holder dies, it stops itself."""

    endpoint: str
    access_key: str
    secret: str = field(repr=False)
    outputs: Mapping[str, str]
    process: subprocess.Popen[str]
    folder: str
    _ending: threading.Event = field(default_factory=threading.Event, repr=False)
    _watcher: threading.Thread | None = field(default=None, repr=False)

    @classmethod
    def start(cls, *, directory: Path, **options: Unpack[CloudOptions]) -> LocalCloud:
        """Start a cloud, stack and all.

        Raises:
            CloudError: the port is taken, the extra `local` is missing, or a part would not start.
        """
        check_installed()
        folder = tempfile.mkdtemp(prefix="batchrelay-")
        order = CloudOrder(
            folder=folder,
            directory=str(directory.resolve()),
            job_environment=job_environment(os.environ, link_worker(folder)),
            **options,
        )
        process = _spawn(folder)
        try:
            answer = _ordered(process, order)
        except BaseException:
            process.kill()
            process.wait()
            _close_pipes(process)
            raise
        finally:
            if process.returncode is not None:
                shutil.rmtree(folder, ignore_errors=True)
        return cls(**answer, process=process, folder=folder)

    def calls(self) -> dict[str, int]:
        """AWS calls that handlers have made so far, by service and operation."""
        return call_counts(self.environment).get("handlers", {})

    def write_units(self) -> int:
        """Units that DynamoDB would have taken for what handlers have written so far."""
        return call_counts(self.environment).get("units", {}).get("dynamodb.writeUnits", 0)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that make any SDK and the aws CLI talk to this cloud."""
        return client_environment(self.endpoint, self.access_key, self.secret)

    def watch(self, on_end: Callable[[str], None]) -> None:
        """Call back, from a thread, if the cloud ends although nothing here ended it.

        Args:
            on_end: gets a sentence with the last line of the cloud's log.
        """
        self._watcher = threading.Thread(target=self._watch, args=(on_end,), daemon=True)
        self._watcher.start()

    def _watch(self, on_end: Callable[[str], None]) -> None:
        while self.process.poll() is None:
            time.sleep(WATCH_S)
        if not self._ending.is_set():
            last = _last_line(Path(self.folder) / "cloud.log")
            shutil.rmtree(self.folder, ignore_errors=True)
            on_end(f"the local cloud ended unexpectedly; its last log line: {last}")

    def stop(self) -> None:
        """End it and everything that it started; Ctrl-C meanwhile makes it immediate."""
        try:
            self._end(signal.SIGTERM, STOP_S_MAX)
        except KeyboardInterrupt:
            self.kill()

    def kill(self) -> None:
        """End it at once."""
        self._end(signal.SIGQUIT, KILL_S_MAX)

    def _end(self, number: signal.Signals, patience_s: float) -> None:
        if self.process.poll() is None:
            self._ending.set()
        elif self._watcher is not None:  # what failed here may be for want of the cloud
            self._watcher.join()
        self.process.send_signal(number)
        try:
            self.process.wait(timeout=patience_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        _close_pipes(self.process)
        # The cloud has done so too; but a thread of it may have been unpacking a function.
        shutil.rmtree(self.folder, ignore_errors=True)


def call_counts(environment: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """AWS calls so far, by caller, service and operation.

    Args:
        environment: the variables of a cloud, as `LocalCloud.environment` has them.
    """
    from botocore.auth import SigV4Auth  # slow to import, and only tests and benchmarks count
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    url = environment["AWS_ENDPOINT_URL"] + CALLS_PATH
    aws_request = AWSRequest("GET", url)
    keys = Credentials(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])
    SigV4Auth(keys, "execute-api", REGION).add_auth(aws_request)
    request = urllib.request.Request(url, headers=dict(aws_request.headers))  # noqa: S310  # loopback
    with urllib.request.urlopen(request) as answer:  # noqa: S310  # loopback
        counts: dict[str, dict[str, int]] = json.loads(answer.read())
    return counts


def _spawn(folder: str) -> subprocess.Popen[str]:
    with (Path(folder) / "cloud.log").open("w") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "batchrelay_local"],
            env=_cloud_environment(os.environ, folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )


def _close_pipes(process: subprocess.Popen[str]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _ordered(process: subprocess.Popen[str], order: CloudOrder) -> dict[str, Any]:
    """Send the process its order; its answer once it is up. Raises: CloudError."""
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(BrokenPipeError):
        process.stdin.write(json.dumps(asdict(order)) + "\n")
        process.stdin.flush()
    answer: dict[str, Any] = json.loads(process.stdout.readline() or "{}")
    if "endpoint" not in answer:
        raise CloudError(_why(answer, Path(order.folder) / "cloud.log", order.port))
    return answer


def check_installed(modules: Sequence[str] = EXTRA_MODULES) -> None:
    """Before anything is started. Raises: CloudError with the command that installs the extra."""
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        names = ", ".join(missing)
        raise CloudError(f"the local cloud is not installed (missing: {names}): {INSTALL_COMMAND}")


def job_environment(user: Mapping[str, str], behind: str = "") -> dict[str, str]:
    """What of the user's environment a job sees: where programs are, no credentials.

    Args:
        user: the user's own.
        behind: a folder whose programs are found where PATH has none of that name.
    """
    variables = environments.job_environment(user)
    variables["PATH"] = os.pathsep.join(filter(None, (variables["PATH"], behind)))
    return variables


def link_worker(folder: str) -> str:
    """A folder that has the worker, which was installed beside batchrelay, and nothing else."""
    programs = Path(folder) / "programs"
    programs.mkdir()
    (programs / WORKER).symlink_to(Path(sys.executable).parent / WORKER)
    return str(programs)


def _cloud_environment(user: Mapping[str, str], folder: str) -> dict[str, str]:
    """No token of the user reaches the cloud, nor the Lambda workers that inherit from it."""
    variables = {
        name: user[name] for name in (*environments.PASSED_ON, *_INTERPRETER) if name in user
    }
    return variables | {"TMPDIR": folder}


def _why(answer: Mapping[str, str], log: Path, port: int) -> str:
    if "Address already in use" in answer.get("error", ""):
        return f"port {port} is in use: choose another with --port, or leave it out for a free one"
    if "error" in answer:
        return f"the local cloud did not start: {answer['error']}"
    last = _last_line(log)
    if "No module named" in last:
        return f"the local cloud is not installed ({last}): {INSTALL_COMMAND}"
    return f"the local cloud did not start: {last}"


def _last_line(log: Path) -> str:
    try:
        text = log.read_text(errors="replace")
    except OSError:  # the cloud removes its folder at its end
        text = ""
    return next(iter(text.strip().splitlines()[-1:]), "it logged nothing")
