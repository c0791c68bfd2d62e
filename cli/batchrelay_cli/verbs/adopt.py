"""`batchrelay adopt`: what is on AWS Batch today, as a pipeline file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from batchrelay_cli.adopt import source
from batchrelay_cli.adopt.accepted import accepted_text
from batchrelay_cli.adopt.draft import Draft, pipeline_name
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.terminal import say
from batchrelay_cli.verbs.options import echo_json, output_option

STDIN = "-"


@click.command(epilog="Example: batchrelay adopt state-machine.asl.json -o pipeline.yaml")
@click.argument(
    "file", required=False, type=click.Path(path_type=Path, dir_okay=False, allow_dash=True)
)
@click.option("--queue", help="With --job: where the jobs are. Else a step's, if FILE has none.")
@click.option(
    "--job",
    "jobs",
    multiple=True,
    metavar="ID",
    help="A job's id or name; those that it depends on come with it.",
)
@click.option("--definition", help="The job definition of a step, if FILE has none.")
@click.option("--name", help="The pipeline's name. By default that of the file or queue.")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write. Without it the file is printed.",
)
@output_option
def adopt(file: Path | None, out: Path | None, output: str, **options: Any) -> None:
    """Make a pipeline file of what you have on AWS Batch, and list what it does not carry.

    FILE is a SubmitJob request (or a list of them), the output of `aws batch describe-jobs`, a
    Step Functions definition, or lines of awsbsub; - is standard input. Without FILE: --queue and
    --job, read with the AWS settings of your environment.
    """
    if out is not None and (out.exists() or out.is_symlink()):
        raise UsageProblem(f"{out} is there already: choose another name")
    draft, text = _made(file, options)
    if out is not None:
        _write(out, text)
    if output == "json":
        echo_json(_document(draft, out, text))
        return
    if out is None:
        say(text.removesuffix("\n"), keep="\n")  # whose values are escaped by YAML already
    for entry in draft.not_carried:
        say(f"{draft.source}:{entry.line}: {entry.what}: {entry.why}", err=True)
    for line in _ending(draft, out):
        say(line, err=True)


def _made(file: Path | None, options: dict[str, Any]) -> tuple[Draft, str]:
    try:
        draft = _drafted(file, options)
        return draft, accepted_text(draft)
    except RecursionError:
        raise UsageProblem(f"{file}: it is nested too deeply") from None


def _drafted(file: Path | None, options: dict[str, Any]) -> Draft:
    queue, jobs, name = options["queue"], options["jobs"], options["name"]
    if jobs:
        if file is not None or queue is None:
            raise UsageProblem("--job goes with --queue, and without FILE")
        return _of_queue(queue, jobs, name)
    if file is None:
        raise UsageProblem(f"adopt takes {'; '.join(source.FORMS)}")
    if name is not None and pipeline_name(name) != name:
        raise UsageProblem(
            f"--name {name!r} is no name of a pipeline: use letters, digits, - and _"
        )
    label = "standard input" if str(file) == STDIN else str(file)
    return source.drafted(
        source.Request(
            source=label,
            text=_text(file, label),
            name=name or ("adopted" if str(file) == STDIN else file.name.partition(".")[0]),
            queue=queue,
            definition=options["definition"],
        )
    )


def _of_queue(queue: str, jobs: tuple[str, ...], name: str | None) -> Draft:
    from batchrelay_cli.adopt import queue_jobs
    from batchrelay_cli.stack.access import account_client

    with account_client("batch") as batch:
        return queue_jobs.drafted(batch, queue, jobs, name)


def _text(file: Path, label: str) -> str:
    """Raises: UsageProblem."""
    size_max = source.SOURCE_BYTES_MAX
    try:
        if str(file) == STDIN:
            content = sys.stdin.buffer.read(size_max + 1)
        else:
            with file.open("rb") as stream:
                content = stream.read(size_max + 1)
        text = content[: size_max + 1].decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageProblem(f"{label}: it is not UTF-8") from None
    except OSError as error:
        raise UsageProblem(f"{label}: {error.strerror}") from None
    if len(content) > size_max:
        raise UsageProblem(f"{label}: it is larger than {size_max:,} bytes: adopt a part of it")
    return text


def _write(out: Path, text: str) -> None:
    try:
        with out.open("x", encoding="utf-8") as stream:  # never over a file of the user's
            stream.write(text)
    except OSError as error:
        raise UsageProblem(f"{out}: {error.strerror}") from None


def _ending(draft: Draft, out: Path | None) -> tuple[str, ...]:
    count = len(draft.steps)
    steps = f"{count} step{'s' if count != 1 else ''}"
    where = "" if out is None else f" in {out}"
    left = f"{len(draft.not_carried)} not as they were" if draft.not_carried else "nothing left out"
    sentence = f"{draft.source} ({draft.form}): {steps}{where}, {left}"
    return (sentence,) if out is None else (sentence, f"next: batchrelay lint {out}")


def _document(draft: Draft, out: Path | None, text: str) -> dict[str, Any]:
    return {
        "source": draft.source,
        "form": draft.form,
        "file": None if out is None else str(out),
        "pipeline": draft.name,
        "steps": [
            {"step": step.name, "line": step.line, "origin": step.origin} for step in draft.steps
        ],
        "params": list(draft.params),
        "notCarried": [
            {"line": entry.line, "what": entry.what, "why": entry.why}
            for entry in draft.not_carried
        ],
        "text": text,
    }
