"""One item of a run runs again here, on its real input, and the run stays as it is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from batchrelay.aws_lambda.wiring import store
from batchrelay_cli.stack.client import local_client_factory
from batchrelay_local.launch import LocalCloud
from tests.conftest import client_of, write
from tests.e2e.command_line import batchrelay, document
from tests.functional.local_cloud.processes import is_alive, wait_until

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("stays")]

PROGRAM = """
import os, sys
print("item", os.environ["ITEM_NAME"], "child", os.environ["AWS_BATCH_JOB_ARRAY_INDEX"])
print("\\x1b]0;title\\x07", flush=True)
sys.exit(3 if os.environ["ITEM_NAME"] == "n5" else 0)
"""

PIPELINE = """
pipeline: spun
defaults: {jobQueue: Spun, jobDefinition: tools}
steps:
  - jobName: convert
    containerOverrides: {command: [batchrelay-worker, run, --, python, convert.py]}
    flow: {forEach: {items: [{name: n0}, {name: n1}, {name: n2}, {name: n3}, {name: n4}, {name: n5}, {name: n6}]}, chunk: 2}
  - jobName: index
    containerOverrides: {command: [sh, -c, 'echo "row $AWS_BATCH_JOB_ARRAY_INDEX of $AWS_BATCH_JOB_ARRAY_SIZE, kind $KIND"; test $AWS_BATCH_JOB_ARRAY_INDEX != 2']}
    arrayProperties: {size: 4}
  - jobName: pull
    containerOverrides: {command: [batchrelay-worker, run, --, sh, -c, 'echo "pulled $ITEM"']}
    flow: {forEach: {items: [a, b, c]}, queue: {workers: 2}}
  - jobName: later
    dependsOn: [{jobName: convert}]
    containerOverrides: {command: [echo, later]}
jobDefinitions:
  - jobDefinitionName: tools
    type: container
    containerProperties:
      image: i
      command: ["true"]
      vcpus: 1
      memory: 64
      environment: [{name: KIND, value: "it's so"}]
"""  # noqa: E501  # a command is one line


@pytest.fixture(scope="module")
def failed_runs() -> dict[str, str]:
    """One for the module, by the folder of its program."""
    return {}


@pytest.fixture
def place(
    failed_runs: dict[str, str], tmp_path_factory: pytest.TempPathFactory, stays: LocalCloud
) -> tuple[str, Path]:
    """A run that failed, and the folder of its program."""
    if not failed_runs:
        folder = tmp_path_factory.mktemp("spun")
        (folder / "convert.py").write_text(PROGRAM)
        deployed = batchrelay("deploy", write(folder, PIPELINE))
        assert deployed.exit_code == 0, deployed.output
        run_id = document("start", "spun")["runId"]
        assert batchrelay("status", run_id, "--watch").exit_code == 1
        failed_runs |= {"run": run_id, "folder": str(folder)}
    return failed_runs["run"], Path(failed_runs["folder"])


def state_of(cloud: LocalCloud, run_id: str) -> tuple[Any, dict[str, str]]:
    """The run as it is stored, and the objects of the bucket, each with its content's hash."""
    run = store(cloud.outputs["TableName"], local_client_factory(cloud.environment)).load(run_id)
    pages = (
        client_of(cloud, "s3")
        .get_paginator("list_objects_v2")
        .paginate(Bucket=cloud.outputs["BucketName"])
    )
    objects = {
        entry["Key"]: f"{entry['ETag']} {entry['LastModified']}"
        for page in pages
        for entry in page.get("Contents", ())
    }
    return run, objects


def test_an_item_is_spun_repaired_and_spun_again_and_the_run_stays_as_it_is(
    place: tuple[str, Path], stays: LocalCloud
) -> None:
    run_id, folder = place
    before = state_of(stays, run_id)
    jobs = client_of(stays, "batch").list_jobs(jobQueue="Spun", filters=[
        {"name": "JOB_NAME", "values": ["*"]}
    ])["jobSummaryList"]  # fmt: skip
    result = batchrelay("spin", f"{run_id}/convert:5")
    assert result.exit_code == 3, result.output
    assert result.stdout.splitlines()[:2] == ["item n5 child 2", r"\x1b]0;title\x07"]
    first, job, *facts = result.stderr.splitlines()
    assert first == f'item 5 of step convert of run {run_id}: {{"name": "n5"}}'
    state = "attempt 1 of 1, FAILED, exit code 3"
    assert job.endswith(f":2 of round 0 (items 4 to 5 of child 2): {state}")
    assert "  command: batchrelay-worker run -- python convert.py" in facts
    assert f"  in: {folder}" in facts
    assert facts[-1].startswith("exit code 3, ")
    assert facts[-1].endswith(" MiB of 64 MiB")
    program = folder / "convert.py"
    program.write_text(PROGRAM.replace("sys.exit(3", "sys.exit(0"))
    try:
        again = batchrelay("spin", f"{run_id}/convert:5")
    finally:
        program.write_text(PROGRAM)
    assert again.exit_code == 0, again.output
    assert state_of(stays, run_id) == before
    after = client_of(stays, "batch").list_jobs(jobQueue="Spun", filters=[
        {"name": "JOB_NAME", "values": ["*"]}
    ])["jobSummaryList"]  # fmt: skip
    assert after == jobs, "no job was submitted"


def test_a_child_that_knows_its_index_only_is_the_same_child(place: tuple[str, Path]) -> None:
    run_id, _ = place
    result = batchrelay("spin", f"{run_id}/index:2")
    assert (result.exit_code, result.stdout) == (1, "row 2 of 4, kind it's so\n"), result.output
    assert batchrelay("spin", f"{run_id}/index:3").exit_code == 0


def test_an_item_of_a_work_queue_is_given_to_the_worker(place: tuple[str, Path]) -> None:
    result = batchrelay("spin", f"{place[0]}/pull:1")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0] == 'pulled "b"'
    first, job, note, *_ = result.stderr.splitlines()
    assert first == f"item 1 of step pull of run {place[0]}: b"
    [job_id] = [job["jobId"] for job in document("status", place[0])["steps"][2]["jobs"]]
    assert job == f"  job {job_id} of round 0 (one of its 2 workers received it): SUCCEEDED"
    assert note == "  note: step pull has SUCCEEDED, so this item did not fail for good"


def test_failures_name_the_command(place: tuple[str, Path]) -> None:
    shown = batchrelay("failures", f"{place[0]}/index").output
    assert f"  once more, on this machine: batchrelay spin {place[0]}/index:2\n" in shown


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        ("absent/convert:1", "there is no run absent"),
        ("RUN/other:1", "run RUN has no step other: it has convert, index, pull, later"),
        ("RUN/convert:7", "step convert has no item 7: it has 0 to 6"),
        ("RUN/later", "step later is SKIPPED (needs convert, which is FAILED): it has no items"),
        ("RUN/convert", "step convert has several items: write RUN/convert:ITEM"),
        ("RUN", "'RUN': write RUN/STEP:ITEM"),
        ("RUN/convert:x", "'RUN/convert:x': write RUN/STEP:ITEM"),
    ],
)
def test_what_cannot_be_spun_is_refused(place: tuple[str, Path], item: str, sentence: str) -> None:
    result = batchrelay("spin", item.replace("RUN", place[0]))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith(f"batchrelay: {sentence.replace('RUN', place[0], 1)}")


def test_the_printed_command_does_the_same(place: tuple[str, Path]) -> None:
    printed = batchrelay("spin", f"{place[0]}/index:2", "--print")
    assert printed.exit_code == 0, printed.output
    [line] = printed.stdout.splitlines()
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "row 2 of 4, kind it's so\n"), done.stderr


def test_another_command_may_stand_before_it(place: tuple[str, Path], tmp_path: Path) -> None:
    result = batchrelay(
        "spin", f"{place[0]}/index:2", "--entrypoint", "echo 'a b'", "--dir", str(tmp_path)
    )
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("a b sh -c echo")
    assert f"  in: {tmp_path}\n" in result.stderr
    absent = batchrelay("spin", f"{place[0]}/index:2", "--entrypoint", "no-such-program")
    assert absent.exit_code == 2
    assert absent.stderr.startswith("batchrelay: no-such-program is not on this machine: install")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_ends_the_program_and_leaves_nothing(place: tuple[str, Path], name: str) -> None:
    process, pids = spinning(place[0])
    os.kill(process.pid, signal.Signals[name])
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors.splitlines()[-1]) == (130, "interrupted")
    wait_until(lambda: not any(map(is_alive, pids)), 5)


def test_a_killed_spin_leaves_no_program(place: tuple[str, Path]) -> None:
    process, pids = spinning(place[0])
    process.kill()
    wait_until(lambda: not any(map(is_alive, pids)), 5)
    process.communicate(timeout=20)


def spinning(run_id: str) -> tuple[subprocess.Popen[str], list[int]]:
    """A program that waits, and its two processes."""
    script = "sleep 60 & echo $$ $!; wait"
    process = subprocess.Popen(
        [sys.executable, "-m", "batchrelay_cli", "spin", f"{run_id}/index:2",
         "--entrypoint", f"sh -c '{script}'"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env=dict(os.environ),
    )  # fmt: skip
    assert process.stdout is not None
    return process, [int(word) for word in process.stdout.readline().split()]
