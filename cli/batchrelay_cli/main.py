"""The program `batchrelay`: verbs, and the errors that the caller can fix."""

from __future__ import annotations

import io
import signal
import sys
from importlib import import_module
from typing import Any

import click

from batchrelay.domain.errors import InputError
from batchrelay_cli import INTERRUPTED
from batchrelay_cli.pipeline_file.problems import PipelineFileError
from batchrelay_cli.terminal import say

_VERBS = (
    "adopt",
    "backfill",
    "cancel",
    "completion",
    "deploy",
    "dlq",
    "doctor",
    "failures",
    "history",
    "init",
    "lint",
    "local",
    "logs",
    "mcp",
    "plan",
    "redrive",
    "report",
    "resume",
    "run",
    "runs",
    "schema",
    "shell",
    "simulate",
    "spin",
    "start",
    "status",
    "tune",
    "undeploy",
)
"""A verb is a module of `verbs`, and its command there has the same name."""


def _verb(name: str) -> click.Command | None:
    if name not in _VERBS:
        return None
    command: click.Command = getattr(import_module(f"batchrelay_cli.verbs.{name}"), name)
    return command


class _Verbs(click.Group):
    """Imports the verb that is called and no other: most of a short command's time is imports."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        return _verb(name)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except PipelineFileError as error:
            say(str(error), err=True, keep="\n")
        except InputError as error:
            say(f"batchrelay: {error}", err=True)
        raise SystemExit(2)


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="batchrelay")
def cli() -> None:
    """Pipelines on AWS Batch with no server.

    Exit codes: 0 done, 1 failed, 2 usage or bad input, 3 still running, 4 PARTIAL, 130 Ctrl-C.
    """


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Run a verb. SIGTERM and a closed terminal end it as Ctrl-C does: nothing is left behind."""
    # while the handlers of `__main__` stand: within an import a KeyboardInterrupt may be lost
    _verb(next(iter(sys.argv[1:]), ""))
    signal.signal(signal.SIGTERM, _interrupt)
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # a shell's `&`, nohup: on purpose
            signal.signal(number, _interrupt)
    try:
        cli(standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # it ends already
            signal.signal(number, signal.SIG_IGN)
        say("interrupted", err=True)
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        text = io.StringIO()
        error.show(text)
        say(text.getvalue().rstrip("\n"), err=True, keep="\n")
        sys.exit(error.exit_code)
