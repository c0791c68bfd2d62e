"""Which programs stand before PATH in a pipeline's jobs on this machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from batchrelay_cli.pipeline_file.problems import PipelineFileError
from batchrelay_cli.pipeline_file.read import read
from batchrelay_cli.stack.local_setup import (
    DIRECTORY_TAG,
    PROGRAMS_TAG,
    check_runs_here,
    local_definitions,
    own_programs,
)
from tests.conftest import write

HERE = str(Path(sys.executable).parent)
FILE = """
pipeline: p
steps: [{jobName: a, jobDefinition: d, jobQueue: q}]
jobDefinitions:
  - jobDefinitionName: d
    type: container
    containerProperties: {image: i, command: ["true"], vcpus: 1, memory: 64}
"""


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")


def test_an_environment_that_is_called_by_its_path_has_its_own_programs() -> None:
    assert own_programs() == HERE


@pytest.mark.parametrize("variable", ["VIRTUAL_ENV", "CONDA_PREFIX"])
def test_an_activated_environment_is_on_path_already(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "/home/u/env")
    assert own_programs() is None


def test_an_environment_that_is_on_path_needs_no_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.pathsep.join(("/usr/bin", HERE)))
    assert own_programs() is None


def test_a_link_on_path_leads_to_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "batchrelay").symlink_to(f"{HERE}/batchrelay")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert own_programs() is None, "python is the one of the user's shell"


def test_another_batchrelay_on_path_is_not_this_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "batchrelay").write_text("#!/bin/sh\n")
    (tmp_path / "batchrelay").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert own_programs() == HERE


def test_a_definition_says_so_to_the_local_cloud_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = read(Path(write(tmp_path, FILE)))
    [definition] = local_definitions(file)
    assert definition["tags"] == {DIRECTORY_TAG: str(tmp_path), PROGRAMS_TAG: HERE}
    monkeypatch.setenv("VIRTUAL_ENV", "/home/u/env")
    [definition] = local_definitions(file)
    assert definition["tags"] == {DIRECTORY_TAG: str(tmp_path)}
    assert "tags" not in file.definitions[0]


@pytest.mark.parametrize("program", ["x" * 255, "x" * 256, "x" * 5_000, "/" + "x" * 300, "é" * 200])
def test_a_program_of_any_length_is_looked_for(tmp_path: Path, program: str) -> None:
    file = read(Path(write(tmp_path, FILE.replace('"true"', f'"{program}"'))))
    with pytest.raises(PipelineFileError) as error:
        check_runs_here(file)
    [problem] = error.value.problems
    assert problem.message.startswith(f"step a runs '{program[:200]}")
    assert "which is not on this machine's PATH: install it" in problem.message
    assert len(problem.message) < 600


def test_a_program_beside_the_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "own").write_text("#!/bin/sh\n")
    check_runs_here(read(Path(write(tmp_path, FILE.replace('"true"', "own")))))
