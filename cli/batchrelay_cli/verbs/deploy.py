"""`batchrelay deploy FILE`: registers a pipeline version and its job definitions."""

from __future__ import annotations

from pathlib import Path

import click

from batchrelay_cli.client import Client
from batchrelay_cli.pipeline_file.read import read
from batchrelay_cli.stack.access import open_stack
from batchrelay_cli.terminal import say
from batchrelay_cli.verbs.options import echo_json, output_option, stack_option


@click.command(epilog="Example: batchrelay deploy pipeline.yaml --plan")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--plan", is_flag=True, help="Show what would change, and change nothing.")
@stack_option
@output_option
def deploy(file: Path, plan: bool, stack_name: str, output: str) -> None:
    """Register a pipeline in AWS or in a local cloud. The same content is the same version."""
    read(file)  # its mistakes are shown where no stack is up, too
    with open_stack(stack_name) as stack:
        registration = Client(stack).register(file, is_plan=plan)
    if output == "json":
        key = "planned" if plan else "changed"
        echo_json(
            {
                key: registration.changes,
                "warnings": registration.warnings,
                "checked": registration.checked,
                "notChecked": registration.not_checked,
            }
        )
        return
    for subject in registration.checked if plan else ():
        say(f"checked {subject}", err=True)
    for sentence in registration.not_checked:
        say(f"not checked {sentence}", err=True)
    for warning in registration.warnings:
        say(warning, err=True)
    for change in registration.changes or ["no change"]:
        say(change)
