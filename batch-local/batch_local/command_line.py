"""The program `batch-local`."""

from __future__ import annotations

import errno
import json
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from batch_local import __version__
from batch_local.errors import EngineError, StateError
from batch_local.in_process import BatchLocal
from batch_local.session import run_in_session

_USAGE = 2
"""The exit code of a mistake in the command."""


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]}, epilog="Example: batch-local up"
)
@click.version_option(__version__)
def main() -> None:
    """AWS Batch on this machine: real processes, AWS's API, no account and no Docker."""


@main.command(
    epilog="Example: batch-local up --port 8000 --environment "
    "AWS_ENDPOINT_URL_S3=http://127.0.0.1:9000"
)
@click.option("--port", default=0, type=click.IntRange(0, 65_535), help="A free one by default.")
@click.option(
    "--environment",
    "job_environment",
    multiple=True,
    metavar="NAME=VALUE",
    callback=lambda _context, _option, values: dict(map(_pair, values)),
    help="A variable of every job, such as the endpoint of your S3.",
)
@click.option(
    "--image",
    "images",
    multiple=True,
    metavar="IMAGE=COMMAND",
    callback=lambda _context, _option, values: _commands(values),
    help="What stands in for the entry point of an image, such as '*/samtools=./samtools.sh'.",
)
@click.option(
    "--events-to",
    multiple=True,
    metavar="stdout|URL|eventbridge:URL",
    help="Where events go: a line of JSON each, a POST of each, or PutEvents.",
)
@click.option(
    "--faults",
    default="",
    metavar="seed=N[,FAULT=P]",
    help="What goes wrong, by chance: seed=7 for a storm of events, or seed=7,host_lost=0.2.",
)
@click.option(
    "--assume",
    default="",
    metavar="NAME=VALUE[,…]",
    help="Choose otherwise where AWS is silent, such as quota=each: docs/reference/local-batch.md.",
)
@click.option(
    "--timeline",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Where what happened is written at the end, as JSON.",
)
@click.option(
    "--engine",
    metavar="docker|podman|unix:///PATH",
    help="What runs containers of the images. Without it a container is a process.",
)
@click.option(
    "--state",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder that keeps what happened: queues, definitions, jobs, logs are there next time.",
)
@click.option(
    "--event-source",
    default="aws.batch",
    metavar="NAME",
    help="The source of the events, for an EventBridge that refuses aws.batch, as AWS's does.",
)
def up(timeline: Path | None, **options: Any) -> None:
    """Serve AWS Batch on 127.0.0.1 until Ctrl-C.

    It answers AWS Batch, the logs of its jobs in CloudWatch Logs, and GetCallerIdentity of STS.
    The printed lines make any SDK and the aws CLI talk to it. Every request must be signed with
    the printed key, which every SDK does.

    Jobs are processes of this machine, each in a folder of its own. They see your PATH, and none
    of your credentials.
    """
    if timeline is not None and not timeline.parent.is_dir():
        raise click.BadParameter(f"there is no folder {timeline.parent}", param_hint="--timeline")
    _print_notices()
    try:
        batch = BatchLocal(**options)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    serving = _Serving(batch, timeline, "stdout" in options["events_to"])
    sys.exit(run_in_session(serving.serve))


@dataclass(frozen=True, slots=True)
class _Serving:
    """What the server's own process does."""

    batch: BatchLocal
    timeline: Path | None
    events_on_stdout: bool

    def serve(self, wait: Callable[[], None]) -> int:
        """The exit code."""
        try:
            self.batch.start()
        except OSError as error:
            click.echo(f"batch-local: {_why(error)}", err=True)
            return _USAGE
        except (EngineError, StateError) as error:
            click.echo(f"batch-local: {error}", err=True)
            return _USAGE
        try:
            for name, value in self.batch.environment.items():
                click.echo(f"export {name}={value}", err=self.events_on_stdout)
            click.echo("# Ctrl-C stops it", err=self.events_on_stdout)
            wait()
        finally:
            self.batch.stop()
            if self.timeline is not None:
                self.timeline.write_text(json.dumps(self.batch.timeline(), indent=1) + "\n")
        return 0


def _print_notices() -> None:
    """Which fields of requests have no effect: each once, on standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("batch-local: %(message)s"))
    logger = logging.getLogger("batch_local")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)


def _why(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "this port is in use: choose another with --port, or leave it out for a free one"
    return f"the server did not start: {error}"


def _commands(texts: Sequence[str]) -> dict[str, str]:
    """By image. Raises: BadParameter."""
    commands = {}
    for text in texts:
        image, _, command = text.partition("=")
        if not image or not command.strip():
            raise click.BadParameter(f"{text!r}: write IMAGE=COMMAND, such as python=python3")
        commands[image] = command
    return commands


def _pair(text: str) -> tuple[str, str]:
    """Raises: BadParameter."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise click.BadParameter(f"{text!r}: write NAME=VALUE")
    return name, value
