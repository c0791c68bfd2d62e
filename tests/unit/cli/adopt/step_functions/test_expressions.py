"""Paths, functions and JSONata, in a definition and alone."""

from __future__ import annotations

import pytest

from batchrelay_cli.adopt.step_functions.jsonata import evaluated as expression
from batchrelay_cli.adopt.step_functions.paths import Scope, evaluated
from batchrelay_cli.adopt.step_functions.values import (
    Input,
    Listed,
    Literal,
    Made,
    Parts,
    RunFact,
    Struct,
    Value,
)
from tests.unit.cli.adopt.adopting import adopted
from tests.unit.cli.adopt.step_functions.definitions import (
    SUBMIT,
    choice,
    machine,
    over,
    step,
    words_of,
)


def test_a_definition_in_jsonata() -> None:
    arguments = {
        "JobName": "n",
        "JobQueue": "{% $queue %}",
        "JobDefinition": "d",
        "ContainerOverrides": {
            "Command": ["go", "{% 's3://' & $states.input.bucket & '/in' %}"],
            "Environment": [{"Name": "A", "Value": "{% $count($states.input.x) %}"}],
        },
    }
    task = {
        "Type": "Task",
        "Resource": SUBMIT,
        "Arguments": arguments,
        "Output": "{% $states.input %}",
    }
    rule = {"Condition": "{% $states.input.mode = 'full' and $states.input.n > 3 %}", "Next": "B"}
    definition = machine(
        "P",
        P={"Type": "Pass", "Assign": {"queue": "{% $states.input.queue %}"}, "Next": "A"},
        A={**task, "Next": "C"},
        C=choice(rule),
        B={**task, "End": True},
    ) | {"QueryLanguage": "JSONata"}  # fmt: skip
    result = adopted(definition)
    overrides = {"command": ["go", "s3://${params.bucket}/in"]}
    own = {"jobQueue": "${params.queue}", "containerOverrides": overrides}
    assert result.steps == [
        step("A") | own,
        step("B", "A", flow={"when": "params.mode == 'full' and params.n > 3"}) | own,
    ]
    assert "the expression $count($states.input.x) decides it in the run" in result.notes[0]


def test_items_of_a_map_in_jsonata_may_be_written_there() -> None:
    task = {"Type": "Task", "Resource": SUBMIT, "End": True, "Arguments": {
        "JobQueue": "q", "JobDefinition": "d",
        "ContainerOverrides": {"Command": ["go", "{% $states.input.n %}"]},
    }}  # fmt: skip
    definition = over(machine("A", A=task), Items=[{"n": 1}, {"n": "${x}"}])
    result = adopted(definition | {"QueryLanguage": "JSONata"})
    assert result.steps[0]["flow"] == {"forEach": {"items": [{"n": 1}, {"n": "$${x}"}]}}
    assert words_of(result)[-1] == "{item.n}"


SCOPE = Scope(data=Struct({"a": Literal("x")}, Input()), state="S", variables={"v": Literal(7)})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$.a", Literal("x")),
        ("$.b['c d'][0].e", Input(("b", "c d", "0", "e"))),
        ("$v", Literal(7)),
        ("$$.State.Name", Literal("S")),
        ("$$.Execution.Input.k", Input(("k",))),
        ("$$.Execution.Id", RunFact("run.id")),
        ("$$.Map.Item.Value", Made("the context object (Map.Item.Value)")),
        ("$..a", Made("the path $..a")),
        ("States.Array(1, 'a,b')", Listed((Literal(1), Literal("a,b")))),
        ("States.Format('{}-{}', $.b, 'it\\'s')", Parts((Input(("b",)), Literal("-"), Literal("it's")))),
        ("States.Format('{}')", Made("the function States.Format('{}')")),
        ("States.UUID()", Made("the function States.UUID()")),
    ],
)  # fmt: skip
def test_paths_and_functions(text: str, value: Value) -> None:
    assert evaluated(text, SCOPE) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$states.input.a", Literal("x")),
        ("$states.input.`b c`[0]", Input(("b c", "0"))),
        ("'it\\'s \"' & $v", Parts((Literal("it's \""), Literal(7)))),
        ("[1, true]", Listed((Literal(1), Literal(True)))),
        ("$states.context.Execution.Name", RunFact("run.id")),
        ("$states.result.x", Made("$states.result.x")),
        ("$sum([1])", Made("the expression $sum([1])")),
        ("$states.input.a[b=1]", Made("the expression $states.input.a[b=1]")),
        ("(" * 99, Made(f"the expression {'(' * 99}")),
    ],
)
def test_expressions(text: str, value: Value) -> None:
    assert expression(text, SCOPE) == value
