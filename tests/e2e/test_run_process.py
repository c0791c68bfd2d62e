"""`batchrelay run` as a user calls it: a process and its own cloud, of which nothing is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from batchrelay_cli.stack.client import find_stack, local_client_factory
from batchrelay_local.launch import call_counts
from benchmarks.workflow import invocations_of
from tests.e2e.shell_pipelines import BATCHRELAY, WORD_COUNT, pipeline, shell, texts
from tests.functional.local_cloud.processes import descendants, is_alive, wait_until

pytestmark = pytest.mark.cloud


def batchrelay(*arguments: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*BATCHRELAY, *arguments], capture_output=True, text=True, timeout=seconds, check=False
    )


@contextmanager
def started(
    *arguments: str, stderr: IO[str] | int = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[str]]:
    """The program under way. It receives Ctrl-C even where a shell's `&` has it ignored."""
    process = subprocess.Popen(
        [*BATCHRELAY, *arguments],
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def exported(process: subprocess.Popen[str]) -> dict[str, str]:
    """The variables that a cloud prints for a shell, once it has printed all of them."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.strip())
        if line.strip() == "# Ctrl-C ends it":
            break
    words = [line.split()[1] for line in lines if line.startswith("export ")]
    return dict(word.split("=", 1) for word in words)


def test_a_run_prints_the_table_the_output_and_the_notice(tmp_path: Path) -> None:
    folder = texts(tmp_path / "texts", 3)
    done = batchrelay("run", WORD_COUNT, "--param", f"source={folder}")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "lamp      9" in lines
    assert any(line.startswith("migrate      SUCCEEDED  3/3") for line in lines)
    assert any(line.startswith("output: s3://") for line in lines)
    assert any(line.startswith("notice: word-count SUCCEEDED") for line in lines)


def test_settings_that_have_nothing_to_do_with_it_change_nothing(tmp_path: Path) -> None:
    """A proxy of the company, a profile that is not there."""
    environment = {
        **os.environ,
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
        "AWS_PROFILE": "absent",
    }
    file = pipeline(tmp_path, steps=[{"jobName": "a"}])
    done = subprocess.run(
        [*BATCHRELAY, "run", file],
        capture_output=True, text=True, env=environment, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_storm_of_events_changes_nothing_but_the_time(tmp_path: Path) -> None:
    folder = texts(tmp_path / "texts", 3)
    done = batchrelay("run", WORD_COUNT, "--param", f"source={folder}", "--chaos", "seed=7")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lamp      9" in done.stdout
    wrong = batchrelay("run", WORD_COUNT, "--param", f"source={folder}", "--chaos", "storm")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "'storm': write one of seed, event_dropped" in wrong.stderr


def test_an_aws_batch_can_be_had_alone() -> None:
    with started("local", "up", "--only", "batch") as process:
        client = local_client_factory(exported(process))
        assert client("batch").describe_job_queues()["jobQueues"] == []
        assert client("dynamodb").list_tables()["TableNames"] == []
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130


def test_a_local_cloud_prints_the_notices_of_its_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Safely: also those that anybody else publishes to its topic."""
    errors = tmp_path / "errors"
    with errors.open("w") as stderr, started("local", "up", stderr=stderr) as process:
        for name, value in exported(process).items():
            monkeypatch.setenv(name, value)
        file = pipeline(tmp_path, steps=[{"jobName": "a"}])
        assert batchrelay("deploy", file).returncode == 0
        run_id = json.loads(batchrelay("start", "p", "--output", "json").stdout)["runId"]
        assert batchrelay("status", run_id, "--watch").returncode == 0
        wait_until(lambda: "a: SUCCEEDED" in errors.read_text())
        stack = find_stack("batchrelay")
        stack.make_client("sns").publish(
            TopicArn=stack.outputs["TopicArn"], Subject="s", Message="\x1b]0;t\x07 end"
        )
        wait_until(lambda: "x07 end" in errors.read_text())
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130
    text = errors.read_text()
    assert text.startswith("notice: p SUCCEEDED\n")
    assert "\nnotice: s\n" + r"  \x1b]0;t\x07 end" + "\n" in text


def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        file = pipeline(tmp_path, steps=[{"jobName": "a"}])
        done = batchrelay("run", file, "--port", str(port))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"batchrelay: port {port} is in use: choose another with --port, "
        "or leave it out for a free one\n"
    )


def calls_of(tmp_path: Path, children: int) -> tuple[dict[str, Any], int]:
    """What the handlers asked of AWS in a run of a fan-out: calls, and Lambda invocations."""
    folder = tmp_path / str(children)
    folder.mkdir()
    (folder / "plan.json").write_text(json.dumps({"Items": list(range(children))}))
    steps = [
        {"jobName": "plan"},
        {
            "jobName": "fan",
            "dependsOn": [{"jobName": "plan"}],
            "flow": {"forEach": {"file": "${params.plan}", "items": "Items"}},
        },
        {"jobName": "merge", "dependsOn": [{"jobName": "fan"}]},
    ]
    file = pipeline(folder, steps=steps, params={"plan": {"type": "s3uri"}})
    with started("run", file, "--param", f"plan={folder / 'plan.json'}", "--keep") as process:
        return _calls_of(process)


def _calls_of(process: subprocess.Popen[str]) -> tuple[dict[str, Any], int]:
    environment = exported(process)
    calls = call_counts(environment)["handlers"]
    invocations = invocations_of(local_client_factory(environment)("logs"))
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 130
    return calls, invocations


def test_calls_and_invocations_do_not_grow_with_children(tmp_path: Path) -> None:
    few_calls, few_invocations = calls_of(tmp_path, 10)
    many_calls, many_invocations = calls_of(tmp_path, 200)
    for children, calls, invocations in (
        (10, few_calls, few_invocations),
        (200, many_calls, many_invocations),
    ):
        print(f"N={children}: {invocations} Lambda invocations, {calls}")
    assert few_calls["batch.submitjob"] == many_calls["batch.submitjob"] == 3
    assert few_calls["s3.PUT"] == many_calls["s3.PUT"] == 2
    assert few_calls["sqs.SendMessage"] == many_calls["sqs.SendMessage"] == 1
    # An event may overtake the write of a jobId, which costs one more read and one write less.
    for call in ("dynamodb.GetItem", "dynamodb.PutItem"):
        assert abs(few_calls[call] - many_calls[call]) <= 3
    assert set(few_calls) == set(many_calls)
    assert few_invocations == many_invocations == 5


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_leaves_nothing_behind(tmp_path: Path, times: int) -> None:
    marker = tmp_path / "pid"
    script = f"trap '' TERM; echo $$ > {marker}; sleep 60"
    file = pipeline(tmp_path, steps=[{"jobName": "a", "containerOverrides": shell(script)}])
    with started("run", file) as process:
        _interrupt(process, marker, times)


def _interrupt(process: subprocess.Popen[str], marker: Path, times: int) -> None:
    assert process.stdout is not None
    endpoint = process.stdout.readline().split()[3]
    cloud = _cloud_of(process)
    while not marker.exists() or not marker.read_text().strip():
        time.sleep(0.05)
    began = time.monotonic()
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
    assert process.wait(timeout=20) == 130
    if times == 2:
        assert time.monotonic() - began < 2.9, "a second Ctrl-C is immediate"
    assert not Path(f"/proc/{marker.read_text().strip()}").exists()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(endpoint)  # noqa: S310  # loopback
    assert descendants(cloud) == []
    assert not [path for path in Path("/proc").iterdir() if _is_of(path, endpoint)]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGKILL"])
def test_no_signal_leaves_a_process_or_a_port_behind(tmp_path: Path, name: str) -> None:
    marker = tmp_path / "pid"
    script = f"echo $$ > {marker}; exec sleep 60"
    file = pipeline(tmp_path, steps=[{"jobName": "a", "containerOverrides": shell(script)}])
    with started("run", file) as process:
        assert process.stdout is not None
        endpoint = process.stdout.readline().split()[3]
        cloud = _cloud_of(process)
        wait_until(lambda: marker.exists() and marker.read_text().strip() != "", 30)
        process.send_signal(signal.Signals[name])
        process.wait(timeout=20)
        wait_until(lambda: not is_alive(int(marker.read_text())), 20)
        wait_until(lambda: not [p for p in Path("/proc").iterdir() if _is_of(p, endpoint)], 20)
        wait_until(lambda: descendants(cloud) == [], 20)
        with pytest.raises(OSError, match="refused"):
            urllib.request.urlopen(endpoint)  # noqa: S310  # loopback


def _cloud_of(process: subprocess.Popen[str]) -> int:
    """The session of the cloud that a command has started: its Lambda workers are forks, which
    show the environment of the fork server."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    [cloud] = [int(child) for child in children if os.getsid(int(child)) == int(child)]
    return cloud


def _is_of(process: Path, endpoint: str) -> bool:
    try:
        environment = (process / "environ").read_bytes()
    except OSError:
        return False
    return f"AWS_ENDPOINT_URL={endpoint}".encode() in environment
