"""The bugs in which effects are performed, when, and how often."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

MUTANTS = (
    Mutant(
        bug="effects are performed before the state is saved",
        file="engine/engine.py",
        old="            created = self._concurrency().create(run)",
        new="            self._performer().perform("
        "run, [(effect, False) for effect in pending_effects(run)], goes_on=True)\n"
        "            created = self._concurrency().create(run)",
    ),
    Mutant(
        bug="every handler performs every pending effect",
        file="engine/engine.py",
        old="tuple(effect for effect in pending_effects(saved) if effect not in before)",
        new="pending_effects(saved)",
    ),
    Mutant(
        bug="reconcile submits without looking the name up",
        file="engine/effects.py",
        old="return self._submitted_jobs(run, effect.key) or self._not_found(run, effect)",
        new="return self._not_found(run, effect)",
    ),
    Mutant(
        bug="reconcile does not wait for the grace",
        file="domain/effects.py",
        old="return now >= self.since + timedelta(seconds=self.GRACE_S)",
        new="return now >= self.since",
    ),
    Mutant(
        bug="two reconciles perform the same overdue effect",
        file="domain/overdue_effects.py",
        old="part = replace(state.parts[key.part], since=now)",
        new="part = state.parts[key.part]",
    ),
    Mutant(
        bug="a lost terminal event is never polled for",
        file="engine/engine.py",
        old="(*missed_events(run, self.jobs, now), DeadlinePassed(at=now), GraceExpired(at=now))",
        new="(DeadlinePassed(at=now), GraceExpired(at=now))",
    ),
    Mutant(
        bug="reconcile adopts the newest job",
        file="engine/effects.py",
        old="job_id=job_id) for job_id in job_ids)",
        new="job_id=job_id) for job_id in job_ids[::-1])",
    ),
    Mutant(
        bug="an ended run is not open although its notice is pending",
        file="domain/pending_effects.py",
        old="return not run.status.is_terminal or bool(pending_effects(run))",
        new="return not run.status.is_terminal",
    ),
    Mutant(
        bug="a jobName keeps its upper case",
        file="domain/values.py",
        old='return f"{step[: STEP_LABEL_MAX - 13]}-{digest}".lower()',
        new='return f"{step[: STEP_LABEL_MAX - 13]}-{digest}"',
    ),
    Mutant(
        bug="a lost answer of SubmitJob is sent again",
        file="adapters/batch.py",
        old='retries={"total_max_attempts": 1, "mode": "adaptive"}',
        new='retries={"total_max_attempts": 3}',
    ),
    Mutant(
        bug="a similar jobName is adopted",
        file="adapters/batch.py",
        old='if job["jobName"] == name]',
        new="if job]",
    ),
    Mutant(
        bug="what one effect raises loses the results of the others",
        file="engine/effects.py",
        old="results = (error,)",
        new="raise",
    ),
)
