"""`batchrelay schema`: the pipeline file as a JSON Schema."""

from __future__ import annotations

import click

from batchrelay_cli.pipeline_file.schema import pipeline_schema
from batchrelay_cli.verbs.options import echo_json


@click.command(epilog="Example: batchrelay schema > pipeline.schema.json")
def schema() -> None:
    """Print the JSON Schema of pipeline files, for editors."""
    echo_json(pipeline_schema())
