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

_VERBS = {
    "adopt": "Make a pipeline file of what you have on AWS Batch.",
    "backfill": "Start the runs of a pipeline's schedules for times that passed.",
    "cancel": "Stop runs and every job that they started.",
    "completion": "Print the script that completes batchrelay's words in a shell.",
    "deploy": "Register a pipeline in AWS or in a local cloud.",
    "dlq": "Show the dead letters of a stack.",
    "doctor": "Ask AWS what its documentation leaves open.",
    "failures": "Show why items of a run failed.",
    "history": "Show what happened in a run, in order.",
    "init": "Write a pipeline folder that runs.",
    "lint": "Check a pipeline file, without AWS.",
    "local": "The AWS on this machine.",
    "logs": "Print a child's log.",
    "mcp": "Serve a stack's runs to an assistant (Model Context Protocol).",
    "plan": "Dry run: the steps, the sizes that are known, the calls.",
    "redrive": "Run again what failed in a run that has ended.",
    "report": "Write what is known of a run into one HTML file.",
    "resume": "Let a PAUSED run go on, with another budget.",
    "run": "Run a pipeline here, on the local cloud: no account, no Docker.",
    "runs": "List the runs of a pipeline, or of all that are deployed.",
    "schema": "Print the JSON Schema of pipeline files, for editors.",
    "shell": "Open a shell in the container of a child that runs.",
    "simulate": "Play a run on virtual time: how long it takes, what it costs.",
    "spin": "Run one item again on this machine, with its input.",
    "start": "Start a run of a pipeline that was deployed.",
    "status": "Show a run.",
    "tune": "Recommend memory, vCPUs and items per child.",
    "undeploy": "Take a pipeline away.",
}
"""A verb is a module of `verbs`, and its command there has the same name. What it does stands here
again: the list of all verbs need not import them, which takes half a second."""


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

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_VERBS.items()))

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
