"""The ways from state to state: what follows what, under which condition, and after failures."""

from __future__ import annotations

import json
from typing import Any

import pytest

from batchrelay_cli.errors import UsageProblem
from tests.unit.cli.adopt.adopting import adopted
from tests.unit.cli.adopt.step_functions.definitions import choice, job, machine, step


def test_tasks_one_behind_the_other_are_steps_and_others_are_passed_and_listed() -> None:
    lambda_task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Next": "B"}
    definition = machine("A", A=job(Next="F"), F=lambda_task, B=job(Next="W"),
                         W={"Type": "Wait", "Seconds": 5, "Next": "Done"},
                         Done={"Type": "Succeed"}) | {"TimeoutSeconds": 3600}  # fmt: skip
    result = adopted(definition)
    assert result.steps == [step("A"), step("B", "A")]
    assert result.timeout == "3600s"
    assert [note.partition(": ")[2] for note in result.notes] == [
        "Task F: arn:aws:states:::lambda:invoke is no job of AWS Batch: make it one, or do without",
        "Wait W: steps do not wait for a time: start the run then",
    ]


def test_every_note_and_comment_has_the_line_of_its_state() -> None:
    text = json.dumps(machine("First job", **{"First job": job(Environment=[])}), indent=1)
    line = 1 + next(n for n, one in enumerate(text.splitlines()) if '"First job": {' in one)
    result = adopted(text)
    assert result.notes == [f"{line}: First-job: Environment: a Task has no such field"]
    assert f"# in:{line}: the state First job\n" in result.text


def test_branches_of_a_parallel_meet_behind_it() -> None:
    both = {
        "Type": "Parallel",
        "Branches": [machine("B", B=job(Next="C"), C=job()), machine("D", D=job())],
        "Next": "E",
    }
    result = adopted(machine("A", A=job(Next="P"), P=both, E=job()))
    assert result.steps == [
        step("A"),
        step("B", "A"),
        step("C", "B"),
        step("D", "A"),
        step("E", "C", "D"),
    ]


def test_a_choice_by_the_input_is_conditions_and_what_follows_stands_on_each_way() -> None:
    rules = [{"Variable": "$.mode", "StringEquals": word, "Next": word} for word in ("X", "Y")]
    result = adopted(
        machine("C", C=choice(*rules, default="Z"), X=job(Next="J"), Y=job(Next="J"), Z=job(), J=job())
    )  # fmt: skip
    assert result.params == {"mode": {"description": "$.mode of the execution's input"}}
    assert result.steps == [
        step("X", flow={"when": "params.mode == 'X'"}),
        step("J", "X"),
        step("Y", flow={"when": "params.mode == 'Y'"}),
        step("J-2", "Y"),
        step("Z", flow={"when": "not (params.mode == 'X') and not (params.mode == 'Y')"}),
    ]
    assert result.notes == []


@pytest.mark.parametrize(
    ("rule", "condition"),
    [
        ({"Variable": "$.n", "NumericGreaterThan": 3}, "params.n > 3"),
        ({"Variable": "$.a", "StringEqualsPath": "$.b"}, "params.a == params.b"),
        ({"Not": {"Variable": "$.a.b", "BooleanEquals": True}}, "not params.a-b == true"),
        (
            {"And": [{"Variable": "$.a", "NumericEquals": 1}, {"Variable": "$.b", "NumericEquals": 2}]},
            "(params.a == 1 and params.b == 2)",
        ),
    ],
)  # fmt: skip
def test_rules_that_have_a_condition(rule: dict[str, Any], condition: str) -> None:
    result = adopted(machine("C", C=choice({**rule, "Next": "A"}), A=job()))
    assert result.steps == [step("A", flow={"when": condition})]


@pytest.mark.parametrize(
    "rule",
    [
        {"Variable": "$.x", "StringMatches": "S2*"},
        {"Variable": "$.x", "IsPresent": True},
        {"Variable": "$.x[?(@.a)]", "StringEquals": "a"},
        {"Variable": "$.x", "StringEquals": 'it\'s "so"'},
        {"Variable": "$.x", "StringEquals": "${x}"},
        {},
        {"And": "no list of rules", "Not": 5},
    ],
)
def test_a_rule_without_a_condition_becomes_a_parameter_that_names_what_follows(
    rule: dict[str, Any],
) -> None:
    definition = machine("C", C=choice({**rule, "Next": "A b"}, default="D"), **{"A b": job(), "D": job()})  # fmt: skip
    result = adopted(definition)
    if "And" in rule:  # an empty `and` is no condition either
        assert "the parameter C decides" in result.notes[0]
    assert [one["flow"]["when"] for one in result.steps] == [
        '${params.C} == "A-b"',
        '${params.C} == "D"',
    ]
    assert result.params["C"] == {"description": "what follows the Choice C: A-b, D"}


def test_a_choice_by_what_a_state_made_is_a_parameter() -> None:
    rule = {"Variable": "$.Status", "StringEquals": "OK", "Next": "B"}
    result = adopted(machine("A", A=job(Next="C"), C=choice(rule), B=job()))
    assert result.steps[1] == step("B", "A", flow={"when": '${params.C} == "B"'})
    assert "what the state A decides: the parameter C decides instead" in result.notes[0]


def test_a_choice_that_no_job_follows_asks_for_nothing() -> None:
    rule = {"Variable": "$.x", "IsNull": True, "Next": "S"}
    result = adopted(machine("A", A=job(Next="C"), C=choice(rule), S={"Type": "Succeed"}))
    assert result.params == {}
    assert result.notes[0].endswith("Choice C: no job follows it")


def test_a_loop_is_cut_and_listed() -> None:
    rules = [{"Variable": "$.x", "StringEquals": "y", "Next": "A"}]
    result = adopted(machine("A", A=job(Next="C"), C=choice(*rules, default="B"), B=job()))
    assert [one["jobName"] for one in result.steps] == ["A", "B"]
    assert "Task A: the states go round in a loop here" in result.notes[0]


def test_what_a_catch_leads_to_is_a_finally_step_once() -> None:
    catch: dict[str, Any] = {
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "H", "ResultPath": "$.error"}]
    }
    handler = job({"Parameters": {"v.$": "$.version", "e.$": "$.error"}}, Next="F")
    fail = {"Type": "Fail"}
    result = adopted(
        machine("A", A=job(Next="B", ResultPath=None, **catch), B=job(**catch), H=handler, F=fail)
    )
    assert result.steps == [
        step("A"),
        step("B", "A"),
        step(
            "H",
            parameters={"v": "${params.version}"},
            flow={"when": "${run.status} == FAILED", "finally": True},
        ),
    ]
    assert [note.partition(": ")[2] for note in result.notes] == [
        "Catch of A, B: its step runs whatever step failed",
        "H: parameters.e: the failure decides it in the run",
    ]


def test_where_a_failure_goes_on_as_if_there_was_none_is_listed() -> None:
    catch: dict[str, Any] = {"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "B"}]}
    result = adopted(machine("A", A=job(Next="B", **catch), B=job()))
    assert result.steps == [step("A"), step("B", "A")]
    assert any("after a failure the states go on here" in note for note in result.notes)


def test_ways_without_end_are_refused() -> None:
    states: dict[str, Any] = {}
    for n in range(40):
        rule = {"Variable": "$.x", "StringEquals": str(n), "Next": f"L{n}"}
        states[f"C{n}"] = choice(rule, default=f"R{n}")
        for side in "LR":
            states[f"{side}{n}"] = {"Type": "Pass", "Next": f"C{n + 1}"}
    with pytest.raises(UsageProblem, match="too many ways"):
        adopted(machine("C0", **states, C40=job()))


def test_states_that_are_not_there_and_that_are_nothing_are_listed() -> None:
    result = adopted(machine("A", A=job(Next="X"), X={"Type": "Y", "Next": "gone"}))
    assert result.steps == [step("A")]
    assert [note.partition(": ")[2] for note in result.notes] == [
        "the state gone: there is no such state",
        "Y X: there is no such type of state",
    ]
    with pytest.raises(UsageProblem, match="no step of it can be carried"):
        adopted(machine("A"))
