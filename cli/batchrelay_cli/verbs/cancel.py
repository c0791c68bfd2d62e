"""`batchrelay cancel`: stops every job that a run started."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from batchrelay.domain.step_state import StepStatus
from batchrelay_cli.client import Client
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.stack.access import open_stack
from batchrelay_cli.terminal import say
from batchrelay_cli.verbs.completion import OPEN_RUN
from batchrelay_cli.verbs.options import echo_json, output_option, stack_option


@click.command(epilog='Example: batchrelay cancel kb50389d0b38db26e794e46fa --reason "wrong input"')
@click.argument("runs", metavar="RUN...", type=OPEN_RUN, nargs=-1)
@click.option("--all-of", default="", metavar="PIPELINE", help="Every open run of it.")
@click.option("--reason", default="", help="Kept in the run, in its notice and in its jobs.")
@click.option("--finally", "stops_finally", is_flag=True, help="Stop the finally steps too.")
@stack_option
@output_option
def cancel(
    runs: tuple[str, ...],
    all_of: str,
    reason: str,
    stops_finally: bool,
    stack_name: str,
    output: str,
) -> None:
    """Stop runs and every job that they started. Nothing to one that has ended.

    Then their finally steps run, unless --finally stops those too.
    """
    if bool(runs) == bool(all_of):
        raise UsageProblem("write which runs: batchrelay cancel RUN..., or --all-of PIPELINE")
    with open_stack(stack_name) as stack:
        client = Client(stack)
        run_ids = client.open_runs(all_of) if all_of else runs
        documents = []
        for run in run_ids:
            before = client.status(run)
            documents.append(client.cancel(run, reason=reason, stops_finally=stops_finally))
            if output == "text":
                say(f"run {run}: {_outcome(before, documents[-1])}")
    if output == "json":
        echo_json({"runs": documents} if all_of or len(documents) > 1 else documents[0])
        return
    if not documents:
        say(f"no run of {all_of} is open")
    stopping = [run["runId"] for run in documents if run["status"] == "CANCELLING"]
    if stopping:
        whose = "its" if len(stopping) == 1 else "their"
        say(f"CANCELLED when {whose} jobs have ended: batchrelay status {stopping[0]} --watch")
    for document in documents:
        if steps := _finally_steps_that_go_on(document):
            still, which = ("still runs", "it") if len(steps) == 1 else ("still run", "them")
            of = f"{', '.join(steps)} of run {document['runId']}"
            say(f"{of} {still}: to stop {which} too, add --finally")


def _outcome(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """The status; and that nothing has changed, of a run that had ended or was being stopped."""
    if not before["isOpen"]:
        return f"already {after['status']}, nothing to stop"
    names = ("stopped", "finallyStopped")
    is_stopped = before["stopped"] is not None
    is_same = is_stopped and all(before[name] == after[name] for name in names)
    return f"already {after['status']}" if is_same else str(after["status"])


def _finally_steps_that_go_on(run: Mapping[str, Any]) -> list[str]:
    """Their names; none of a run whose finally steps are stopped, or have ended."""
    if run["finallyStopped"] is not None:
        return []
    going_on = (s for s in run["steps"] if not StepStatus(s["status"]).is_terminal)
    return [step["step"] for step in going_on if step["finally"]]
