"""`shell` in the folder and with the environment of children of the local cloud."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from batchrelay_local.launch import LocalCloud
from tests.conftest import client_of, write
from tests.e2e.command_line import batchrelay, document

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("stays")]
ROOMS = """
pipeline: rooms
params: {text: {type: string, default: none}}
defaults: {jobQueue: Rooms}
steps:
  - jobName: ended
    jobDefinition: room
    containerOverrides:
      command: ["true"]
      environment:
        - {name: TEXT, value: "${params.text}"}
        - {name: ENV, value: "${params.text}"}
        - {name: PS1, value: "${params.text}"}
    arrayProperties: {size: 2}
  - jobName: runs
    jobDefinition: elsewhere
    dependsOn: [{jobName: ended}]
    containerOverrides: {command: [sh, -c, "echo kept > here.txt; exec sleep 1000"]}
jobDefinitions:
  - jobDefinitionName: room
    type: container
    containerProperties: {image: i, command: ["true"], vcpus: 1, memory: 64}
"""


def shell(place: str, typed: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "batchrelay_cli", "shell", place, *options],
        input=typed,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_shell_is_where_a_child_is_and_values_are_data(stays: LocalCloud, tmp_path: Path) -> None:
    container = {"image": "i", "command": ["true"], "vcpus": 1, "memory": 64}
    client_of(stays, "batch").register_job_definition(
        jobDefinitionName="elsewhere", type="container", containerProperties=container
    )
    batchrelay("deploy", write(tmp_path, ROOMS))
    hostile = f"$(touch {tmp_path}/ran); `touch {tmp_path}/ran`"
    run = document("start", "rooms", "--param", f"text={hostile}")["runId"]

    ask = 'pwd; printf "%s\\n" "$TEXT" "$AWS_BATCH_JOB_ARRAY_INDEX" "${ENV-no}"; exit 7\n'
    began = time.monotonic()
    while document("status", run)["steps"][1]["running"] != 1:
        assert time.monotonic() - began < 30
    one = shell(f"{run}/ended:1", ask)
    assert one.stdout.splitlines() == [str(tmp_path), hostile, "1", "no"]
    assert one.returncode == 7
    assert one.stderr.splitlines() == [
        f"{run}/ended:1: attempt 1 of 1, SUCCEEDED, exit code 0",
        f"in: {tmp_path}",
        "left out, because a shell would act on its value: ENV, PS1",
    ]
    assert on_a_terminal(f"{run}/ended:0", "echo typed-$((6 * 7))\nexit 3\n") == (True, 3)
    assert not (tmp_path / "ran").exists()

    if Path("/proc/self/environ").exists():
        assert "kept" in shell(f"{run}/runs", "cat here.txt; ls ..; exit\n").stdout
    printed = shell(f"{run}/ended:0", "", "--print").stdout
    assert printed.startswith(f"(cd {tmp_path} && exec env ")
    assert printed.endswith(" /bin/sh)\n")
    refused = batchrelay("shell", f"{run}/ended")
    assert (refused.exit_code, "has several children: write" in refused.output) == (2, True)
    missing = shell(f"{run}/ended:0", "", "--command", "/no/such/shell")
    assert (missing.returncode, "No such file or directory" in missing.stderr) == (2, True)
    batchrelay("cancel", run)


def on_a_terminal(place: str, typed: str) -> tuple[bool, int]:
    """Whether the answer came, and the exit code."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "batchrelay_cli", "shell", place],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        os.write(ours, typed.encode())
        seen = b""
        try:
            while chunk := os.read(ours, 4_096):
                seen += chunk
        except OSError:  # the other end is closed
            pass
        process.wait(timeout=30)
    os.close(ours)
    return b"typed-42" in seen, process.returncode
