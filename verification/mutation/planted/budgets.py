"""Bugs in runs with a budget."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

TESTS = ("tests/unit/engine/test_budgets.py",)
MEASUREMENT = ("tests/unit/report/test_measurement.py",)

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        bug="a run that has cost exactly its budget goes on",
        file="domain/held_submissions.py",
        old="if run.cost is None or run.cost.usd < budget:",
        new="if run.cost is None or run.cost.usd <= budget + 1:",
        tests=TESTS,
    ),
    Mutant(
        bug="a step begins although its run is held",
        file="domain/derived_transitions.py",
        old="if row is None or (_is_begun_by(row) and is_held(run, step)):",
        new="if row is None:",
        tests=TESTS,
    ),
    Mutant(
        bug="the rest behind a canary is submitted although its run is held",
        file="domain/derived_transitions.py",
        old="    free = 0 if is_held(run, step) else free\n",
        new="",
        tests=TESTS,
    ),
    Mutant(
        bug="a step ends before it is known what it cost",
        file="domain/step_end.py",
        old="return not awaits_measurement(here.run, here.state)",
        new="return True",
    ),
    Mutant(
        bug="a measurement that is delivered twice is summed twice",
        file="domain/held_submissions.py",
        old="return run.spending.since is not None and run.spending.measurements == number",
        new="return True",
        tests=TESTS,
    ),
    Mutant(
        bug="a job that was measured is measured again",
        file="domain/held_submissions.py",
        old="replace(part, is_measured=True)",
        new="replace(part, is_measured=False)",
        tests=TESTS,
    ),
    Mutant(
        bug="a cost that is not known is counted as 0",
        file="domain/held_submissions.py",
        old="    if run.spending.unknown:\n",
        new="    if False:\n",
        tests=TESTS,
    ),
    Mutant(
        bug="two requests raise a budget twice",
        file="domain/run_transitions.py",
        old="        RunStatus.PAUSED,\n        BudgetRaised,\n",
        new="        RunStatus.RUNNING,\n        BudgetRaised,\n",
        tests=TESTS,
    ),
    Mutant(
        bug="a resumption that came second is answered as if it had raised the budget",
        file="engine/budgets.py",
        old="    if (spending.raised_at, spending.budget_usd) != (event.at, usd):\n",
        new="    if False:\n",
        tests=TESTS,
    ),
    Mutant(
        bug="a budget that was reached already lets a run go on",
        file="domain/resume_check.py",
        old="usd <= run.cost.usd",
        new="usd < run.cost.usd - 1",
        tests=TESTS,
    ),
    Mutant(
        bug="finally steps are held back",
        file="domain/held_submissions.py",
        old="run.pipeline.budget is None or step.is_finally or stop_of",
        new="run.pipeline.budget is None or stop_of",
        tests=TESTS,
    ),
    Mutant(
        bug="a run that is PAUSED cannot be cancelled",
        file="domain/run_transitions.py",
        old="            (RunStatus.PAUSED, None),\n",
        new="",
        tests=TESTS,
    ),
    Mutant(
        bug="the timeout of a run that is PAUSED does not count",
        file="domain/run_transitions.py",
        old="            (RunStatus.PAUSED, is_past_its_deadline),\n",
        new="",
        tests=TESTS,
    ),
    Mutant(
        bug="a measurement that always dies is asked for for ever",
        file="domain/held_submissions.py",
        old="if spending.requests + 1 < MEASUREMENT_REQUESTS_MAX:",
        new="if True:",
        tests=TESTS,
    ),
    Mutant(
        bug="a redriven run begins with a budget that is whole again",
        file="domain/redrive.py",
        old="cost=None if run.pipeline.budget is None else run.cost",
        new="cost=None",
        tests=TESTS,
    ),
    Mutant(
        bug="a stored part forgets that it was measured",
        file="codec/parts.py",
        old="        is_measured=bool(flags & _IS_MEASURED),\n",
        new="",
        tests=("tests/unit/codec", *TESTS),
    ),
    Mutant(
        bug="a job that AWS Batch has forgotten cost nothing",
        file="report/measurement.py",
        old='            return "AWS Batch no longer knows its job"\n',
        new='            return ""\n',
        tests=MEASUREMENT,
    ),
    Mutant(
        bug="earlier attempts of a child are not counted",
        file="report/cost.py",
        old="        self.seconds += detail.earlier_s + latest_s\n",
        new="        self.seconds += latest_s\n",
        tests=MEASUREMENT,
    ),
    Mutant(
        bug="a job that there was no time for is marked as measured",
        file="report/measurement.py",
        old="            job_ids=frozenset(looked_at),\n",
        new="            job_ids=frozenset(job_id for _, job_id in ended),\n",
        tests=MEASUREMENT,
    ),
)
