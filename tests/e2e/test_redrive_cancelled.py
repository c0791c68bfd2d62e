"""A run that was cancelled goes on by a redrive, on the local cloud, with real processes."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from batchrelay_cli.client import Client
from batchrelay_cli.stack.client import find_stack
from tests.conftest import write
from tests.e2e.command_line import batchrelay, document, statuses

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("stays")]
PIPELINE = """
pipeline: gated
params: {folder: none}
defaults: {jobQueue: Q, jobDefinition: tools}
steps:
  - jobName: list
    containerOverrides: {command: [sh, -c, 'test -e "$0/list" || exec sleep 600; echo list >> "$0/made-list"', "${params.folder}"]}
  - jobName: convert
    dependsOn: [{jobName: list}]
    containerOverrides:
      command: [batchrelay-worker, run, --, sh, -c, 'case $ITEM_NAME in now-*) ;; *) test -e "$0/convert" || exec sleep 600;; esac; echo $ITEM_NAME $BATCHRELAY_ROUND >> "$0/made-$ITEM_NAME"', "${params.folder}"]
    flow: {forEach: {items: [{name: now-0}, {name: now-1}, {name: later-0}, {name: later-1}, {name: later-2}]}}
  - jobName: merge
    dependsOn: [{jobName: convert}]
    containerOverrides: {command: [sh, -c, 'cat "$0"/made-now-* "$0"/made-later-* > "$0/made-merge"', "${params.folder}"]}
  - jobName: cleanup
    containerOverrides: {command: [sh, -c, 'echo ${run.status} >> "$0/made-cleanup"', "${params.folder}"]}
    flow: {finally: true}
jobDefinitions:
  - {jobDefinitionName: tools, type: container, containerProperties: {image: i, command: ["true"], vcpus: 1, memory: 64}}
"""  # noqa: E501  # a command is one line

NOW = ["now-0", "now-1"]
LATER = ["later-0", "later-1", "later-2"]
MERGED = "".join(f"{name} 0\n" for name in NOW) + "".join(f"{name} 1\n" for name in LATER)
WAIT_S = 60


def wait_for(is_there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not is_there():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def made(folder: Path) -> dict[str, str]:
    """What the jobs have written; a job that ran twice has written two lines."""
    return {path.name.removeprefix("made-"): path.read_text() for path in folder.glob("made-*")}


def open_gates(folder: Path, *steps: str) -> None:
    """These steps need not wait."""
    for step in steps:
        (folder / step).touch()


def started(folder: Path) -> str:
    """A run whose jobs write into a folder."""
    batchrelay("deploy", write(folder, PIPELINE))
    run_id: str = document("start", "gated", "--param", f"folder={folder}")["runId"]
    return run_id


def cancelled(run_id: str) -> None:
    assert batchrelay("cancel", run_id).exit_code == 0
    batchrelay("status", run_id, "--watch")
    assert document("status", run_id)["status"] == "CANCELLED"


def cancelled_in_its_array(folder: Path) -> str:
    """A run with two of five items done."""
    open_gates(folder, "list")
    run_id = started(folder)
    wait_for(lambda: {"now-0", "now-1"} <= made(folder).keys())
    wait_for(lambda: document("status", run_id)["steps"][1]["succeeded"] == len(NOW))
    cancelled(run_id)
    return run_id


def test_only_what_was_stopped_and_what_depends_on_it_run_again(tmp_path: Path) -> None:
    run_id = cancelled_in_its_array(tmp_path)
    assert statuses(run_id) == {
        "list": "SUCCEEDED",
        "convert": "CANCELLED",
        "merge": "CANCELLED",
        "cleanup": "SUCCEEDED",
    }
    assert batchrelay("redrive", run_id, "--plan").stdout.splitlines() == [
        "convert: failed items, 0 failed and 3 stopped of 5 children (the run was cancelled)",
        "merge: whole step (the run was cancelled)",
        "cleanup: whole step",
    ]
    open_gates(tmp_path, "convert")
    assert batchrelay("redrive", run_id, "--class", "Stopped").exit_code == 0
    assert batchrelay("status", run_id, "--watch").exit_code == 0
    assert set(statuses(run_id).values()) == {"SUCCEEDED"}
    [failures] = document("failures", run_id)["steps"]
    assert [(c["class"], c["count"], c["again"]) for c in failures["causes"]] == [("Stopped", 3, 3)]
    convert = document("status", run_id)["steps"][1]
    assert [job["children"] for job in convert["jobs"]] == [5, 3]
    assert made(tmp_path) == {
        "list": "list\n",
        **{name: f"{name} 0\n" for name in NOW},
        **{name: f"{name} 1\n" for name in LATER},
        "merge": MERGED,
        "cleanup": "CANCELLED\nSUCCEEDED\n",
    }


def test_an_array_that_was_not_submitted_yet_runs_whole(tmp_path: Path) -> None:
    run_id = started(tmp_path)
    wait_for(lambda: statuses(run_id)["list"] == "ACTIVE")
    cancelled(run_id)
    assert statuses(run_id)["convert"] == "CANCELLED"
    assert made(tmp_path) == {"cleanup": "CANCELLED\n"}
    assert batchrelay("redrive", run_id, "--plan").stdout.splitlines() == [
        "list: failed items, 0 failed and 1 stopped of 1 child (the run was cancelled)",
        "convert: whole step (the run was cancelled)",
        "merge: whole step (the run was cancelled)",
        "cleanup: whole step",
    ]
    open_gates(tmp_path, "list", "convert")
    assert batchrelay("redrive", run_id).exit_code == 0
    assert batchrelay("status", run_id, "--watch").exit_code == 0
    convert = document("status", run_id)["steps"][1]
    assert [job["children"] for job in convert["jobs"]] == [5]
    files = made(tmp_path)
    assert files.pop("list") == "list\n"
    assert files.pop("cleanup") == "CANCELLED\nSUCCEEDED\n"
    assert sorted(files) == sorted([*NOW, *LATER, "merge"])
    assert all(len(text.splitlines()) == 1 for name, text in files.items() if name != "merge")


def test_two_redrives_at_the_same_moment_start_one(tmp_path: Path) -> None:
    run_id = cancelled_in_its_array(tmp_path)
    open_gates(tmp_path, "convert")
    stack = find_stack("batchrelay")

    def ask_once(_: int) -> str:
        try:
            return Client(stack).redrive(run_id)["runId"]
        except Exception as problem:  # noqa: BLE001  # its sentence is what is looked at
            return str(problem)

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(ask_once, range(2)))
    assert answers.count(run_id) == 1, answers
    assert batchrelay("status", run_id, "--watch").exit_code == 0
    convert = document("status", run_id)["steps"][1]
    assert [job["children"] for job in convert["jobs"]] == [5, 3]
    assert made(tmp_path)["merge"] == MERGED
