"""`batchrelay runs`: what ran, the newest first."""

from __future__ import annotations

import click

from batchrelay.domain.run import RunStatus
from batchrelay.domain.run_cost import about_usd
from batchrelay_cli.client import Client
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.stack.access import open_stack
from batchrelay_cli.terminal import say
from batchrelay_cli.verbs.completion import PIPELINE
from batchrelay_cli.verbs.options import echo_json, output_option, stack_option


@click.command(epilog="Example: batchrelay runs word-count --status FAILED --limit 20")
@click.argument("pipeline", type=PIPELINE, required=False)
@click.option("--status", type=click.Choice(list(RunStatus)), help="Only these.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@click.option("--next", "cursor", default="", help="Go on behind the `next` of an earlier page.")
@stack_option
@output_option
def runs(
    pipeline: str | None,
    status: str | None,
    limit: int,
    cursor: str,
    stack_name: str,
    output: str,
) -> None:
    """List the runs of a pipeline, or of all that are deployed."""
    with open_stack(stack_name) as stack:
        client = Client(stack)
        page = client.runs(pipeline, status=status, limit=limit, after=cursor)
        is_whole = not (status or cursor or page["next"])
        if pipeline and not page["runs"] and is_whole:
            names = [entry["pipeline"] for entry in client.pipelines()]
            if pipeline not in names:
                names_text = ", ".join(names) or "none"
                raise UsageProblem(f"there are no runs of {pipeline}; pipelines are: {names_text}")
    if output == "json":
        echo_json(page)
        return
    for run in page["runs"]:
        line = f"{run['startedAt']}  {run['status']:10}  {run['pipeline']:20}  {run['runId']:25}"
        usd = run.get("costUsd")
        cost = "" if usd is None else about_usd(usd)
        say(f"{line}  {cost:13}  {run.get('cause') or ''}".rstrip())
    if not page["runs"]:
        say("no runs")
    if page["next"]:
        say(f"more: --next {page['next']}")
