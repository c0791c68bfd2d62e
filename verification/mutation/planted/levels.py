"""The bugs in how failed nodes of an aggregate run again, level by level."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

TESTS = ("tests/unit/preparation/test_aggregate_rounds.py",)

MUTANTS = (
    Mutant(
        bug="every level's rounds are numbered from 0",
        file="domain/step_state.py",
        old="        return self.round - len(self.earlier_rounds)\n",
        new="        return 0\n",
        tests=TESTS,
    ),
    Mutant(
        bug="the rounds of a level are counted on from those of the level before",
        file="domain/retry_rounds.py",
        old="max(state.redrive_round or 0, state.first_round)",
        new="(state.redrive_round or 0)",
        tests=TESTS,
    ),
    Mutant(
        bug="behind a redriven level no failed node runs again",
        file="domain/retry_rounds.py",
        old="max(state.redrive_round or 0, state.first_round)",
        new="(state.redrive_round or state.first_round)",
        tests=TESTS,
    ),
    Mutant(
        bug="the next level keeps the rounds of the one before",
        file="domain/step_end.py",
        old="        earlier_rounds=(),\n",
        new="",
        tests=TESTS,
    ),
    Mutant(
        bug="a further round of a level is a level of its own",
        file="domain/retry_rounds.py",
        old='    state = replace(here.state, round=here.state.round + 1, reason="", job_reason=here.state.reason)\n',
        new="    state = replace(here.state, round=here.state.round + 1, level=here.state.level + 1)\n",
        tests=TESTS,
    ),
    Mutant(
        bug="the first further round of a level takes the items of level 0",
        file="preparation/failures/latest_round.py",
        old="        is_first = len(state.earlier_rounds) == 1 and not state.is_collected\n",
        new="        is_first = state.round == 1 and not state.is_collected\n",
        tests=TESTS,
    ),
    Mutant(
        bug="a level has the failures of the one before",
        file="domain/step_end.py",
        old='        failures="",\n',
        new="",
        tests=TESTS,
    ),
    Mutant(
        bug="the document of a step numbers a level's earlier rounds from 0",
        file="api/views.py",
        old="for number, parts in state.every_round[:-1]],",
        new="for number, parts in enumerate(state.earlier_rounds)],",
        tests=TESTS,
    ),
    Mutant(
        bug="causes of a level are looked for in the round of another",
        file="api/failures.py",
        old="return state.earlier_rounds[-1], state.round - 1",
        new="return state.earlier_rounds[-1], len(state.earlier_rounds) - 1",
        tests=TESTS,
    ),
    Mutant(
        bug="an aggregate ends while its level still has several results",
        file="domain/step_end.py",
        old="(here.state.children or 0) > 1",
        new="(here.state.children or 0) > 2",
        tests=TESTS,
    ),
)
