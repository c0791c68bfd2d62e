"""A run that failed is redriven on the local cloud, with real processes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from batchrelay_cli.client import Client
from batchrelay_cli.stack.client import find_stack
from batchrelay_local.launch import LocalCloud
from tests.conftest import client_of, make_queue, write
from tests.e2e.command_line import batchrelay, document, statuses

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("stays")]
PIPELINE = """
pipeline: redriven
params: {mode: broken}
defaults: {jobQueue: Q, jobDefinition: tools}
steps:
  - jobName: convert
    containerOverrides:
      command: [batchrelay-worker, run, --, sh, -c, 'if test "$0" = slow; then sleep 8; fi; test $ITEM_NAME != bad || test "$0" = repaired', "${params.mode}"]
    flow: {forEach: {items: [{name: a}, {name: bad}, {name: c}]}}
  - jobName: merge
    dependsOn: [{jobName: convert}]
    containerOverrides: {command: [echo, merged]}
jobDefinitions:
  - {jobDefinitionName: tools, type: container, containerProperties: {image: i, command: ["true"], vcpus: 1, memory: 64}}
"""  # noqa: E501  # a command is one line


def failed_run(tmp_path: Path) -> str:
    batchrelay("deploy", write(tmp_path, PIPELINE))
    run_id: str = document("start", "redriven")["runId"]
    assert batchrelay("status", run_id, "--watch").exit_code == 1
    assert statuses(run_id) == {"convert": "FAILED", "merge": "SKIPPED"}
    return run_id


def test_only_the_failed_item_and_what_depends_on_it_run_again(tmp_path: Path) -> None:
    run_id = failed_run(tmp_path)
    planned = batchrelay("redrive", run_id, "--plan")
    assert planned.exit_code == 0, planned.output
    assert planned.stdout.splitlines() == [
        "convert: failed items, 1 failed of 3 items (1 × ExitCode (exit code 1))",
        "merge: whole step (needs convert, which is FAILED)",
    ]
    result = batchrelay("redrive", run_id, "--param", "mode=repaired")
    assert result.exit_code == 0, result.output
    assert result.stdout == f"run {run_id}: RUNNING; batchrelay status {run_id} --watch\n"
    assert batchrelay("status", run_id, "--watch").exit_code == 0
    assert statuses(run_id) == {"convert": "SUCCEEDED", "merge": "SUCCEEDED"}
    convert = document("status", run_id)["steps"][0]
    assert [job["children"] for job in convert["jobs"]] == [3, 1], "the others did not run again"
    [latest] = [job["jobId"] for job in convert["jobs"] if job["round"] == 1]
    failed_child = document("failures", run_id)["steps"][0]["causes"][0]["sample"]["index"]
    place = f"{run_id}/convert:{failed_child}"
    shown = document("logs", place)
    assert (shown["jobId"], shown["round"]) == (latest, 1), "the item's latest round"
    assert batchrelay("logs", place).stderr.startswith(f"{run_id}/convert of round 1: attempt 1")
    assert document("logs", place, "--round", "0")["round"] == 0
    sentence = f"  it ran again: job {latest} of round 1: attempt 1 of 1, SUCCEEDED, exit code 0\n"
    assert sentence in batchrelay("spin", place).stderr
    [tuned] = document("tune", f"{run_id}/convert")
    assert tuned["items"] == 3, "of both rounds"
    again = batchrelay("redrive", run_id)
    assert (again.exit_code, again.output) == (
        2,
        f"batchrelay: run {run_id} has SUCCEEDED: nothing of it failed\n",
    )


def test_an_item_of_a_chunk_that_ran_again_is_shown_in_both_rounds(tmp_path: Path) -> None:
    chunks = PIPELINE.replace("{name: c}]}}", "{name: c}]}, chunk: 2}")
    batchrelay("deploy", write(tmp_path, chunks))
    run_id: str = document("start", "redriven")["runId"]
    assert batchrelay("status", run_id, "--watch").exit_code == 1
    assert batchrelay("redrive", run_id).exit_code == 0
    assert batchrelay("status", run_id, "--watch").exit_code == 1
    first, latest = (
        next(
            job["jobId"]
            for job in document("status", run_id)["steps"][0]["jobs"]
            if job["round"] == n
        )
        for n in (0, 1)
    )
    state = "attempt 1 of 1, FAILED, exit code 1"
    assert batchrelay("spin", f"{run_id}/convert:1").stderr.splitlines()[1:3] == [
        f"  job {first}:0 of round 0 (items 0 to 1 of child 0): {state}",
        f"  it ran again: job {latest} of round 1: {state}",
    ]
    assert "it ran again" not in batchrelay("spin", f"{run_id}/convert:0").stderr


def test_redrives_at_the_same_moment_are_one(tmp_path: Path) -> None:
    run_id = failed_run(tmp_path)
    stack = find_stack("batchrelay")

    def ask_once(_: int) -> str:
        try:
            answered = Client(stack).redrive(run_id, params={"mode": "slow"})
        except Exception as problem:  # noqa: BLE001  # its sentence is what is looked at
            return str(problem)
        return answered["runId"]

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ask_once, range(4)))
    assert answers.count(run_id) == 1, answers
    convert = document("status", run_id)["steps"][0]
    assert convert["round"] == 1
    batchrelay("cancel", run_id)


def test_a_redrive_whose_manifest_is_gone_changes_nothing(
    stays: LocalCloud, tmp_path: Path
) -> None:
    run_id = failed_run(tmp_path)
    before = document("status", run_id)
    bucket, s3 = stays.outputs["BucketName"], client_of(stays, "s3")
    for entry in s3.list_objects_v2(Bucket=bucket, Prefix=f"runs/{run_id}/")["Contents"]:
        s3.delete_object(Bucket=bucket, Key=entry["Key"])
    result = batchrelay("redrive", run_id)
    assert result.exit_code == 2
    assert "step convert: what failed is no longer known: s3://" in result.output
    assert "start a new run: skipExisting leaves out what is done" in result.output
    assert document("status", run_id) == before


REFUSED = [
    (["absent"], "there is no run absent"),
    (["RUN/"], "write RUN or RUN/STEP"),
    (["RUN/x"], "has no step x: it has convert, merge"),
    (["RUN/merge"], "step merge is SKIPPED"),
    (["RUN", "--class", "Oom"], "there is no class of failures Oom: known are "),
    (["RUN", "--class", "OutOfMemry"], "OutOfMemry: did you mean OutOfMemory? known are "),
    (["RUN", "--class", "ExitCode:abc"], "ExitCode:abc: an exit code is a number, 1 to 255"),
    (["RUN", "--queue", "QQ"], "no job queue QQ in this account and region: did you mean Q?"),
    (["RUN", "--queue", "Q-old"], "job queue Q-old is DISABLED: enable it, or name another one"),
    (["RUN", "--memory", "2"], "memory must be a factor, such as x2 or x1.5; got '2'"),
    (["RUN", "--memory", "x2"], "how much memory it has is written in its job definition only"),
    (["RUN", "--memory", ""], "--memory is empty: write its value, or leave it out"),
    (["RUN", "--queue", ""], "--queue is empty: write its value, or leave it out"),
    (["RUN", "--param", "a=b"], "pipeline redriven has no parameter a; known: mode"),
]


def test_a_redrive_that_cannot_be_right_is_refused(stays: LocalCloud, tmp_path: Path) -> None:
    run_id = failed_run(tmp_path)
    batch = client_of(stays, "batch")
    make_queue(batch, "Q-old", slots=1)
    batch.update_job_queue(jobQueue="Q-old", state="DISABLED")
    before = document("status", run_id)
    for arguments, problem in REFUSED:
        result = batchrelay("redrive", *(text.replace("RUN", run_id, 1) for text in arguments))
        assert (result.exit_code, problem in result.output) == (2, True), result.output
    assert document("status", run_id) == before
