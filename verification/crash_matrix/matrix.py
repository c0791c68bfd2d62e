"""Every cell of the matrix: handler x call x before or after x message again or lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from batchrelay.domain.pending_effects import DUPLICATE_REASON
from verification.crash_matrix.invocation import CrashPoint
from verification.crash_matrix.machine import Crash, Machine, Played, Scenario, essence


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One crash, and what it is called."""

    handler: str
    call: str
    crash: Crash
    scenario: Scenario

    def __str__(self) -> str:
        when = "after" if self.crash.point.after else "before"
        again = "delivered again" if self.crash.redelivered else "lost"
        where = f"{self.handler} #{self.crash.invocation}, {when} {self.call}"
        return f"{where}, message {again}; {self.scenario}"


def undisturbed(machine: Machine) -> dict[Scenario, Played]:
    """The runs to compare with. Proves the enumeration."""
    found: dict[Scenario, Played] = {}
    for scenario in Scenario:
        before = machine.recorded_calls()
        played = machine.play(undisturbed_id(scenario), None, scenario)
        made = sum(len(ended.calls) for _, ended in played.invocations)
        recorded = machine.recorded_calls() - before
        assert made == recorded, f"{made} calls enumerated, {recorded} seen by the cloud"
        found[scenario] = played
    return found


def undisturbed_id(scenario: Scenario) -> str:
    """The undisturbed run of a scenario."""
    return f"undisturbed{scenario.name.lower()}"


def cells(expected: dict[Scenario, Played]) -> Iterator[Cell]:
    """Every cell; of the run whose events are lost, only what reconcile does."""
    for scenario, played in expected.items():
        for number, (handler, ended) in enumerate(played.invocations):
            if scenario is Scenario.LOST and handler != "reconcile":
                continue
            for call, name in enumerate(ended.calls):
                for after in (False, True):
                    for redelivered in (False, True):
                        point = CrashPoint(call=call, after=after)
                        crash = Crash(invocation=number, point=point, redelivered=redelivered)
                        yield Cell(handler=handler, call=name, crash=crash, scenario=scenario)


def check(machine: Machine, cell: Cell, expected: dict[Scenario, Played], run_id: str) -> bool:
    """Play a cell; whether the crash came to pass. Raises: AssertionError."""
    played = machine.play(run_id, cell.crash, cell.scenario)
    wanted = essence(expected[cell.scenario].run)
    assert essence(played.run) == wanted, f"{cell}: {essence(played.run)}"
    jobs = machine.jobs(played.run.id)
    if cell.scenario in (Scenario.STOPPED, Scenario.REQUESTED):
        _check_stopped(cell, jobs)
    else:
        undisturbed_run = expected[cell.scenario].run.id
        names = {
            name.replace(undisturbed_run, played.run.id) for name in machine.jobs(undisturbed_run)
        }
        assert set(jobs) == names, f"{cell}: {sorted(jobs)}"
        for name, found in jobs.items():
            effective = [status for status, reason in found if reason != DUPLICATE_REASON]
            assert effective == ["SUCCEEDED"], f"{cell}: {name} has {found}"
    return any(ended.killed for _, ended in played.invocations)


def _check_stopped(cell: Cell, jobs: dict[str, list[tuple[str, str]]]) -> None:
    """At most one job, and that stopped: a submission that was not made is made no more."""
    statuses = [status for found in jobs.values() for status, _ in found]
    assert statuses in ([], ["FAILED"]), f"{cell}: {jobs}"
