"""`batchrelay init NAME`: a pipeline folder that lints and runs as it is written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from batchrelay.domain.values import NAME, NAME_CHARS_MAX
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.terminal import excerpt, say

TEMPLATE = Path(__file__).resolve().parent.parent / "new_pipeline"
PLACEHOLDER = "PIPELINE_NAME"
SUFFIX = ".in"
"""Of a program in the template: it is text here, no module of this package."""


@click.command(epilog="Example: batchrelay init word-lists")
@click.argument("name")
def init(name: str) -> None:
    """Write a pipeline folder that runs: the file, its program, sample data.

    NAME is the pipeline's name and the folder's, in the folder where you are.
    """
    if NAME.fullmatch(name) is None:
        raise UsageProblem(
            f"{excerpt(name)!r} is not a pipeline's name: use letters, digits, - and _, "
            f"begin with a letter or digit, {NAME_CHARS_MAX} characters at most"
        )
    folder = Path(name)
    try:
        check_empty(folder)
        for path, text in files_of(name).items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageProblem(f"{error.filename or folder}: {error.strerror}") from None
    for line in report(name):
        say(line)


def check_empty(folder: Path) -> None:
    """Raises: UsageProblem, if writing there could replace a file of the user's."""
    if folder.is_dir():
        if any(folder.iterdir()):
            raise UsageProblem(f"the folder {folder} is not empty: choose another name")
    elif folder.exists() or folder.is_symlink():
        raise UsageProblem(f"{folder} exists and is not a folder: choose another name")


def files_of(name: str) -> Mapping[str, str]:
    """The text of each file, by its path within the folder."""
    return {
        path.relative_to(TEMPLATE).as_posix().removesuffix(SUFFIX): path.read_text(
            encoding="utf-8"
        ).replace(PLACEHOLDER, name)
        for path in sorted(TEMPLATE.rglob("*"))
        if path.is_file()
    }


def report(name: str) -> tuple[str, ...]:
    """What was written, and the next commands."""
    return (
        f"wrote {name}/: {', '.join(files_of(name))}",
        "next:",
        f"  cd {name}",
        "  batchrelay lint pipeline.yaml",
        "  batchrelay run pipeline.yaml --param source=texts",
    )
