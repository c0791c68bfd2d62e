"""Bugs planted into the finally steps; each must be killed by a test."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

TESTS = ("tests/unit/domain/test_finally_steps.py",)

MUTANTS = (
    Mutant(
        bug="a stop of the run stops its finally steps",
        file="domain/finally_steps.py",
        old="return run.finally_stop if step.is_finally else run.stop",
        new="return run.stop",
        tests=TESTS,
    ),
    Mutant(
        bug="finally steps begin with the others",
        file="domain/derived_transitions.py",
        old="if step.is_finally and not ordinary_steps_have_ended(run):",
        new="if step.is_finally and not run.steps:",
        tests=TESTS,
    ),
    Mutant(
        bug="a run that timed out is CANCELLED for its finally steps",
        file="domain/finally_steps.py",
        old="return is_cancelled and stop is not None and stop.cause is StopCause.CANCEL",
        new="return is_cancelled and stop is not None",
        tests=TESTS,
    ),
    Mutant(
        bug="a second cancellation, which may be a repeat, stops the clean-up",
        file="domain/cancellation.py",
        old="return event.stops_finally and finally_steps_go_on(run)",
        new="return finally_steps_go_on(run)",
        tests=TESTS,
    ),
    Mutant(
        bug="a timeout that passes while finally steps run stops the run",
        file="domain/cancellation.py",
        old="return is_past and not ordinary_steps_have_ended(run)",
        new="return is_past",
        tests=TESTS,
    ),
    Mutant(
        bug="a run that never began cleans up",
        file="domain/cancellation.py",
        old="event.stops_finally or run.status is RunStatus.QUEUED",
        new="event.stops_finally",
        tests=TESTS,
    ),
    Mutant(
        bug="a redrive does not run the finally steps again",
        file="domain/redrive.py",
        old="            again[step.name] = Again.WHOLE  # what it cleans up, or reports, is another\n",
        new="",
        tests=TESTS,
    ),
    Mutant(
        bug="a start judges a condition on the run's status before there is one",
        file="domain/start_check.py",
        old="is_list or name == RUN_STATUS or name not in self.variables",
        new="is_list or name not in self.variables",
        tests=TESTS,
    ),
)
