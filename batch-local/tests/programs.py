"""The program `batch-local up`, with what it printed first."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import botocore.session

from servers import make_shell


class Up:
    """A `batch-local up` that runs, and what it printed first."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "batch_local", "up", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.environment: dict[str, str] = {}
        exports = self.process.stderr if "stdout" in options else self.process.stdout
        for line in iter(lambda: line_of(exports), "# Ctrl-C stops it"):
            assert line.startswith("export "), line
            name, _, value = line.removeprefix("export ").partition("=")
            self.environment[name] = value

    def client(self) -> Any:
        session: Any = botocore.session.get_session()
        return session.create_client(
            "batch",
            region_name=self.environment["AWS_REGION"],
            endpoint_url=self.environment["AWS_ENDPOINT_URL_BATCH"],
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
        )

    def start_job(self, folder: Path) -> int:
        """The process of a job that would run for a minute."""
        client = self.client()
        make_shell(client)
        client.submit_job(
            jobName="j",
            jobQueue="shell",
            jobDefinition="shell",
            parameters={"script": f"echo $$ > {folder}/pid.new; mv {folder}/pid.new {folder}/pid; "
                        "exec sleep 60"},
        )  # fmt: skip
        wait_until((folder / "pid").exists)
        return int((folder / "pid").read_text())


def line_of(output: IO[str] | None) -> str:
    assert output is not None
    line = output.readline()
    assert line, "it has ended"
    return line.rstrip("\n")


@contextmanager
def up(*options: str) -> Iterator[Up]:
    running = Up(*options)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.communicate()


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
