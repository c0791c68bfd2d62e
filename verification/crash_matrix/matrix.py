"""Every cell of the matrix: handler x call x before or after x message again or lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from batchrelay.domain.pending_effects import DUPLICATE_REASON
from batchrelay.domain.run import Run
from verification.crash_matrix.invocation import CrashPoint
from verification.crash_matrix.machine import Crash, Machine, Played, essence
from verification.crash_matrix.scenarios import Scenario

KILLED_HANDLERS = {
    Scenario.LOST: ("reconcile",),
    Scenario.LISTED: ("api", "prepare"),
    Scenario.EMPTY: ("prepare",),
    Scenario.DEQUEUED: ("api",),
    Scenario.REPLACING: ("start_run",),
    Scenario.POSTPONED: ("api", "prepare"),
    Scenario.ABANDONED: ("reconcile",),
    Scenario.RETRIED: ("prepare",),
    Scenario.REDRIVEN: ("api", "prepare"),
    Scenario.CANARY: ("on_job_event",),
    Scenario.FAILFAST: ("reconcile", "on_job_event"),
    Scenario.FINALLY: ("api", "on_job_event", "prepare"),
    Scenario.FINALLYSTOPPED: ("api", "on_job_event"),
    Scenario.FINALLYREDRIVEN: ("api",),
    Scenario.REPORT: ("prepare",),
    Scenario.BUDGET: ("api", "prepare"),
    Scenario.LEVELS: ("prepare",),
    Scenario.QUEUE: ("prepare",),
    Scenario.MAXRUNNING: ("api", "on_job_event"),
    Scenario.MAXRUNNINGLOST: ("start_run", "reconcile"),
    Scenario.MAXRUNNINGRETRIED: ("prepare",),
}
"""What a scenario is about, where its other handlers do only what they do in other scenarios."""

MESSAGE_HANDLERS = ("on_job_event", "prepare")
"""Handlers whose message may come again or be lost; the caller of another one tries again."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One crash, and what it is called."""

    handler: str
    call: str
    crash: Crash
    scenario: Scenario

    def __str__(self) -> str:
        when = "after" if self.crash.point.after else "before"
        again = "delivered again" if self.crash.redelivered else "lost or none"
        where = f"{self.handler} #{self.crash.invocation}, {when} {self.call}"
        return f"{where}, message {again}; {self.scenario}"


def undisturbed(
    machine: Machine, scenarios: Iterable[Scenario] = Scenario
) -> dict[Scenario, Played]:
    """The runs to compare with. Proves the enumeration."""
    found: dict[Scenario, Played] = {}
    for scenario in scenarios:
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
    """Every cell; of some scenarios only those of the handlers that they are about."""
    for scenario, played in expected.items():
        for number, (handler, ended) in enumerate(played.invocations):
            if handler not in KILLED_HANDLERS.get(scenario, (handler,)):
                continue
            for call, name in enumerate(ended.calls):
                for after in (False, True):
                    for redelivered in (False, True) if handler in MESSAGE_HANDLERS else (False,):
                        point = CrashPoint(call=call, after=after)
                        crash = Crash(invocation=number, point=point, redelivered=redelivered)
                        yield Cell(handler=handler, call=name, crash=crash, scenario=scenario)


def check(machine: Machine, cell: Cell, expected: dict[Scenario, Played], run_id: str) -> bool:
    """Play a cell; whether the crash came to pass. Raises: AssertionError."""
    played = machine.play(run_id, cell.crash, cell.scenario)
    wanted = expected[cell.scenario]
    assert essence(played.run) == essence(wanted.run), f"{cell}: {essence(played.run)}"
    _check_jobs(machine, cell, played.run, wanted.run)
    _check_ends(machine, cell, (played.run, *played.others))
    assert machine.consumable_resources() == [], f"{cell}: a consumable resource was left behind"
    for run, like in zip(played.others, wanted.others, strict=True):
        assert run.status is like.status, f"{cell}: {run.id} is {run.status}"
        _check_jobs(machine, cell, run, like)
    return any(ended.killed for _, ended in played.invocations)


def _check_ends(machine: Machine, cell: Cell, runs: tuple[Run, ...]) -> None:
    """Each end of each run was published, and every copy of one says the same."""
    published = machine.ends()
    ends = Counter((run_id, redrive) for run_id, redrive, _ in published)
    for run in runs:
        latest = run.redrive_number
        for redrive in range(latest + 1):
            assert ends[run.id, redrive] == 1, f"{cell}: {run.id} was published {ends}"
        assert (run.id, latest, str(run.status)) in published, f"{cell}: {published}"


def _check_jobs(machine: Machine, cell: Cell, run: Run, like: Run) -> None:
    """One effective job for each of the undisturbed run's, and it ended like that."""
    jobs = machine.jobs(run.id)
    wanted = {name.replace(like.id, run.id): jobs for name, jobs in machine.jobs(like.id).items()}
    if like.stop is not None:
        stopped = _names_of_ordinary_steps(like, {*jobs, *wanted})
        _check_stopped(cell, {name: jobs[name] for name in stopped & set(jobs)})
        jobs = {name: jobs[name] for name in set(jobs) - stopped}
        wanted = {name: wanted[name] for name in set(wanted) - stopped}
    assert set(jobs) == set(wanted), f"{cell}: {sorted(jobs)}"
    for name, found in jobs.items():
        effective = _effective(found)
        assert len(effective) == 1, f"{cell}: {name} has {found}"
        assert effective == _effective(wanted[name]), f"{cell}: {name} has {found}"


def _names_of_ordinary_steps(run: Run, names: set[str]) -> set[str]:
    """The jobs that a stop of the run reaches."""
    labels = [f"-{step.label}-r" for step in run.pipeline.ordinary_steps]
    return {name for name in names if any(label in name for label in labels)}


def _effective(jobs: list[tuple[str, str]]) -> list[str]:
    """The statuses of the jobs that were not stopped as duplicates."""
    return [status for status, reason in jobs if reason != DUPLICATE_REASON]


def _check_stopped(cell: Cell, jobs: dict[str, list[tuple[str, str]]]) -> None:
    """At most one job, and that stopped: a submission that was not made is made no more."""
    statuses = [status for found in jobs.values() for status, _ in found]
    assert statuses in ([], ["FAILED"]), f"{cell}: {jobs}"
