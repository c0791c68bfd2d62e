"""The program `batch-local`: what it prints, and that nothing is left of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from batch_local.command_line import main
from programs import line_of, up, wait_until
from servers import make_shell, run_shell

pytestmark = pytest.mark.cloud


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rpartition(") ")[2].startswith("Z")


def test_the_printed_variables_are_those_of_every_sdk() -> None:
    with up() as running:
        url = running.environment["AWS_ENDPOINT_URL_BATCH"]
        assert url.startswith("http://127.0.0.1:")
        assert running.environment["AWS_ENDPOINT_URL_LOGS"] == url
        assert {*running.environment} == {
            *("AWS_ENDPOINT_URL_BATCH", "AWS_ENDPOINT_URL_LOGS", "AWS_ENDPOINT_URL_STS"),
            *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_REGION"),
        }


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_job_outlives_the_program(number: signal.Signals, tmp_path: Path) -> None:
    with up() as running:
        pid = running.start_job(tmp_path)
        running.process.send_signal(number)
        code = running.process.wait(timeout=15)
        wait_until(lambda: is_gone(pid))
    assert code == (0 if number != signal.SIGKILL else -signal.SIGKILL)


def test_events_are_lines_of_json_and_nothing_else_is_on_standard_output() -> None:
    with up("--events-to", "stdout") as running:
        client = running.client()
        make_shell(client)
        run_shell(client, "true")
        events = [json.loads(line_of(running.process.stdout)) for _ in range(4)]
    assert {event["source"] for event in events} == {"aws.batch"}
    assert events[-1]["detail"]["status"] == "SUCCEEDED"


def test_a_port_that_is_taken_is_an_error_with_what_to_write() -> None:
    with up() as running:
        port = running.environment["AWS_ENDPOINT_URL_BATCH"].rpartition(":")[2]
        done = subprocess.run(
            [sys.executable, "-m", "batch_local", "up", "--port", port],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "batch-local: this port is in use: choose another with --port, or leave it out for a free "
        "one\n"
    )


def test_help_has_an_example() -> None:
    text = CliRunner().invoke(main, ["up", "--help"]).output
    assert "Example: batch-local up --port 8000" in text


def test_a_variable_without_a_value_is_refused_with_what_to_write() -> None:
    result = CliRunner().invoke(main, ["up", "--environment", "A"])
    assert result.exit_code == 2
    assert "'A': write NAME=VALUE" in result.output


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("python", "'python': write IMAGE=COMMAND, such as python=python3"),
        ("python=", "'python=': write IMAGE=COMMAND"),
        ("python='open", 'image python: "\'open" is not a command: No closing quotation'),
    ],
)
def test_an_image_without_a_command_is_refused(text: str, sentence: str) -> None:
    result = CliRunner().invoke(main, ["up", "--image", text])
    assert result.exit_code == 2
    assert sentence in result.output


def test_a_receiver_of_no_known_form_is_refused() -> None:
    result = CliRunner().invoke(main, ["up", "--events-to", "x"])
    assert result.exit_code == 2
    assert "'x': write stdout, the URL of a webhook" in result.output


def test_what_happened_is_written_at_the_end_with_what_was_stopped(tmp_path: Path) -> None:
    file = tmp_path / "timeline.json"
    with up("--timeline", str(file)) as running:
        pid = running.start_job(tmp_path)
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(timeout=15) == 0
    [job] = json.loads(file.read_text())["jobs"]
    [attempt] = job["attempts"]
    assert (job["status"], attempt["exitCode"]) == ("FAILED", 128 + signal.SIGTERM)
    assert attempt["containers"][0]["pid"] == pid


def test_a_timeline_in_no_folder_is_refused_at_the_start(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["up", "--timeline", str(tmp_path / "no/t.json")])
    assert (result.exit_code, "there is no folder" in result.output) == (2, True)
