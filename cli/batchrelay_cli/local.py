"""`batchrelay local up`: a local cloud that stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from batchrelay_cli.options import UsageProblem, output_option
from batchrelay_local.launch import CloudError, LocalCloud


@click.group(epilog="Example: batchrelay local up")
def local() -> None:
    """The AWS on this machine."""


@local.command(epilog="Example: batchrelay local up --only batch --port 4566")
@click.option(
    "--only",
    type=click.Choice(["batch"]),
    help="Without batchrelay's own stack: an AWS Batch, and an otherwise empty AWS around it.",
)
@click.option("--port", default=0, type=click.IntRange(0, 65_535), help="A free one by default.")
@click.option("--chaos", default="", metavar="seed=N[,FAULT=P]", help="Play faults of AWS.")
@click.option(
    "--assume",
    default="",
    metavar="NAME=VALUE[,…]",
    help="Choose otherwise where AWS is silent: docs/reference/local-batch.md.",
)
@output_option
def up(only: str | None, output: str, **cloud_options: Any) -> None:
    """Start a local cloud and keep it up until Ctrl-C. Jobs start in this folder."""
    try:
        cloud = LocalCloud.start(directory=Path.cwd(), stack=only is None, **cloud_options)
    except CloudError as error:
        raise UsageProblem(str(error)) from None
    try:
        if output == "json":
            click.echo(json.dumps({"endpoint": cloud.endpoint, "outputs": dict(cloud.outputs)}))
        else:
            for line in exports(cloud):
                click.echo(line)
        cloud.process.wait()
    finally:
        cloud.stop()


def exports(cloud: LocalCloud) -> list[str]:
    """What any SDK and the aws CLI need to talk to a cloud, for a shell."""
    return [
        f"export AWS_ENDPOINT_URL={cloud.endpoint} AWS_DEFAULT_REGION=us-east-1",
        "export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local",
        *([f"# API: {cloud.outputs['ApiUrl']} (requests are signed)"] if cloud.outputs else []),
        "# Ctrl-C ends it",
    ]
