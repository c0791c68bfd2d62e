"""`batchrelay run` as a user calls it: the whole stack, real processes, one exit code."""

from __future__ import annotations

import json
import os
import re
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
from tests.e2e.shell_pipelines import BATCHRELAY, pipeline, shell
from tests.functional.local_cloud.processes import is_alive, wait_until
from tests.stack import ROOT

pytestmark = pytest.mark.cloud

EXAMPLE = ROOT / "examples/word-count/pipeline.yaml"


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


def texts(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        (folder / f"a b+c%20é {number}.txt").write_text("lamp lamp Lamp the of it\n")
    return folder


@pytest.mark.parametrize("count", [0, 5])
def test_word_count_of_any_number_of_texts(tmp_path: Path, count: int) -> None:
    folder = texts(tmp_path / "texts", count)
    done = batchrelay(
        "run", str(EXAMPLE), "--param", f"source={folder}", "--output", "json",
        "--download", str(tmp_path / "out"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    steps = {step["step"]: step for step in report["run"]["steps"]}
    assert report["run"]["status"] == "SUCCEEDED"
    assert steps["migrate"]["status"] == ("SKIPPED" if count == 0 else "SUCCEEDED")
    assert steps["migrate"]["children"] == count
    top = json.loads((tmp_path / "out/merge/top.json").read_text())
    assert top == ({"lamp": 3 * count} if count else {})
    assert report["output"].endswith("/output/top.json")
    [notice] = report["notices"]
    assert notice["subject"] == "word-count SUCCEEDED"
    assert f"Run {report['run']['runId']}, " in notice["message"]
    assert report["output"] in notice["message"]


def test_a_run_prints_the_table_the_output_and_the_notice(tmp_path: Path) -> None:
    folder = texts(tmp_path / "texts", 3)
    done = batchrelay("run", str(EXAMPLE), "--param", f"source={folder}")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "lamp      9" in lines
    assert any(line.startswith("migrate      SUCCEEDED  3/3") for line in lines)
    assert any(line.startswith("output: s3://") for line in lines)
    assert any(line.startswith("notice: word-count SUCCEEDED") for line in lines)


WORDS = {
    "batch": (11, 0), "aws": (7, 1), "service": (4, 2), "amazon": (2, 3), "storage": (5, 0),
    "computing": (1, 3), "jobs": (4, 0), "data": (0, 4), "services": (2, 1), "simple": (1, 2),
    "workloads": (3, 0),
}  # fmt: skip
"""The table of a public post whose plan, migrate and merge this example ports: how often each word
stands in the first text and in the second."""

OTHERS = {"and": (12, 4), "S3": (3, 3), "bucket": (1, 1), "of": (9, 9)}
"""Words that the table leaves out: stop words, short ones, rare ones."""


@pytest.mark.parametrize("count", [2, 1])
def test_the_word_table_of_the_plan_migrate_merge_post(tmp_path: Path, count: int) -> None:
    """Of two texts by an array of two, and of one text that holds both by a plain job."""
    every = WORDS | OTHERS
    written = [
        " ".join(" ".join([word] * times[text]) for word, times in every.items())
        for text in range(2)
    ]
    folder = tmp_path / "texts"
    folder.mkdir()
    for number, text in enumerate(written if count == 2 else ["\n".join(written)], start=1):
        (folder / f"file{number}.txt").write_text(text.title() + "\n")
    out = tmp_path / "out"
    done = batchrelay("run", str(EXAMPLE), "--param", f"source={folder}", "--download", str(out))
    assert done.returncode == 0, done.stderr
    assert f"migrate      SUCCEEDED  {count}/{count}" in done.stdout
    table = {word: sum(times) for word, times in WORDS.items()}
    top = json.loads((out / "merge/top.json").read_text())
    assert top == table
    assert list(top.values()) == [11, 8, 6, 5, 5, 4, 4, 4, 3, 3, 3]
    printed = re.findall(r"^(\w+) +(\d+)$", done.stdout, re.MULTILINE)
    assert {word: int(times) for word, times in printed} == table


def test_a_failing_child_is_named_with_its_last_words(tmp_path: Path) -> None:
    script = (
        'echo working; test $AWS_BATCH_JOB_ARRAY_INDEX != 2 || { echo "disk is full"; exit 7; }'
    )
    steps = [
        {
            "jobName": "fan",
            "arrayProperties": {"size": 4},
            "containerOverrides": shell(script),
        },
        {"jobName": "after", "dependsOn": [{"jobName": "fan"}]},
    ]
    done = batchrelay("run", pipeline(tmp_path, steps=steps))
    assert done.returncode == 1
    assert "step fan failed: child 2 of 4, exit code 7: disk is full" in done.stdout
    assert "after        SKIPPED    (needs fan, which is FAILED)" in done.stdout
    assert "notice: p FAILED" in done.stdout


def test_a_failure_names_the_item_so_that_it_cannot_act(tmp_path: Path) -> None:
    items = [{"sample": f"S{n}"} for n in range(6)]
    items[5] = {"sample": "S5\x1b[2J[bold]\n\u202e" + "x" * 200}
    (tmp_path / "one.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
    each = {"file": "${params.list}", "format": "jsonl"}
    script = "test $AWS_BATCH_JOB_ARRAY_INDEX != LAST || exit 7"
    for chunk, last, who in (
        (1, 5, r'child 5 of 6 (item {"sample": "S5\u001b[2J[bold]\n\u202exxx'),
        (2, 1, 'child 1 of 3 (items 2 to 3, the first {"sample": "S2"}), exit code 7'),
    ):
        flow = {"forEach": each, "chunk": chunk}
        command = shell(script.replace("LAST", str(last)))
        steps = [{"jobName": "fan", "flow": flow, "containerOverrides": command}]
        file = pipeline(tmp_path, steps=steps, params={"list": {"type": "s3uri"}})
        done = batchrelay("run", file, "--param", f"list={tmp_path / 'one.jsonl'}")
        assert done.returncode == 1
        [line] = [line for line in done.stdout.splitlines() if line.startswith("step fan failed")]
        assert line.startswith(f"step fan failed: {who}")
        assert line.endswith("), exit code 7")
        assert len(line) < 180


def test_a_long_last_log_and_a_progress_bar_are_cut_with_a_notice(tmp_path: Path) -> None:
    write = "import sys; sys.stdout.write(''.join(f'\\r{n} of 400000' for n in range(400000)))"
    steps = [{"jobName": "bar", "containerOverrides": shell(f'python3 -c "{write}"; exit 3')}]
    done = batchrelay("run", pipeline(tmp_path, steps=steps))
    assert "step bar failed: exit code 3: 399999 of 400000\n" in done.stdout
    assert len(done.stdout) < 2_000
    steps = [{"jobName": "long", "containerOverrides": shell("seq 1 1500")}]
    lines = batchrelay("run", pipeline(tmp_path, steps=steps)).stdout.splitlines()
    first = lines.index("the last 1,000 lines of the last job's log:")
    assert (lines[first + 1], lines[first + 1_000]) == ("501", "1500")


def test_a_list_of_the_wrong_type_fails_its_step_before_anything_is_submitted(
    tmp_path: Path,
) -> None:
    (tmp_path / "plan.json").write_text('{"Items": {"a": 1}}')
    steps = [{"jobName": "fan", "flow": {"forEach": {"file": "${params.plan}", "items": "Items"}}}]
    file = pipeline(tmp_path, steps=steps, params={"plan": {"type": "s3uri"}})
    done = batchrelay("run", file, "--param", f"plan={tmp_path / 'plan.json'}")
    assert done.returncode == 1
    assert "plan.json: byte 10: there is no list at Items" in done.stdout


def test_a_missing_file_fails_its_step_with_a_sentence(tmp_path: Path) -> None:
    each = {"file": "s3://${env.bucket}/absent.json", "items": "Items"}
    steps = [{"jobName": "fan", "flow": {"forEach": each}}]
    done = batchrelay("run", pipeline(tmp_path, steps=steps))
    assert done.returncode == 1
    assert "absent.json: there is no such object" in done.stdout


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


def test_two_queues_run_to_the_end_and_nothing_of_a_job_outlives_it(tmp_path: Path) -> None:
    marker = tmp_path / "pid"
    steps = [
        {"jobName": "a", "arrayProperties": {"size": 20}},
        {"jobName": "b", "jobQueue": "other"},
        {
            "jobName": "c",
            "containerOverrides": shell(f"sleep 77 & echo $! > {marker}"),
        },
    ]
    done = batchrelay("run", pipeline(tmp_path, steps=steps))
    assert done.returncode == 0, done.stdout + done.stderr
    assert not is_alive(int(marker.read_text()))


def test_a_definition_that_cannot_run_here_is_reported_with_its_line(tmp_path: Path) -> None:
    definition = {
        "jobDefinitionName": "sh",
        "type": "multinode",
        "containerProperties": {"image": "none", "command": ["true"], "vcpus": 1, "memory": 64},
    }
    steps = [{"jobName": "a"}]
    done = batchrelay("run", pipeline(tmp_path, steps=steps, jobDefinitions=[definition]))
    assert done.returncode == 2
    assert "only definitions of type container, with containerProperties" in done.stderr


def test_an_output_that_was_never_written_is_reported(tmp_path: Path) -> None:
    steps = [{"jobName": "a", "flow": {"output": "s3://${env.bucket}/absent"}}]
    file = pipeline(tmp_path, steps=steps)
    done = batchrelay("run", file, "--download", str(tmp_path / "out"))
    assert done.returncode == 1, done.stderr
    assert "step a left nothing at s3://" in done.stdout
    assert batchrelay("run", file, "--download", "/proc/absent").returncode == 2


def test_a_storm_of_events_changes_nothing_but_the_time(tmp_path: Path) -> None:
    folder = texts(tmp_path / "texts", 3)
    done = batchrelay("run", str(EXAMPLE), "--param", f"source={folder}", "--chaos", "seed=7")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lamp      9" in done.stdout
    wrong = batchrelay("run", str(EXAMPLE), "--param", f"source={folder}", "--chaos", "storm")
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


def test_a_diamond_joins(tmp_path: Path) -> None:
    steps = [
        {"jobName": "top"},
        {"jobName": "left", "dependsOn": [{"jobName": "top"}], "arrayProperties": {"size": 3}},
        {"jobName": "right", "dependsOn": [{"jobName": "top"}]},
        {
            "jobName": "bottom",
            "dependsOn": [{"jobName": "left"}, {"jobName": "right"}],
            "containerOverrides": shell('echo "$BATCHRELAY_STEP of $BATCHRELAY_RUN_ID"'),
        },
    ]
    done = batchrelay("run", pipeline(tmp_path, steps=steps))
    assert done.returncode == 0, done.stdout + done.stderr
    assert any(line.startswith("bottom of k") for line in done.stdout.splitlines())


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
    many_calls, many_invocations = calls_of(tmp_path, 1_000)
    for children, calls, invocations in (
        (10, few_calls, few_invocations),
        (1_000, many_calls, many_invocations),
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
    assert not [path for path in Path("/proc").iterdir() if _is_of(path, endpoint)]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGKILL"])
def test_no_signal_leaves_a_process_or_a_port_behind(tmp_path: Path, name: str) -> None:
    marker = tmp_path / "pid"
    script = f"echo $$ > {marker}; exec sleep 60"
    file = pipeline(tmp_path, steps=[{"jobName": "a", "containerOverrides": shell(script)}])
    with started("run", file) as process:
        assert process.stdout is not None
        endpoint = process.stdout.readline().split()[3]
        wait_until(lambda: marker.exists() and marker.read_text().strip() != "", 30)
        process.send_signal(signal.Signals[name])
        process.wait(timeout=20)
        wait_until(lambda: not is_alive(int(marker.read_text())), 20)
        wait_until(lambda: not [p for p in Path("/proc").iterdir() if _is_of(p, endpoint)], 20)
        with pytest.raises(OSError, match="refused"):
            urllib.request.urlopen(endpoint)  # noqa: S310  # loopback


def _is_of(process: Path, endpoint: str) -> bool:
    try:
        environment = (process / "environ").read_bytes()
    except OSError:
        return False
    return f"AWS_ENDPOINT_URL={endpoint}".encode() in environment
