"""`logs --follow` of real jobs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import write
from tests.e2e.command_line import batchrelay, document

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("stays")]
SPEAKING = """
pipeline: speaking
steps:
  - jobName: speak
    jobDefinition: speak
    jobQueue: Speaking
    arrayProperties: {size: 2}
    containerOverrides:
      command: [sh, -c, 'for n in 1 2 3; do printf "$AWS_BATCH_JOB_ARRAY_INDEX at $n\\007\\n"; sleep 1; done; exit $AWS_BATCH_JOB_ARRAY_INDEX']
  - {jobName: after, jobDefinition: speak, jobQueue: Speaking, flow: {finally: true}}
jobDefinitions:
  - jobDefinitionName: speak
    type: container
    containerProperties: {image: i, command: [echo, done], vcpus: 1, memory: 64}
"""  # noqa: E501  # a command is one line


def test_a_run_is_followed_from_before_its_jobs_until_its_end(tmp_path: Path) -> None:
    batchrelay("deploy", write(tmp_path, SPEAKING))
    run_id = document("start", "speaking")["runId"]
    followed = batchrelay("logs", "--follow", run_id)
    assert followed.exit_code == 1, followed.output
    lines = followed.stdout.splitlines()
    assert sorted(lines) == [
        "after | done",
        *(f"speak:{index} | {index} at {n}\\x07" for index in (0, 1) for n in (1, 2, 3)),
    ]
    assert lines[-1] == "after | done"
    assert followed.stderr == f"{run_id}: FAILED\n"
    for index, word in ((0, "SUCCEEDED"), (1, "FAILED")):
        one = batchrelay("logs", "--follow", f"{run_id}/speak:{index}")
        assert one.exit_code == index
        assert one.stdout.splitlines() == [f"{index} at {n}\\x07" for n in (1, 2, 3)]
        assert one.stderr.startswith(f"{run_id}/speak:{index}: attempt 1 of 1, {word}")
    assert batchrelay("logs", "--follow", f"{run_id}/after").stdout == "done\n"
    refused = batchrelay("logs", "--follow", run_id, "--output", "json")
    assert (refused.exit_code, "leave --output json out" in refused.output) == (2, True)
    assert "has no step other" in batchrelay("logs", "-f", f"{run_id}/other").output


def test_ctrl_c_ends_it_without_a_word(tmp_path: Path) -> None:
    text = SPEAKING.replace("speaking", "endless").replace("sleep 1", "sleep 1000")
    batchrelay("deploy", write(tmp_path, text))
    run_id = document("start", "endless")["runId"]
    with subprocess.Popen(
        [sys.executable, "-m", "batchrelay_cli", "logs", "-f", f"{run_id}/speak:1"],
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as following:
        assert following.stdout is not None
        assert following.stdout.readline() == "1 at 1\\x07\n"
        following.send_signal(signal.SIGINT)
        printed, errors = following.communicate(timeout=20)
    assert (following.returncode, printed, errors) == (130, "", "")
    batchrelay("cancel", run_id)
