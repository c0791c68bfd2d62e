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
        old="if not has_failures(here.state):",
        new="if _outcomes(here) != {JobOutcome.FAILED}:",
    ),
    Mutant(
        bug="a step ends when its first part has ended",
        file="domain/step_end.py",
        old="    for part in here.state.parts:\n        if part.outcome is None:\n            return False\n",
        new="    if all(part.outcome is None for part in here.state.parts):\n        return False\n",
    ),
    Mutant(
        bug="a step without items holds up its dependents",
        file="domain/step_state.py",
        old="return self.status is _SKIPPED and self.children == 0",
        new="return False",
    ),
    Mutant(
        bug="a step that was skipped for a failure lets its dependents run",
        file="domain/step_state.py",
        old="return self.status is _SKIPPED and self.children == 0",
        new="return self.status is _SKIPPED",
    ),
    Mutant(
        bug="a run whose step failed SUCCEEDED",
        file="domain/run_end.py",
        old="return StepStatus.FAILED in _statuses(run)",
        new="return _statuses(run) == {StepStatus.FAILED}",
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
        old="return here.step.aggregate is not None and (here.state.children or 0) > 1",
        new="return False",
    ),
    Mutant(
        bug="a condition is ignored",
        file="domain/readiness.py",
        old="return when is not None and not parse_condition(when).holds(condition_lookup(here.run))",
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
        old="if state.status is not row.target:",
        new="if False:",
    ),
    Mutant(
        bug="the last row that matches decides, not the first",
        file="domain/table.py",
        old="        for row in rows:\n            if row.when is None",
        new="        for row in [*rows][::-1]:\n            if row.when is None",
    ),
    Mutant(
        bug="what a group of rows has in common is not looked at",
        file="domain/table.py",
        old="if given is not None and not given(*here):",
        new="if given is not None and not given(*here) and len(rows) < 5:",
    ),
    Mutant(
        bug="a run ends when one of its steps has ended",
        file="domain/run_end.py",
        old="return len(run.steps) == len(run.pipeline.steps) and all(",
        new="return any(",
    ),
    Mutant(
        bug="a head that was read lately is taken for another one",
        file="codec/heads.py",
        old='key = repr({**reader.document, "steps": None})',
        new='key = reader.take("id", str)',
    ),
    Mutant(
        bug="a head is written as it was, although it has changed",
        file="codec/heads.py",
        old="if kept is not None and all(map(is_, kept[0], values)):",
        new="if kept is not None and kept[0][:2] == values[:2]:",
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
