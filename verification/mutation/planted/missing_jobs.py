"""The bugs in how jobs are treated that AWS Batch does not know."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

MUTANTS = (
    Mutant(
        bug="a run waits for ever for a job that AWS Batch has forgotten",
        file="domain/missing_jobs.py",
        old="return _has_passed(part.missing_since, JOB_STOPPED_S, at)",
        new="return False",
    ),
    Mutant(
        bug="one answer of DescribeJobs without a job fails its step",
        file="domain/missing_jobs.py",
        old="    if part.missing_since is None or not part.is_given_up:\n        return False",
        new="    if part.missing_since is None:\n        return True",
    ),
    Mutant(
        bug="a job that is reported again is still taken for missing",
        file="domain/missing_jobs.py",
        old="return replace(part, missing_since=None, is_given_up=False)",
        new="return part",
    ),
    Mutant(
        bug="a job that is given up for missing runs on",
        file="domain/step_state.py",
        old="return self.is_active and self.is_given_up and not self.is_terminate_accepted",
        new="return False",
    ),
    Mutant(
        bug="a step fails at once when its missing job is to be terminated",
        file="domain/missing_jobs.py",
        old="return _has_passed(part.missing_since, JOB_STOPPED_S, at)",
        new="return True",
    ),
    Mutant(
        bug="one listing without a submission is believed",
        file="engine/effects.py",
        old="job_ids = self.jobs.find(queue, key.name) or self.jobs.find(queue, key.name)",
        new="job_ids = self.jobs.find(queue, key.name)",
    ),
    Mutant(
        bug="a job that was missing is stopped although it is there",
        file="engine/effects.py",
        old="known[report.job_id] = progress_of(report, key, now)",
        new="pass",
    ),
)
