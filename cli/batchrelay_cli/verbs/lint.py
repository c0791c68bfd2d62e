"""`batchrelay lint FILE`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from batchrelay_cli.pipeline_file.problems import PipelineFileError, Problem
from batchrelay_cli.pipeline_file.read import read
from batchrelay_cli.terminal import say
from batchrelay_cli.verbs.options import output_option


@click.command(epilog="Example: batchrelay lint examples/word-count/pipeline.yaml")
@click.argument("file", type=click.Path(path_type=Path))
@output_option
def lint(file: Path, output: str) -> None:
    """Check a pipeline file, without AWS: every problem with its line."""
    try:
        pipeline_file = read(file)
    except PipelineFileError as error:
        if output == "text":
            raise
        click.echo(json.dumps({"file": str(file), "problems": _documents(error.problems)}))
        raise SystemExit(2) from None
    if output == "json":
        problems = _documents(list(pipeline_file.warnings))
        click.echo(json.dumps({"file": str(file), "problems": problems}))
        return
    for warning in pipeline_file.warnings:
        say(warning.render(file))
    count = len(pipeline_file.pipeline.steps)
    say(f"{file}: {count} step{'s' if count != 1 else ''}, no errors")


def _documents(problems: list[Problem]) -> list[dict[str, object]]:
    return [
        {
            "line": problem.line,
            "column": problem.column,
            "severity": "warning" if problem.is_warning else "error",
            "message": problem.message,
        }
        for problem in problems
    ]
