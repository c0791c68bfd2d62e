"""The bugs in how runs are cancelled and time out."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

MUTANTS = (
    Mutant(
        bug="a termination that was not allowed counts as done",
        file="adapters/batch.py",
        old="isinstance(problem, Refused) and not isinstance(problem, Denied)",
        new="isinstance(problem, Refused)",
    ),
    Mutant(
        bug="a run that is being stopped goes on to its next step",
        file="domain/derived_transitions.py",
        old="    derived(WAITING, cancel, to=CANCELLED, when=run_is_stopping),\n",
        new="",
    ),
    Mutant(
        bug="a preparation holds up a run that is being stopped",
        file="domain/derived_transitions.py",
        old="    derived(PREPARING, cancel, to=CANCELLED, when=run_is_stopping),\n",
        new="",
    ),
    Mutant(
        bug="what is cancelled is submitted all the same",
        file="domain/pending_effects.py",
        old="is_stopped = stop_of(run, step) is not None or state.early_stop is not None",
        new="is_stopped = state.early_stop is not None",
    ),
    Mutant(
        bug="a submission in flight is withdrawn at once",
        file="engine/effects.py",
        old="case WithdrawSubmission():  # an invocation may be submitting it: wait for the grace\n                    return ()",
        new="case WithdrawSubmission():\n                    return (SubmissionWithdrawn(at=self.clock.now(), key=effect.key),)",
    ),
    Mutant(
        bug="a terminated job is terminated again for ever",
        file="domain/cancellation.py",
        old="replace(part, is_terminate_accepted=True, failed=failed)",
        new="replace(part, failed=failed)",
    ),
    Mutant(
        bug="a job whose end was not accepted runs on",
        file="domain/cancellation.py",
        old="    taken = replace(stop, since=now)\n",
        new="    taken = stop\n",
    ),
    Mutant(
        bug="children that had failed before count as stopped",
        file="domain/cancellation.py",
        old="return event.stopped_at is None or event.stopped_at >= at",
        new="return True",
    ),
    Mutant(
        bug="a deadline is not kept",
        file="engine/engine.py",
        old="(*missed_events(run, self.jobs, now), DeadlinePassed(at=now), GraceExpired(at=now))",
        new="(*missed_events(run, self.jobs, now), GraceExpired(at=now))",
    ),
    Mutant(
        bug="a run that took too long is CANCELLED, and no failure is reported",
        file="domain/run_end.py",
        old="any(was_cancelled_by_request(run, step) for step in run.pipeline.steps)",
        new="StepStatus.CANCELLED in _statuses(run)",
    ),
    Mutant(
        bug="jobs that could not be terminated together count as terminated",
        file="adapters/batch.py",
        old='not_terminated = {entry["job"] for entry in answer.get("errors", ())}',
        new="not_terminated = set[str]()",
    ),
    Mutant(
        bug="jobs that a cancellation had no time for are stopped by reconcile only",
        file="engine/engine.py",
        old="stops = tuple(e for e in pending_effects(advanced.run) if isinstance(e, TerminateJob))",
        new="stops = ()",
    ),
)
