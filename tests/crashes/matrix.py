"""Every cell of the matrix: handler x call x before or after x message again or lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.crashes.invocation import CrashPoint
from tests.crashes.machine import Crash, Machine, Played, essence

TWIN = "batchrelay: a second job of the same part"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One crash, and what it is called."""

    handler: str
    call: str
    crash: Crash
    lose_events: bool

    def __str__(self) -> str:
        when = "after" if self.crash.point.after else "before"
        again = "delivered again" if self.crash.redelivered else "lost"
        return f"{self.handler} #{self.crash.invocation}, {when} {self.call}, message {again}"


def undisturbed(machine: Machine) -> dict[bool, Played]:
    """The two runs to compare with: all events heard, and all lost. Proves the enumeration."""
    found: dict[bool, Played] = {}
    for lose_events in (False, True):
        before = machine.recorded_calls()
        played = machine.play(f"calm{int(lose_events)}", None, lose_events=lose_events)
        made = sum(len(ended.calls) for _, ended in played.invocations)
        recorded = machine.recorded_calls() - before
        assert made == recorded, f"{made} calls enumerated, {recorded} seen by the cloud"
        found[lose_events] = played
    return found


def cells(calm: dict[bool, Played]) -> Iterator[Cell]:
    """Every cell; of the run whose events are lost, only what reconcile does."""
    for lose_events, played in calm.items():
        for number, (handler, ended) in enumerate(played.invocations):
            if lose_events and handler != "reconcile":
                continue
            for call, name in enumerate(ended.calls):
                for after in (False, True):
                    for redelivered in (False, True):
                        point = CrashPoint(call=call, after=after)
                        crash = Crash(invocation=number, point=point, redelivered=redelivered)
                        yield Cell(handler=handler, call=name, crash=crash, lose_events=lose_events)


def check(machine: Machine, cell: Cell, calm: dict[bool, Played], run_id: str) -> bool:
    """Play a cell; whether the crash came to pass. Raises: AssertionError."""
    played = machine.play(run_id, cell.crash, lose_events=cell.lose_events)
    wanted = essence(calm[cell.lose_events].run)
    assert essence(played.run) == wanted, f"{cell}: {essence(played.run)}"
    jobs = machine.jobs(run_id)
    names = {name.replace("calm0", run_id) for name in machine.jobs("calm0")}
    assert set(jobs) == names, f"{cell}: {sorted(jobs)}"
    for name, found in jobs.items():
        effective = [status for status, reason in found if reason != TWIN]
        assert effective == ["SUCCEEDED"], f"{cell}: {name} has {found}"
    return any(ended.killed for _, ended in played.invocations)
