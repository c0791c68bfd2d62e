"""The bugs in what is checked when a run starts."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

MUTANTS = (
    Mutant(
        bug="a run starts although a step of it can never be submitted",
        file="engine/engine.py",
        old="        check_start(run)\n",
        new="",
    ),
    Mutant(
        bug="a start is refused for a step that it skips",
        file="domain/start_check.py",
        old="        if is_certain and not",
        new="        if False and not",
    ),
    Mutant(
        bug="only the first group of a step is judged at the start",
        file="domain/start_check.py",
        old="        for group in range(_groups(step)):",
        new="        for group in range(1):",
    ),
    Mutant(
        bug="a letter of another alphabet counts as six characters of overrides",
        file="domain/request_rules.py",
        old="json.dumps(request.get(form, {}), ensure_ascii=False)",
        new="json.dumps(request.get(form, {}))",
    ),
    Mutant(
        bug="a start whose effect fails does not say which run it began",
        file="engine/engine.py",
        old="return Handled(run=created, ended=ended, problem=problem)",
        new="raise",
    ),
    Mutant(
        bug="a run starts that cannot fit into its item",
        file="domain/start_check.py",
        old="    yield from _size_problems(check)\n",
        new="",
    ),
)
