"""A program runs once for each item, again after a failure, and ends with SIGTERM."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest

from batchrelay_worker.errors import StopRequested
from batchrelay_worker.items import Item
from batchrelay_worker.program import Program, Stopping
from batchrelay_worker.usage import Container
from tests.unit.worker.services import MemoryAws


class Process:
    """A program that ends with a code; None: it goes on."""

    def __init__(self, code: int | None, pid: int = 0) -> None:
        self.code = code
        self.pid = pid
        self.returncode: int | None = None
        self.signals: list[int] = []
        self.waits = 0

    def poll(self) -> int | None:
        return self.code

    def wait(self) -> int | None:
        self.waits += 1
        return self.code

    def send_signal(self, number: int) -> None:
        self.signals.append(number)


class Machine:
    """What is started, and how long a wait is; codes are those of the programs, in order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.codes: list[int | None] = []
        self.started: list[tuple[list[str], dict[str, str]]] = []
        self.processes: list[Process] = []
        self.waits: list[float] = []
        self.now = 50.0
        self.used: list[tuple[int, float]] = []
        monkeypatch.setattr(subprocess, "Popen", self._start)
        monkeypatch.setattr(os, "wait4", self._wait4)
        monkeypatch.setattr(time, "sleep", self._sleep)
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(random, "uniform", lambda low, high: low + (high - low) / 4)

    def _start(self, command: list[str], env: dict[str, str]) -> Process:
        self.started.append((command, env))
        code = self.codes.pop(0) if self.codes else 0
        self.processes.append(Process(code, pid=len(self.processes)))
        self.now += 1.23456
        return self.processes[-1]

    def _wait4(self, pid: int, options: int) -> tuple[int, int, Any]:
        code = self.processes[pid].wait() or 0
        rss, cpu = self.used.pop(0) if self.used else (0, 0.0)
        used = SimpleNamespace(ru_maxrss=rss, ru_utime=cpu, ru_stime=0.25 * cpu)
        return pid, -code if code < 0 else code << 8, used

    def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def runner(*words: str, aws: MemoryAws | None = None, **options: Any) -> Program:
    chosen = {
        "attempts": 1, "backoff_s": 1.0, "skip_existing": "", "stopping": Stopping(), **options
    }  # fmt: skip
    return Program(list(words), aws=aws or MemoryAws(), **chosen)


def test_an_item_is_words_and_variables_of_its_program(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", {"PATH": "/bin"})
    entry = runner("convert", "{item.key}", "-n").run(Item(5, {"key": "a b"}))
    assert entry == {"ok": True, "code": 0, "s": 1.235, "tries": 1, "cpu": 0.0}
    variables = {
        "PATH": "/bin",
        "ITEM": '{"key": "a b"}',
        "ITEM_KEY": "a b",
        "ITEM_NAME": "a b",
        "ITEM_STEM": "a b",
        "ITEM_NUMBER": "5",
    }
    assert machine.started == [(["convert", "a b", "-n"], variables)]


def test_a_failed_item_is_tried_again_with_twice_the_wait(machine: Machine) -> None:
    machine.codes = [7, 7, 7, 0]
    entry = runner("x", attempts=9, backoff_s=8.0).run(Item(0, None))
    waits = [5.0, 10.0, 20.0]
    assert machine.waits == waits, "half of the backoff, and a random part of the other half"
    assert entry == {
        "ok": True,
        "code": 0,
        "s": round(sum(waits) + 4 * 1.23456, 3),
        "tries": 4,
        "cpu": 0.0,
    }


def test_a_wait_is_no_longer_than_a_minute(machine: Machine) -> None:
    machine.codes = [7, 7, 7]
    entry = runner("x", attempts=3, backoff_s=100.0).run(Item(0, None))
    assert machine.waits == [37.5, 37.5]
    assert entry == {
        "ok": False,
        "code": 7,
        "why": "exit code 7",
        "s": 78.704,
        "tries": 3,
        "cpu": 0.0,
    }


@pytest.mark.parametrize(
    ("code", "entry"),
    [
        (1, {"ok": False, "code": 1, "why": "exit code 1"}),
        (-1, {"ok": False, "code": 129, "why": "signal 1"}),
        (-9, {"ok": False, "code": 137, "why": "signal 9"}),
    ],
)
def test_an_end_by_a_signal_is_the_code_that_a_shell_has(
    machine: Machine, code: int, entry: dict[str, Any]
) -> None:
    machine.codes = [code]
    assert runner("x").run(Item(0, None)) == {**entry, "s": 1.235, "tries": 1, "cpu": 0.0}


def test_a_program_that_cannot_start_fails_its_item() -> None:
    entry = runner("./no-such-program").run(Item(0, None))
    entry.pop("s")
    why = "./no-such-program: [Errno 2] No such file or directory: './no-such-program'"
    assert entry == {"ok": False, "code": 127, "why": why, "tries": 1}
    nul = runner("echo", "{item}").run(Item(0, "a\0b"))
    assert (nul["code"], nul["why"]) == (127, "echo: embedded null byte")


def test_a_real_program_gives_its_own_code(capfd: pytest.CaptureFixture[str]) -> None:
    script = "import os, sys; print(os.environ['ITEM_NUMBER'], flush=True); sys.exit(3)"
    entry = runner(sys.executable, "-c", script).run(Item(4, None))
    assert (entry["code"], entry["why"]) == (3, "exit code 3")
    assert entry["rss"] > 1_000
    assert capfd.readouterr().out == "4\n"


def test_an_item_whose_output_is_there_is_skipped(machine: Machine) -> None:
    aws = MemoryAws({"s3://b/out/x": b""})
    words = runner("x", skip_existing="s3://b/out/{item}", aws=aws)
    assert words.run(Item(0, "x")) == {"ok": True, "skipped": True, "s": 0.0, "tries": 0}
    assert machine.started == []
    assert words.run(Item(1, "y")) == {"ok": True, "code": 0, "s": 1.235, "tries": 1, "cpu": 0.0}
    assert aws.calls == [("exists", "s3://b/out/x"), ("exists", "s3://b/out/y")]


def test_an_item_without_a_value_fails_before_its_program(machine: Machine) -> None:
    why = "item 3 has no key, or it is null: {}"
    failed = {"ok": False, "why": why, "s": 0.0, "tries": 0}
    assert runner("x", "{item.key}").run(Item(3, {})) == failed
    assert runner("x", skip_existing="s3://b/{item.key}").run(Item(3, {})) == failed
    assert machine.started == []


# --- what it used


def test_tries_of_an_item_have_the_largest_memory_and_all_the_seconds(machine: Machine) -> None:
    machine.codes = [7, 7, 0]
    machine.used = [(2_000, 1.0), (5_000, 2.0), (3_000, 4.0)]
    entry = runner("x", attempts=3).run(Item(0, None))
    assert (entry["rss"], entry["cpu"]) == (5_000, 8.75)


def test_memory_that_the_system_does_not_say_is_absent(machine: Machine) -> None:
    machine.codes = [7, 0]
    machine.used = [(2_000, 1.0), (0, 1.0)]
    assert runner("x", attempts=2).run(Item(0, None))["rss"] == 2_000
    assert "rss" not in runner("x").run(Item(0, None))


def at_most(mib: int) -> int:
    """KiB: or as many as this process has had, because a program begins as a copy of it."""
    own: int = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return max(mib * 1_024, own + 10 * 1_024)


def test_the_memory_and_seconds_of_a_real_program_are_measured() -> None:
    """200 MiB that are written to, and a fifth of a second of work."""
    script = (
        "import time\nheld = bytearray(b'x') * (200 << 20)\n"
        "end = time.process_time() + 0.2\nwhile time.process_time() < end: pass"
    )
    entry = runner(sys.executable, "-c", script).run(Item(0, None))
    assert entry["ok"] is True
    assert 200 * 1_024 < entry["rss"] < at_most(230)
    assert 0.2 <= entry["cpu"] < 2.0


def test_the_largest_of_the_processes_that_a_program_starts_counts() -> None:
    inner = "held = bytearray(b'x') * (100 << 20)"
    script = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}], check=True)"
    )
    entry = runner(sys.executable, "-c", script).run(Item(0, None))
    assert 100 * 1_024 < entry["rss"] < at_most(130)


def test_a_program_that_something_else_waited_for_has_its_code_and_no_usage(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_gone(pid: int, options: int) -> None:
        raise ChildProcessError

    monkeypatch.setattr(os, "wait4", is_gone)
    machine.codes = [3]
    entry = runner("x").run(Item(0, None))
    assert entry == {"ok": False, "code": 3, "why": "exit code 3", "s": 1.235, "tries": 1}


@pytest.mark.parametrize(
    ("kills", "why"), [((0, 1), "signal 9: out of memory"), ((1, 1), "signal 9")]
)
def test_a_kill_for_want_of_memory_is_known_from_another(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, kills: tuple[int, ...], why: str
) -> None:
    counts = [*kills]
    monkeypatch.setattr(Container, "oom_kills", lambda _: counts.pop(0))
    machine.codes = [-9]
    entry = runner("x").run(Item(0, None))
    assert (entry["why"], entry["code"]) == (why, 137)
    assert entry.get("oom", False) is ("memory" in why)


# --- SIGTERM


def test_a_requested_stop_begins_no_item(machine: Machine) -> None:
    stopping = Stopping()
    assert (stopping.is_requested, stopping.process) == (False, None)
    stopping._on_signal(signal.SIGTERM, None)
    assert stopping.is_requested is True
    with pytest.raises(StopRequested):
        runner("x", stopping=stopping).run(Item(0, None))
    assert machine.started == []


def test_sigterm_is_handed_to_the_program_once() -> None:
    stopping, process = Stopping(), Process(None)
    stopping.process = process  # type: ignore[assignment]
    stopping._on_signal(signal.SIGTERM, None)
    stopping._on_signal(signal.SIGTERM, None)
    assert process.signals == [signal.SIGTERM]


def test_a_program_that_has_ended_gets_no_signal() -> None:
    stopping, process = Stopping(), Process(0)
    stopping.process = process  # type: ignore[assignment]
    stopping.terminate_program()
    assert process.signals == []


def test_a_wait_is_interrupted_once() -> None:
    stopping = Stopping()
    after: list[str] = []

    def signals_come() -> None:
        with pytest.raises(StopRequested):
            stopping._on_signal(signal.SIGTERM, None)
        stopping._on_signal(signal.SIGTERM, None)
        after.append("the second is only noted")

    assert stopping.interruptible(lambda: 5) == 5
    stopping.interruptible(signals_come)
    assert after == ["the second is only noted"]
    with pytest.raises(StopRequested):
        stopping.interruptible(lambda: after.append("never"))
    assert after == ["the second is only noted"]


def test_a_signal_outside_of_a_wait_raises_nothing() -> None:
    stopping = Stopping()
    stopping.interruptible(lambda: None)
    stopping._on_signal(signal.SIGTERM, None)
    with pytest.raises(StopRequested):
        stopping.check()


def test_a_program_that_started_as_the_signal_came_gets_it(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopping = Stopping()
    words = runner("x", stopping=stopping)
    start = machine._start

    def start_at_the_signal(command: list[str], env: dict[str, str]) -> Process:
        machine.codes = [None]
        process = start(command, env)
        stopping._on_signal(signal.SIGTERM, None)
        return process

    monkeypatch.setattr(subprocess, "Popen", start_at_the_signal)
    with pytest.raises(StopRequested):
        words.run(Item(0, None))
    (process,) = machine.processes
    assert (process.signals, process.waits) == ([signal.SIGTERM], 0)
    words.wait()
    assert process.waits == 1


def test_there_is_nothing_to_wait_for_between_two_items(machine: Machine) -> None:
    stopping = Stopping()
    words = runner("x", stopping=stopping)
    words.wait()
    words.run(Item(0, None))
    assert stopping.process is None
    words.wait()
    assert [process.waits for process in machine.processes] == [1]


def test_sigterm_is_listened_for() -> None:
    before = signal.getsignal(signal.SIGTERM)
    stopping = Stopping()
    try:
        stopping.listen()
        assert signal.getsignal(signal.SIGTERM) == stopping._on_signal
    finally:
        signal.signal(signal.SIGTERM, before)
