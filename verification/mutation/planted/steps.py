"""The bugs in when steps and runs begin, and how they end."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

MUTANTS = (
    Mutant(
        bug="a dependent starts when one of its needs is ready",
        file="domain/readiness.py",
        old="return all(_lets_run(here.run, here.step, need) for need in here.step.needs)",
        new="return any(_lets_run(here.run, here.step, n) for n in here.step.needs or ('',))",
    ),
    Mutant(
        bug="a step succeeds although one of its parts failed",
        file="domain/step_end.py",
        old="if not _have_ended(here) or not has_failures(here.state)",
        new="if not _have_ended(here) or _outcomes(here) != {JobOutcome.FAILED}",
    ),
    Mutant(
        bug="a step ends when its first part has ended",
        file="domain/step_end.py",
        old="return not any(part.outcome is None for part in here.state.parts)",
        new="return any(part.outcome is not None for part in here.state.parts)",
    ),
    Mutant(
        bug="a step without items holds up its dependents",
        file="domain/step_state.py",
        old="return self.children == 0",
        new="return False",
    ),
    Mutant(
        bug="a step that was skipped for a failure lets its dependents run",
        file="domain/step_state.py",
        old="return self.children == 0",
        new="return True",
    ),
    Mutant(
        bug="a run whose step failed SUCCEEDED",
        file="domain/run_end.py",
        old="return _all_ended(run) and StepStatus.FAILED in _statuses(run)",
        new="return _all_ended(run) and _statuses(run) == {StepStatus.FAILED}",
    ),
    Mutant(
        bug="a part of one child stands beside another",
        file="domain/array_split.py",
        old="return (base + 1,) * larger + (base,) * (count - larger)",
        new="return (ARRAY_SIZE_MAX,) * (count - 1) + (children - ARRAY_SIZE_MAX * (count - 1),)",
    ),
    Mutant(
        bug="an array of one is submitted",
        file="domain/requests.py",
        old="if size > 1:",
        new="if size > 0:",
    ),
    Mutant(
        bug="an N_TO_N dependent is submitted behind a part that has failed",
        file="domain/derived_transitions.py",
        old="        elif reason:\n",
        new="        elif reason and False:\n",
    ),
    Mutant(
        bug="an aggregate ends after its first level",
        file="domain/step_end.py",
        old="return has_more and _have_ended(here)",
        new="return False",
    ),
    Mutant(
        bug="a condition is ignored",
        file="domain/readiness.py",
        old="return not parse_condition(when).holds(condition_lookup(here.run))",
        new="return False",
    ),
    Mutant(
        bug="a group's children count from the step's first",
        file="domain/step_state.py",
        old="return sum(part.size for part in self.parts if part.group < group)",
        new="return 0",
    ),
    Mutant(
        bug="a row may lead elsewhere than the table says",
        file="domain/table.py",
        old="if run.state(name).status is not row.target:",
        new="if False:",
    ),
    Mutant(
        bug="the last row that matches decides, not the first",
        file="domain/table.py",
        old="    for row in rows:\n        if row.when is None",
        new="    for row in [*rows][::-1]:\n        if row.when is None",
    ),
    Mutant(
        bug="a step whose size is 0 is submitted",
        file="domain/derived_transitions.py",
        old="    derived(WAITING, skip_zero, to=SKIPPED, when=size_is_zero),\n",
        new="",
    ),
    Mutant(
        bug="a step is passed over although a need of it has failed",
        file="domain/readiness.py",
        old="""            if run.state(need).status.is_terminal:
                return False
            waits = True""",
        new="            waits = True",
    ),
    Mutant(
        bug="a step that waits is passed over although its run is being stopped",
        file="domain/derived_transitions.py",
        old="return stop_of(run, step) is not None or not waits_for_needs(run, step)",
        new="return not waits_for_needs(run, step)",
    ),
)
