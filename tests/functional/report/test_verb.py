"""`batchrelay report` on runs of real processes, and in a real browser: hostile items and logs."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest
from playwright.sync_api import Browser

from batchrelay_cli.client import Client
from batchrelay_cli.stack.client import find_stack
from batchrelay_cli.verbs.report_watch import Shown, serving
from batchrelay_local.launch import LocalCloud
from tests.conftest import write
from tests.e2e.command_line import batchrelay
from tests.functional.report.runs import FAILING, ITEMS, TEXT, WORKED, started
from tests.stack import ROOT

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("stays")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


RUNS: dict[str, str] = {}
"""Of this module's cloud, by pipeline: a run is looked at by several tests."""


@pytest.fixture
def failed_run(stays: LocalCloud, folder: Path) -> str:
    if "failing" not in RUNS:
        RUNS["failing"] = started(folder, FAILING, "failing")
        assert batchrelay("status", RUNS["failing"], "--watch").exit_code == 4
    return RUNS["failing"]


@pytest.fixture
def open_run(stays: LocalCloud, folder: Path) -> Iterator[str]:
    run_id = started(folder, WORKED, "worked")
    end = time.monotonic() + 60
    with_stack = find_stack("batchrelay")
    while time.monotonic() < end:
        steps = Client(with_stack).status(run_id)["steps"]
        if steps[1]["status"] == "ACTIVE":
            break
        time.sleep(0.2)
    yield run_id
    batchrelay("cancel", run_id)


def test_the_page_of_a_failed_run_opens_in_a_browser_and_nothing_of_the_run_runs(
    failed_run: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, browser: Browser
) -> None:
    monkeypatch.chdir(tmp_path)
    result = batchrelay("report", failed_run)
    assert result.exit_code == 0, result.output
    assert re.match(rf"wrote {failed_run}\.html \(\d+ KB\): open it in a browser\n", result.stdout)
    assert f"next: batchrelay failures {failed_run}/work\n" in result.stdout
    context = browser.new_context()
    page = context.new_page()
    messages: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto((tmp_path / f"{failed_run}.html").as_uri())
    page.keyboard.press("F")
    page.wait_for_timeout(200)
    body = page.locator("body").inner_text()
    assert page.evaluate("window.ran") is None
    assert (messages, len(requests)) == ([], 1)
    assert TEXT in body
    for words in ("ExitCode", "65", "75", "Killed"):
        assert words in body
    context.close()


def test_the_document_has_every_child_with_its_cause_item_and_log(failed_run: str) -> None:
    result = batchrelay("report", failed_run, "--json", "-o", "-")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    schema = json.loads((ROOT / "docs/reference/run-report.schema.json").read_text())
    jsonschema.validate(document, schema)
    work, after = document["steps"]
    assert work["columns"]["state"] == "SFFSFSFS"
    causes = {(c["class"], c["exitCode"]): c["count"] for c in work["causes"]}
    assert causes == {("ExitCode", 65): 2, ("ExitCode", 75): 1, ("Killed", 137): 1}
    assert {child["item"] for child in work["measured"]["failed"]} == {
        ITEMS[number] for number in (1, 2, 4, 6)
    }
    assert all(child["logStream"] for child in work["measured"]["failed"])
    [resource] = work["resources"]
    assert (resource["vcpus"], resource["memoryMiB"], resource["queue"]) == (1, 64, "Q")
    assert after["measured"]["states"] == {"SUCCEEDED": 1}
    assert document["region"] is None, "a local cloud has no console"


def test_a_local_run_costs_by_a_rate_of_its_queue_and_is_unknown_without(
    failed_run: str, tmp_path: Path
) -> None:
    words = ("report", failed_run, "--json", "-o", "-")
    assert json.loads(batchrelay(*words).stdout)["cost"] is None
    prices = tmp_path / "prices.json"
    prices.write_text(json.dumps({"queues": {"Q": {"vcpuHour": 3600, "gibHour": 0}}}))
    document = json.loads(batchrelay(*words, "--prices", str(prices)).stdout)
    assert document["cost"]["usd"] == pytest.approx(document["run"]["ranMs"] / 1000, abs=0.01)
    assert document["cost"]["source"] == "your rate of Q"


def estimate(file: str, *words: str) -> dict[str, Any]:
    result = batchrelay("plan", file, "--estimate", "--output", "json", *words)
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)["estimate"]
    return document


def test_a_plan_estimates_by_what_the_last_run_took(failed_run: str, tmp_path: Path) -> None:
    """Four of eight items ended well: so the times are theirs, and the cost is of all eight."""
    prices = tmp_path / "prices.json"
    prices.write_text(json.dumps({"queues": {"Q": {"vcpuHour": 3600, "gibHour": 0}}}))
    file = write(tmp_path, FAILING)
    document = estimate(file, "--prices", str(prices))
    work, after = document["steps"]
    assert document["runs"] == [failed_run]
    assert (work["items"], work["itemsFrom"], work["children"]) == (8, "as the file says", 8)
    assert work["secondsPerItem"]["measured"] == 4
    assert (work["vcpus"], work["memoryMiB"]) == (1, 64)
    median = work["secondsPerItem"]["median"]
    assert median > 0
    assert work["cost"]["amount"] == pytest.approx(8 * median), "a dollar for a second of a vCPU"
    assert document["total"]["amount"] == pytest.approx(
        work["cost"]["amount"] + after["cost"]["amount"]
    )
    text = batchrelay("plan", file, "--estimate", "--prices", str(prices)).stdout
    assert f"estimate, by what items took in {failed_run}" in text
    assert "prices: your rate of Q" in text
    unpriced = estimate(file)
    assert (unpriced["total"], unpriced["unknown"]) == (None, ["work", "after"])


def test_an_estimate_says_what_is_not_known(failed_run: str, tmp_path: Path) -> None:
    """Of a pipeline that never ran; with a list that a run makes, and with a typing error."""
    text = FAILING.replace("pipeline: failing", "pipeline: never").replace(
        json.dumps(ITEMS), '{file: "s3://bucket/list.json"}'
    )
    text = re.sub(r"forEach: \{items: (.*?)\}, tol", r"forEach: \1, tol", text)
    file = write(tmp_path, text)
    document = estimate(file)
    work, after = document["steps"]
    assert document["runs"] == []
    assert work["cost"]["reason"].endswith("say how many with --items N")
    assert after["cost"]["reason"] == "no earlier run of this step"
    assert estimate(file, "--items", "work=7")["steps"][0]["items"] == 7
    for words in (["--items", "after=3"], ["--items", "x"], ["--items", "1", "--items", "2"]):
        assert batchrelay("plan", file, "--estimate", *words).exit_code == 2
    assert "no run of this pipeline has ended" in batchrelay("plan", file, "--estimate").stdout


def test_the_status_of_a_run_has_its_cost_when_asked(failed_run: str, tmp_path: Path) -> None:
    prices = tmp_path / "prices.json"
    prices.write_text(json.dumps({"queues": {"Q": {"vcpuHour": 3600, "gibHour": 0}}}))
    words = ("status", failed_run, "--cost", "--prices", str(prices))
    document = json.loads(batchrelay(*words, "--output", "json").stdout)
    assert document["cost"]["isEstimate"] is True
    assert document["cost"]["usd"] == pytest.approx(sum(s["costUsd"] for s in document["steps"]))
    shown = batchrelay(*words)
    assert shown.exit_code == 4
    assert "cost: an estimate of $" in shown.stdout
    assert "\\n" not in shown.stdout
    assert "summed: vCPUs and memory of every attempt, at your rates" in shown.stdout
    assert "cost: unknown: " in batchrelay("status", failed_run, "--cost").stdout
    assert batchrelay("status", failed_run, "--prices", str(prices)).exit_code == 2


def test_the_trace_has_a_slice_for_each_child(failed_run: str, tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    assert batchrelay("report", failed_run, "--trace", "-o", str(path)).exit_code == 0
    events = json.loads(path.read_text())["traceEvents"]
    assert len([event for event in events if event.get("cat")]) == 9


def test_two_runs_are_compared(failed_run: str, open_run: str, tmp_path: Path) -> None:
    path = tmp_path / "both.html"
    assert batchrelay("report", open_run, failed_run, "-o", str(path)).exit_code == 0
    assert f"With run <code>{failed_run}</code>" in path.read_text()


def test_what_the_worker_measured_is_beside_what_was_requested(open_run: str) -> None:
    document = json.loads(batchrelay("report", open_run, "--json", "-o", "-").stdout)
    [resource] = document["steps"][0]["resources"]
    assert resource["peakMiB"]["count"] == 3
    assert resource["peakMiB"]["min"] > 1
    assert document["steps"][1]["measured"]["states"] in ({"RUNNING": 1}, {"WAITING": 1})
    assert document["next"]["command"] == f"batchrelay status {open_run} --watch"


def test_an_unknown_run_is_one_clear_line() -> None:
    result = batchrelay("report", "absent")
    assert (result.exit_code, result.output) == (2, "batchrelay: there is no run absent\n")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("a", "b", "--json"), "--json is of one run: leave b out"),
        (("a", "--watch", "-o", "x.html"), "--watch writes no file: leave --out out"),
    ],
)
def test_options_that_mean_nothing_together_are_refused(
    words: tuple[str, ...], sentence: str
) -> None:
    result = batchrelay("report", *words)
    assert (result.exit_code, sentence in result.output) == (2, True)


def test_jobs_that_aws_batch_has_forgotten_leave_the_counts_and_a_note(
    failed_run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = find_stack("batchrelay")
    document = Client(stack).status(failed_run)
    document["steps"][0]["jobs"][0]["jobId"] = "00000000-0000-4000-8000-000000000000"
    monkeypatch.setattr(Client, "status", lambda _client, _run_id: document)
    result = batchrelay("report", failed_run, "--json", "-o", "-")
    work = json.loads(result.stdout)["steps"][0]
    assert (work["measured"], work["failed"]) == (None, 4)
    assert "step work: AWS Batch no longer knows 1 of 1 jobs" in result.stderr


def test_a_place_that_cannot_be_written_is_one_clear_line(failed_run: str, tmp_path: Path) -> None:
    path = tmp_path / "absent" / "x.html"
    result = batchrelay("report", failed_run, "-o", str(path))
    assert result.exit_code == 2
    assert f"batchrelay: {path}: No such file or directory" in result.output


# --- the server of --watch


def answer(
    url: str, method: str = "GET", path: str | None = None, **headers: str
) -> tuple[int, bytes, Any]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    connection.request(method, parts.path if path is None else path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body, response.headers


def test_the_page_is_served_to_this_machine_under_its_own_name_only() -> None:
    shown = Shown(html=b"<p>hello", is_open=True)
    with serving(shown) as url:
        port = urlsplit(url).port
        assert urlsplit(url).hostname == "127.0.0.1"
        status, body, headers = answer(url)
        assert (status, body, headers["Refresh"]) == (200, b"<p>hello", "5")
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer", "the secret stays here"
        assert answer(url, Host=f"localhost:{port}")[0] == 200
        for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", "127.0.0.1:1", ""):
            assert answer(url, Host=host)[0] == 403, host
        secret = urlsplit(url).path
        assert len(secret) > 40
        for path in ("/", "/x", "/../etc/passwd", f"{secret}?a=1", secret[:-1]):
            assert answer(url, path=path)[0] == 404, path
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "HEAD"):
            assert answer(url, method)[0] == 501, method
        shown.is_open = False
        assert "Refresh" not in answer(url)[2]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port or 0), timeout=5)


def test_a_run_is_watched_until_ctrl_c_and_the_port_is_closed(open_run: str) -> None:
    code = "import sys; from batchrelay_cli.__main__ import main; sys.exit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "report", open_run, "--watch"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    match = re.match(
        rf"(http://127\.0\.0\.1:(\d+)/[\w-]{{40,}}/) shows run {open_run}, until Ctrl-C", line
    )
    try:
        assert match is not None, line
        status, body, headers = answer(match[1])
        assert (status, headers["Refresh"]) == (200, "5")
        assert b"RUNNING" in body
        batchrelay("cancel", open_run)
        ended = process.stdout.readline()
        assert ended == f"run {open_run} CANCELLED; the page stays until Ctrl-C\n"
        status, body, headers = answer(match[1])
        assert (status, headers["Refresh"], b"CANCELLED" in body) == (200, None, True)
    finally:
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=20)
    assert (process.returncode, stderr.endswith("interrupted\n")) == (130, True)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(match[2])), timeout=5)


def test_a_local_run_leaves_its_report(tmp_path: Path) -> None:
    """Its cloud is gone when the verb ends."""
    path = tmp_path / "report.html"
    result = batchrelay("run", write(tmp_path, FAILING), "--report", str(path))
    assert result.exit_code == 4, result.output
    assert f"report: {path}" in result.stdout.replace("\n", "")
    assert "failing" in path.read_text()
    absent = tmp_path / "absent" / "x.html"
    result = batchrelay("run", write(tmp_path, FAILING), "--report", str(absent))
    assert (result.exit_code, "there is no folder" in result.output) == (2, True)
