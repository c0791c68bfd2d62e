"""The bugs in what an event of a job changes."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

MUTANTS = (
    Mutant(
        bug="a terminal event of a duplicate is believed",
        file="domain/job_events.py",
        old="return part.job_id in (None, here.event.job_id)",
        new="return True",
    ),
    Mutant(
        bug="an event that outruns the jobId is dropped",
        file="domain/job_events.py",
        old="return part.job_id in (None, here.event.job_id)",
        new="return part.job_id == here.event.job_id",
    ),
    Mutant(
        bug="a second job of a part takes the first one's place",
        file="domain/job_events.py",
        old="    return part is not None and part.is_unsubmitted\n\n\ndef is_duplicate",
        new="    return part is not None\n\n\ndef is_duplicate",
    ),
    Mutant(
        bug="a duplicate job is never terminated",
        file="domain/job_events.py",
        old="duplicate_jobs=(*here.run.duplicate_jobs, duplicate)",
        new="duplicate_jobs=here.run.duplicate_jobs",
    ),
    Mutant(
        bug="a duplicate event is written once more",
        file="domain/job_events.py",
        old="if part is None or part.outcome is not None:\n        return False\n    return part.job_id in",
        new="if part is None:\n        return False\n    return part.job_id in",
    ),
    Mutant(
        bug="a child's event is taken for its parent's",
        file="adapters/eventbridge.py",
        old='return None if ":" in job_id else end_of(',
        new='return None if ";" in job_id else end_of(',
    ),
    Mutant(
        bug="an odd field hides a job's end",
        file="codec/job_detail.py",
        old="return value if isinstance(value, int) else otherwise",
        new="return int(value)",
    ),
    Mutant(
        bug="a job that was blocked is called so for ever",
        file="domain/job_events.py",
        old='blocked="" if has_begun else part.blocked',
        new="blocked=part.blocked",
    ),
    Mutant(
        bug="a job that waits for its upstream is called blocked",
        file="codec/job_detail.py",
        old='return status == "RUNNABLE"',
        new='return status in ("PENDING", "RUNNABLE")',
    ),
    Mutant(
        bug="a duplicate job without a note runs on",
        file="engine/engine.py",
        old="            problem = problem or stop_unnoted(self.jobs, run, events)\n",
        new="",
    ),
)
