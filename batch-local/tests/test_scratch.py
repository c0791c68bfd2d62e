"""Each attempt of a foreign job has an empty folder; a definition may say another."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batch_local.processes.runner import ProcessRunner
from batch_local.processes.scratch import ScratchFolders
from batch_local.service import BatchService
from machines import call, ended, machine, submit


@pytest.fixture
def service() -> Iterator[BatchService]:
    with machine() as (running, _):
        yield running


def run(service: BatchService, script: str, **request: Any) -> dict[str, Any]:
    overrides = {"command": ["sh", "-c", script]}
    answer = submit(service, containerOverrides=overrides, **request)[1]
    return ended(service, answer["jobId"])


def define(service: BatchService, name: str, **tags: str) -> None:
    call(service, "registerjobdefinition", jobDefinitionName=name, type="container",
         containerProperties={"image": "i", "command": ["true"], "vcpus": 1, "memory": 64},
         tags={f"batchrelay:{key}": value for key, value in tags.items()})  # fmt: skip


def root_of(service: BatchService) -> Path:
    return Path(service._scratch._root)


EMPTY = 'test -z "$(ls -A)"'
"""Succeeds in an empty folder."""


@pytest.mark.parametrize(
    "leaving",
    [
        "true",
        "touch file",
        "mkdir -p a/b && touch a/b/.hidden",
        "mkdir locked && touch locked/x && chmod 0 locked",
        "chmod 500 .",
        'rmdir "$PWD"',
        'rmdir "$PWD" && ln -s /usr "$PWD"',
        'rmdir "$PWD" && touch "$PWD"',
        "ln -s /usr link",
    ],
)
def test_an_attempt_does_not_see_the_files_of_another(service: BatchService, leaving: str) -> None:
    for _ in range(3):
        assert run(service, f"{EMPTY} && {leaving}")["status"] == "SUCCEEDED"
    assert run(service, f"{EMPTY} && touch mine && ls mine")["status"] == "SUCCEEDED"
    service.stop(immediately=True)
    left = list(root_of(service).iterdir())
    assert [path for path in left if path.is_symlink() or list(path.iterdir())] == []
    assert Path("/usr/bin").is_dir()


def test_children_at_the_same_time_have_a_folder_each(service: BatchService) -> None:
    script = f"{EMPTY} && touch mine && sleep 0.1 && test $(ls | wc -l) = 1"
    job = run(service, script, arrayProperties={"size": 6})
    assert job["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 6


def test_every_attempt_begins_anew(service: BatchService) -> None:
    script = f"{EMPTY} || exit 9; touch x; exit 1"
    job = run(service, script, retryStrategy={"attempts": 3})
    assert [attempt["container"]["exitCode"] for attempt in job["attempts"]] == [1, 1, 1]


def test_an_array_that_writes_nothing_needs_no_more_folders_than_slots(
    service: BatchService,
) -> None:
    run(service, "true", arrayProperties={"size": 40})
    assert len(list(root_of(service).iterdir())) <= 2


def test_a_definition_may_say_where_its_jobs_start(service: BatchService, tmp_path: Path) -> None:
    define(service, "placed", directory=str(tmp_path))
    assert run(service, "touch made-here", jobDefinition="placed")["status"] == "SUCCEEDED"
    assert [path.name for path in tmp_path.iterdir()] == ["made-here"]
    define(service, "nowhere", directory=str(tmp_path / "absent"))
    job = run(service, "true", jobDefinition="nowhere")
    assert job["container"]["reason"] == (
        f"CannotStartContainerError: no such directory: {tmp_path}/absent"
    )
    define(service, "file", directory=str(tmp_path / "made-here"))
    assert "no such directory" in run(service, "true", jobDefinition="file")["container"]["reason"]


def test_a_definition_may_say_what_stands_before_path(
    service: BatchService, tmp_path: Path
) -> None:
    (tmp_path / "ls").write_text("#!/bin/sh\nexit 7\n")
    (tmp_path / "ls").chmod(0o755)
    define(service, "own", programs=str(tmp_path))
    assert run(service, "ls", jobDefinition="own")["container"]["exitCode"] == 7
    assert run(service, "ls")["status"] == "SUCCEEDED"


def test_a_program_of_the_folder_is_found_by_its_path(
    service: BatchService, tmp_path: Path
) -> None:
    for name, code in (("one", 1), ("two", 2)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "run.sh").write_text(f"#!/bin/sh\nexit {code}\n")
        (folder / "run.sh").chmod(0o755)
        define(service, name, directory=str(folder))
        overrides = {"command": ["./run.sh"]}
        answer = submit(service, jobDefinition=name, containerOverrides=overrides)[1]
        assert ended(service, answer["jobId"])["container"]["exitCode"] == code


def test_where_the_thread_has_no_directory_of_its_own_it_works_all_the_same(
    service: BatchService, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    runner = service._attempts.runner
    assert isinstance(runner, ProcessRunner)
    runner._goes_there = False
    before = os.getcwd()  # noqa: PTH109
    define(service, "placed", directory=str(tmp_path))
    assert run(service, f"test $PWD = {tmp_path}", jobDefinition="placed")["status"] == "SUCCEEDED"
    assert run(service, EMPTY)["status"] == "SUCCEEDED"
    assert os.getcwd() == before  # noqa: PTH109


def test_the_process_itself_stays_where_it_is(service: BatchService) -> None:
    before = os.getcwd()  # noqa: PTH109
    run(service, "true")
    assert os.getcwd() == before  # noqa: PTH109


def test_a_folder_is_given_again_only_if_it_is_as_new(tmp_path: Path) -> None:
    folders = ScratchFolders(tmp_path / "scratch")
    first = folders.take()
    folders.give_back(first)
    assert folders.take() == first
    for _ in range(3):  # it is read while it is fresh, and then known by its time of change
        time.sleep(0.06)
        folders.give_back(first)
        assert folders.take() == first
    (Path(first) / "x").touch()
    os.utime(first, (1, 1))
    folders.give_back(first)
    assert folders.take() != first
    folders.close()
    assert not Path(first).exists()
