"""A program that cannot be started is a job that FAILS, with the reason that runc gives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batch_local.processes.runner import SHOWN_CHARS_MAX
from batch_local.service import BatchService
from machines import call, ended, machine, submit

WRONG = "CannotStartContainerError: "


@pytest.fixture(scope="module")
def service() -> Iterator[BatchService]:
    with machine() as (running, _):
        yield running


def failure_of(service: BatchService, *command: str, **request: Any) -> str:
    """Why a job failed before its process began; it ran once, and it has no log and exit code."""
    overrides = {"command": list(command), **request.pop("overrides", {})}
    status, answer = submit(service, containerOverrides=overrides, **request)
    assert status == 200, answer
    job = ended(service, answer["jobId"])
    assert (job["status"], job["statusReason"]) == ("FAILED", "Task failed to start")
    [attempt] = job["attempts"]
    assert not {"exitCode", "logStreamName"} & attempt["container"].keys()
    reason: str = attempt["container"]["reason"]
    return reason


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir()
    for name, text, mode in (
        ("closed", "#!/bin/sh\n", 0o644),
        ("no-interpreter", "#!/no/such/interpreter\n", 0o755),
        ("no-program", "echo\n", 0o755),
    ):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(mode)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("folder", "is a directory"),
        ("closed", "permission denied"),
        ("absent", "No such file or directory"),
        ("closed/x", "Not a directory"),
        ("no-interpreter", "No such file or directory"),
        ("no-program", "Exec format error"),
        ("x" * 256, "File name too long"),
        ("x/" * 2_500, "File name too long"),
    ],
)
def test_a_path_that_is_no_program(service: BatchService, files: Path, name: str, why: str) -> None:
    path = f"{files}/{name}"
    shown = path if len(path) <= SHOWN_CHARS_MAX else f"{path[:SHOWN_CHARS_MAX]}…"
    assert failure_of(service, path) == f'{WRONG}exec: "{shown}": {why}'


@pytest.mark.parametrize(
    "name", ["absent", "x" * 255, "x" * 256, "x" * 5_000, "é" * 200, "\U0010ffff"]
)
def test_a_name_that_is_not_on_the_path(service: BatchService, name: str) -> None:
    shown = name if len(name) <= SHOWN_CHARS_MAX else f"{name[:SHOWN_CHARS_MAX]}…"
    reason = f'{WRONG}exec: "{shown}": executable file not found in $PATH'
    assert failure_of(service, name) == reason


def test_an_argument_that_no_process_can_take_fails_the_job(service: BatchService) -> None:
    assert failure_of(service, "true", "a\0b") == f'{WRONG}exec: "true": embedded null byte'
    half = failure_of(service, "true", "\ud800")
    assert half.startswith(f"{WRONG}exec: \"true\": 'utf-8' codec can't encode")


@pytest.mark.parametrize(("words", "fits"), [(1, True), (7, False)])
def test_an_argument_over_what_the_kernel_takes(
    service: BatchService, words: int, fits: bool
) -> None:
    """Linux takes 131,072 bytes of one argument. A parameter may stand in one several times."""
    command = ["true", "Ref::p." * words]
    if fits:
        status, answer = submit(
            service, containerOverrides={"command": command}, parameters={"p": "x" * 20_000}
        )
        assert (status, ended(service, answer["jobId"])["status"]) == (200, "SUCCEEDED")
        return
    reason = failure_of(service, *command, parameters={"p": "x" * 20_000})
    assert reason == f'{WRONG}exec: "true": Argument list too long'


def test_arguments_and_environment_over_what_the_kernel_takes(service: BatchService) -> None:
    """Each is under the limit of one; all of them are over a quarter of the stack."""
    words = ["Ref::p." * 5] * 40
    reason = failure_of(service, "true", *words, parameters={"p": "x" * 20_000})
    assert reason == f'{WRONG}exec: "true": Argument list too long'


@pytest.mark.parametrize("directory", ["/absent", "/" + "x" * 254, "/etc/passwd"])
def test_a_working_directory_that_is_gone(service: BatchService, directory: str) -> None:
    call(
        service,
        "registerjobdefinition",
        jobDefinitionName="gone",
        type="container",
        containerProperties={"image": "", "command": ["true"], "vcpus": 1, "memory": 64},
        tags={"batchrelay:directory": directory},
    )
    reason = failure_of(service, "true", jobDefinition="gone")
    assert reason == f"{WRONG}no such directory: {directory}"


def test_the_machine_goes_on(service: BatchService) -> None:
    failure_of(service, "x" * 300)
    status, answer = submit(service, containerOverrides={"command": ["true"]})
    assert (status, ended(service, answer["jobId"])["status"]) == (200, "SUCCEEDED")
