"""The program `batchrelay`: verbs, and the errors that the caller can fix."""

from __future__ import annotations

import io
import signal
import sys
from typing import Any

import click

from batchrelay.domain.errors import InputError
from batchrelay_cli import INTERRUPTED
from batchrelay_cli.pipeline_file.read import PipelineFileError
from batchrelay_cli.terminal import say
from batchrelay_cli.verbs.backfill import backfill
from batchrelay_cli.verbs.cancel import cancel
from batchrelay_cli.verbs.completion import completion
from batchrelay_cli.verbs.deploy import deploy
from batchrelay_cli.verbs.dlq import dlq
from batchrelay_cli.verbs.failures import failures
from batchrelay_cli.verbs.history import history
from batchrelay_cli.verbs.init import init
from batchrelay_cli.verbs.lint import lint
from batchrelay_cli.verbs.local import local
from batchrelay_cli.verbs.logs import logs
from batchrelay_cli.verbs.plan import plan
from batchrelay_cli.verbs.redrive import redrive
from batchrelay_cli.verbs.report import report
from batchrelay_cli.verbs.run import run
from batchrelay_cli.verbs.runs import runs
from batchrelay_cli.verbs.schema import schema
from batchrelay_cli.verbs.spin import spin
from batchrelay_cli.verbs.start import start
from batchrelay_cli.verbs.status import status
from batchrelay_cli.verbs.tune import tune
from batchrelay_cli.verbs.undeploy import undeploy


class _Verbs(click.Group):
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


for _verb in (
    backfill,
    cancel,
    completion,
    deploy,
    dlq,
    failures,
    init,
    lint,
    local,
    logs,
    plan,
    redrive,
    report,
    run,
    runs,
    schema,
    spin,
    start,
    status,
    history,
    tune,
    undeploy,
):
    cli.add_command(_verb)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Run a verb. SIGTERM and a closed terminal end it as Ctrl-C does: nothing is left behind."""
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
