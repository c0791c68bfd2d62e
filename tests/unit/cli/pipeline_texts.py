"""A pipeline file without mistakes, and the problems of one that has some."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from batchrelay_cli.pipeline_file.problems import PipelineFileError
from batchrelay_cli.pipeline_file.read import PipelineFile, read

GOOD = """\
pipeline: p
steps:
  - jobName: a
    jobQueue: q
    jobDefinition: d
"""


def read_text(tmp_path: Path, text: str) -> PipelineFile:
    file = tmp_path / "pipeline.yaml"
    file.write_text(dedent(text))
    return read(file)


def problems(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(PipelineFileError) as error:
        read_text(tmp_path, text)
    return [f"{p.line}:{p.column}: {p.message}" for p in error.value.problems]


def with_step(lines: str) -> str:
    return GOOD + "".join(f"    {line}\n" for line in dedent(lines).strip().splitlines())
