"""Rounds: every runner once, one after the other, so that what the machine does else meets all."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.peers import processes
from benchmarks.peers.results import Measurement, Outcome
from benchmarks.peers.runners import (
    HERE,
    SPAWN_LOOP,
    STATE_FOLDERS,
    Runner,
    first_use_of,
    variables,
)
from benchmarks.peers.work import Unverified, Work, prepare, verify

Play = Callable[[Runner, Work, float], tuple[Outcome, float, str]]
"""Runs a work within a time limit: the outcome, the seconds, the reason if it is not verified."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How often, and how long at most."""

    rounds: int
    long_s: float
    """A runner that takes longer in the first round is not run again."""
    limit_s: float


@dataclass(frozen=True, kw_only=True)
class Session:
    """The measurements so far."""

    plan: Plan
    play: Play
    report: Callable[[Measurement], None]
    measurements: list[Measurement] = field(default_factory=list)

    def measure(self, runners: Sequence[Runner], work: Work) -> None:
        """All rounds of one work."""
        for number in range(1, self.plan.rounds + 1):
            for runner in runners:
                if work.kind in runner.kinds and self._is_wanted(runner, work, number):
                    measurement = self._measurement(runner, work, number)
                    self.measurements.append(measurement)
                    self.report(measurement)

    def _is_wanted(self, runner: Runner, work: Work, number: int) -> bool:
        if number == 1 or runner.name == SPAWN_LOOP:
            return True  # every round has its baseline
        first, *_ = self._of(runner, work)
        return first.outcome is Outcome.VERIFIED and first.seconds <= self.plan.long_s

    def _measurement(self, runner: Runner, work: Work, number: int) -> Measurement:
        least_s = self._least_s(runner, work)
        if least_s is not None and least_s > self.plan.limit_s:
            reason = "the rate of the smaller size"
            outcome, seconds = Outcome.NOT_STARTED, least_s
        else:
            outcome, seconds, reason = self.play(runner, work, self.plan.limit_s)
        return Measurement(
            runner=runner.name,
            work=work,
            round=number,
            outcome=outcome,
            seconds=seconds,
            reason=reason,
        )

    def _least_s(self, runner: Runner, work: Work) -> float | None:
        """What a smaller size of this work took, times how much larger this one is."""
        smaller = [
            m.seconds * work.size / m.work.size
            for m in self.measurements
            if m.runner == runner.name and m.work.kind is work.kind and m.work.size < work.size
            if m.outcome is not Outcome.FAILED
        ]
        return min(smaller, default=None)

    def _of(self, runner: Runner, work: Work) -> Iterator[Measurement]:
        return (m for m in self.measurements if (m.runner, m.work) == (runner.name, work))


def play(runner: Runner, work: Work, limit_s: float) -> tuple[Outcome, float, str]:
    """Run the work in a new folder, which is removed."""
    with tempfile.TemporaryDirectory(prefix="peers-", ignore_cleanup_errors=True) as name:
        base = Path(name)
        folder = base / "run"
        _make(runner, work, folder)
        environment = variables(runner, folder) | {"WORK": work.kind, "COUNT": str(work.size)}
        command = runner.command(work, folder)
        ended = processes.run(command, folder, environment, limit_s, base / "log")
        if ended.exit_code is None:
            return Outcome.LIMIT, limit_s, f"ended at {limit_s:g} s"
        if ended.exit_code != 0:
            print(ended.last_lines, file=sys.stderr)
            last = ended.last_lines.rpartition("\n")[2]  # no paths of this machine
            return Outcome.FAILED, ended.seconds, f"exit {ended.exit_code}: {last}"
        try:
            verify(work, folder)
        except (Unverified, OSError, ValueError) as error:
            return Outcome.FAILED, ended.seconds, str(error)
        return Outcome.VERIFIED, ended.seconds, ""


def _make(runner: Runner, work: Work, folder: Path) -> None:
    for name in STATE_FOLDERS:
        (folder / name).mkdir(parents=True)
    prepare(work, folder)
    if runner.first_use:
        shutil.copytree(first_use_of(runner.lock) / "state", folder / "state", dirs_exist_ok=True)
    for file in runner.files:
        target = folder / Path(*file.relative_to(HERE).parts[1:])
        target.parent.mkdir(exist_ok=True)
        shutil.copy(file, target)


def clock() -> str:
    """For progress lines."""
    return time.strftime("%H:%M:%S")
