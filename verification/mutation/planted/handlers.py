"""The bugs in what the handlers answer, and in what they deliver again."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

MUTANTS = (
    Mutant(
        bug="a poisoned record takes its whole batch along",
        file="functions/on_job_event/app.py",
        old='            failed.append(message["messageId"])\n            continue',
        new="            raise",
    ),
    Mutant(
        bug="a record that could not be handled is deleted",
        file="functions/on_job_event/app.py",
        old="            if not _advance(run_id,",
        new="            if None is _advance(run_id,",
    ),
    Mutant(
        bug="an event of a run that TTL removed comes back until it is a dead letter",
        file="functions/on_job_event/app.py",
        old='        logger.info("event of an unknown run", extra={"run_id": run_id})\n        return True',
        new='        logger.info("event of an unknown run", extra={"run_id": run_id})\n        return False',
    ),
    Mutant(
        bug="the events of one run are handled one by one",
        file="functions/on_job_event/app.py",
        old="    for run_id, entries in by_run.items():",
        new="    for run_id, entries in [(run, [one]) for run, all_ in by_run.items() for one in all_]:",
    ),
    Mutant(
        bug="a preparation that failed is deleted",
        file="functions/prepare/app.py",
        old='        logger.exception("message not handled")\n        return False',
        new='        logger.exception("message not handled")\n        return True',
    ),
    Mutant(
        bug="a run that cannot be reconciled ends reconcile",
        file="functions/reconcile/app.py",
        old="            failed.append(run_id)\n            continue",
        new="            failed.append(run_id)\n            break",
    ),
    Mutant(
        bug="a reconcile that failed looks like one that went well",
        file="functions/reconcile/app.py",
        old="    if failed:",
        new="    if failed and not count:",
    ),
    Mutant(
        bug="an error of ours is answered as the caller's",
        file="functions/start_run/app.py",
        old="except InputError as error:",
        new="except Exception as error:",
    ),
    Mutant(
        bug="events that rivals outran come again after six minutes",
        file="functions/on_job_event/app.py",
        old='    lambda_deliveries().return_soon([r for r in event["Records"] if r["messageId"] in in_conflict])',
        new="    lambda_deliveries()",
    ),
)
