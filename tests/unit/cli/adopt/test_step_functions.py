"""Step Functions definitions as pipelines."""

from __future__ import annotations

import json
from typing import Any

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
from batchrelay_cli.errors import UsageProblem
from tests.unit.cli.adopt.adopting import Adopted, adopted

SUBMIT = "arn:aws:states:::batch:submitJob.sync"


def job(arguments: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A Task; without `Next` it is the last."""
    own = {"JobName": "n", "JobQueue": "q", "JobDefinition": "d", **(arguments or {})}
    end = {} if "Next" in more else {"End": True}
    return {"Type": "Task", "Resource": SUBMIT, "Parameters": own, **end, **more}


def machine(first: str, **states: Any) -> dict[str, Any]:
    return {"StartAt": first, "States": states}


def step(name: str, *needs: str, **more: Any) -> dict[str, Any]:
    edges = {"dependsOn": [{"jobName": need} for need in needs]} if needs else {}
    return {"jobName": name, **edges, "jobQueue": "q", "jobDefinition": "d", **more}


def command(*words: Any, **more: Any) -> dict[str, Any]:
    return {"ContainerOverrides": {"Command": list(words), **more}}


def words_of(result: Adopted, name: str = "A") -> list[str]:
    words: list[str] = result.step(name)["containerOverrides"]["command"]
    return words


# --- ways


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


def choice(*rules: dict[str, Any], default: str | None = None) -> dict[str, Any]:
    end = {} if default is None else {"Default": default}
    return {"Type": "Choice", "Choices": list(rules), **end}


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


# --- requests


def test_the_spelling_is_aws_batchs_and_names_of_ones_own_stay() -> None:
    arguments = {
        "ArrayProperties": {"Size": 4},
        "Parameters": {"SourceBucket": "b"},
        "Tags": {"Team": "T"},
        "PropagateTags": True,
        "RetryStrategy": {"Attempts": 3},
        "Timeout": {"AttemptDurationSeconds": 60},
        "ContainerOverrides": {
            "ResourceRequirements": [{"Type": "VCPU", "Value": "2"}],
            "Environment": [{"Name": "A", "Value": 5}],
        },
    }
    assert adopted(machine("A", A=job(arguments))).steps == [
        step(
            "A",
            arrayProperties={"size": 4},
            parameters={"SourceBucket": "b"},
            tags={"Team": "T"},
            propagateTags=True,
            retryStrategy={"attempts": 3},
            timeout={"attemptDurationSeconds": 60},
            containerOverrides={
                "resourceRequirements": [{"type": "VCPU", "value": "2"}],
                "environment": [{"name": "A", "value": "5"}],
            },
        )
    ]


def test_the_input_is_parameters_and_a_size_is_a_whole_number() -> None:
    arguments = {
        "ArrayProperties": {"Size.$": "$.jobs.count"},
        "Parameters": {"run.$": "$$.Execution.Name", "at.$": "$$.Execution.StartTime"},
        **command("go", "x"),
    }
    arguments["ContainerOverrides"]["Environment"] = [
        {"Name": "F", "Value.$": "States.Format('s3://{}/{}', $.bucket, $['a key'])"}
    ]
    result = adopted(machine("A", A=job(arguments)))
    [one] = result.steps
    assert one["arrayProperties"] == {"size": "${params.jobs-count}"}
    assert one["parameters"] == {"run": "${run.id}", "at": "${run.startedAt}"}
    assert one["containerOverrides"]["environment"] == [
        {"name": "F", "value": "s3://${params.bucket}/${params.a-key}"}
    ]
    assert result.params["jobs-count"]["type"] == "integer"


def test_what_a_pass_says_is_known_behind_it() -> None:
    definition = machine(
        "P",
        P={"Type": "Pass", "Result": {"b": "out"}, "ResultPath": "$.where", "Next": "Q"},
        Q={"Type": "Pass", "Parameters": {"u.$": "States.Format('s3://{}', $.where.b)"}, "Next": "A"},
        A=job(command("go") | {"Parameters": {"u.$": "$.u", "gone.$": "$.x"}}),
    )  # fmt: skip
    result = adopted(definition)
    assert result.steps[0]["parameters"] == {"u": "s3://out"}
    assert result.notes[0].endswith("A: parameters.gone: nothing in the definition decides it in the run")  # fmt: skip


def test_what_a_deployment_fills_in_is_a_parameter_and_a_shells_variable_is_not() -> None:
    arguments = {"JobQueue": "arn:aws:batch:r:1:job-queue/${Q}", **command("sh", "-c", "echo ${HOME} x")}  # fmt: skip
    result = adopted(machine("A", A=job(arguments, Resource="${BatchArn}")))
    [one] = result.steps
    assert one["jobQueue"] == "arn:aws:batch:r:1:job-queue/${params.Q}"
    assert words_of(result) == ["sh", "-c", "echo $${HOME} x"]
    assert list(result.params) == ["Q"]


def test_a_value_in_the_code_of_a_shell_becomes_its_argument() -> None:
    text = "States.Array('sh', '-c', States.Format('java -jar a.jar {} > \"{}\"', $.key, $.out))"
    arguments = {"ContainerOverrides": {"Command.$": text}}
    assert words_of(adopted(machine("A", A=job(arguments)))) == [
        "sh",
        "-c",
        'java -jar a.jar "$1" > "$2"',
        "sh",
        "${params.key}",
        "${params.out}",
    ]


def test_a_value_in_quoted_code_is_refused_and_the_step_fails_until_it_is_written() -> None:
    text = r"States.Array('sh', '-c', States.Format('echo \'{}\'', $.key))"
    result = adopted(machine("A", A=job({"ContainerOverrides": {"Command.$": text}})))
    assert words_of(result) == ["false"]
    assert "would run as code" in result.notes[0]


def test_a_command_that_only_a_run_knows_is_not_half_carried() -> None:
    result = adopted(machine("A", A=job(command("rm", {"x": 1}))))
    assert words_of(result) == ["false"]
    result = adopted(machine("A", A=job({"ContainerOverrides": {"Command.$": "$.command"}})))
    assert words_of(result) == ["false"]
    assert "only a run knows its words. The step fails" in result.notes[0]


def test_dependencies_by_the_ids_of_earlier_states_are_edges() -> None:
    array = {"ArrayProperties": {"Size": 2}}
    first = job(array, ResultPath="$.first", Next="B", Resource="arn:aws:states:::batch:submitJob")
    depends = {"DependsOn": [{"JobId.$": "$.first.JobId", "Type": "N_TO_N"}, {"JobId.$": "$.x"}]}
    two = {"Type": "Parallel", "Branches": [machine("B", B=job({**array, **depends}))], "End": True}
    result = adopted(machine("A", A=first, B=two))
    assert result.step("B")["dependsOn"] == [{"jobName": "A"}]
    assert result.notes == [result.notes[0]]
    assert "B: dependsOn: no state before it submits this job" in result.notes[0]


def test_retries_and_timeouts() -> None:
    retry = [
        {"ErrorEquals": ["Batch.AWSBatchException"], "MaxAttempts": 5},
        {"ErrorEquals": ["States.TaskFailed"], "MaxAttempts": 4, "IntervalSeconds": 9},
        {"ErrorEquals": ["States.Timeout"], "MaxAttempts": 99},
        {"ErrorEquals": ["Custom"]},
    ]
    result = adopted(machine("A", A=job(Retry=retry, TimeoutSeconds=7, HeartbeatSeconds=1)))
    assert result.steps == [
        step(
            "A",
            retryStrategy={"attempts": 5},
            timeout={"attemptDurationSeconds": 60},
            flow={"retryFailed": {"rounds": 9, "when": ["Timeout"]}},
        )
    ]
    assert [note.partition("A: ")[2].partition(":")[0] for note in result.notes] == [
        "Retry.IntervalSeconds",
        "Retry of Custom",
        "HeartbeatSeconds",
    ]


# --- maps


def over(inner: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A definition of one Map."""
    own = {"Type": "Map", "ItemProcessor": inner, "End": True, **more}
    return machine("M", M=own)


FILE = {"file": "${params.execution-input}", "items": "a.items"}


def test_a_map_over_the_input_lists_the_inputs_document() -> None:
    arguments = {"Parameters": {"index.$": "$.number"}, **command("go", "Ref::index", "--in")}
    arguments["ContainerOverrides"]["Environment"] = [{"Name": "KEY", "Value.$": "$.one.key"}]
    selector = {"one.$": "$$.Map.Item.Value", "number.$": "$$.Map.Item.Index"}
    result = adopted(
        over(machine("A", A=job(arguments)), ItemsPath="$.a.items", ItemSelector=selector)
    )
    assert result.steps == [
        step(
            "A",
            containerOverrides={
                "command": [
                    "batchrelay-worker",
                    "run",
                    "--",
                    "env",
                    "KEY={item.key}",
                    "go",
                    "{item.number}",
                    "--in",
                ]
            },
            flow={"forEach": FILE},
        )
    ]
    assert result.params["execution-input"]["type"] == "s3uri"


@pytest.mark.parametrize(
    ("reader", "items"),
    [
        (
            {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "JSON", "ItemsPointer": "/a/b"},
             "Parameters": {"Bucket": "b", "Key.$": "$.key"}},
            {"file": "s3://b/${params.key}", "items": "a.b"},
        ),
        (
            {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "CSV", "CSVDelimiter": "PIPE"},
             "Parameters": {"Bucket": "b", "Key": "k"}},
            {"file": "s3://b/k", "format": "csv", "separator": "|"},
        ),
        (
            {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "b", "Prefix": "p/"}},
            {"prefix": "s3://b/p/"},
        ),
    ],
)  # fmt: skip
def test_a_distributed_map_reads_what_its_reader_does(
    reader: dict[str, Any], items: dict[str, Any]
) -> None:
    result = adopted(over(machine("A", A=job()), ItemReader=reader))
    assert result.steps == [step("A", flow={"forEach": items})]


def test_an_object_of_a_listing_has_our_names_for_its_fields() -> None:
    reader = {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "b"}}
    arguments = {"ContainerOverrides": {"Command.$": "States.Array('go', $.Key)"}}
    result = adopted(over(machine("A", A=job(arguments)), ItemReader=reader))
    assert words_of(result) == ["batchrelay-worker", "run", "--", "go", "{item.key}"]


@pytest.mark.parametrize(
    "more",
    [
        {"ItemsPath": "$.x[*]"},
        {"ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "MANIFEST"},
                        "Parameters": {"Bucket": "b", "Key": "k"}}},
        {"ItemReader": {"Resource": "arn:aws:states:::dynamodb:scan", "Parameters": {"Bucket": "b"}}},
    ],
)  # fmt: skip
def test_items_that_are_not_known_are_the_uri_of_a_list(more: dict[str, Any]) -> None:
    result = adopted(over(machine("A", A=job()), **more))
    assert result.steps[0]["flow"] == {"forEach": {"file": "${params.M-items}", "items": ""}}
    assert result.params["M-items"]["type"] == "s3uri"
    assert "give the URI of a JSON list" in result.notes[0]


def test_jobs_within_a_map_follow_each_other_item_by_item_and_the_next_waits_for_all() -> None:
    inner = machine("A", A=job(Next="B"), B=job())
    definition = over(inner, ItemsPath="$.a.items", Next="C")
    definition["States"]["C"] = job()
    del definition["States"]["M"]["End"]
    result = adopted(definition)
    assert result.steps == [
        step("A", flow={"forEach": FILE}),
        step("B") | {"dependsOn": [{"jobName": "A", "type": "N_TO_N"}]},
        step("C", "B"),
    ]


def test_one_at_a_time_is_aws_batchs_sequence_and_what_fails_may_be_tolerated() -> None:
    inner = machine("A", A=job())
    [one] = adopted(over(inner, ItemsPath="$.a.items", MaxConcurrency=1)).steps
    assert one["dependsOn"] == [{"type": "SEQUENTIAL"}]
    result = adopted(
        over(inner, ItemsPath="$.a.items", MaxConcurrency=5, ToleratedFailurePercentage=10)
    )
    bounded = {"forEach": FILE, "maxRunning": 5, "tolerate": {"percent": 10}}
    assert result.steps[0]["flow"] == bounded
    assert adopted(over(inner, ItemsPath="$.a.items", MaxConcurrency=0)).steps[0]["flow"] == {
        "forEach": FILE
    }
    for concurrency in ({"MaxConcurrencyPath": "$.n"}, {"MaxConcurrency": 2_000_000}):
        result = adopted(over(inner, ItemsPath="$.a.items", **concurrency))
        assert result.steps[0]["flow"] == {"forEach": FILE}
        assert "write flow.maxRunning" in result.notes[0]


def test_each_job_of_a_map_has_the_bound_of_the_map() -> None:
    inner = machine("A", A=job(Next="B"), B=job())
    result = adopted(over(inner, ItemsPath="$.a.items", MaxConcurrency=5))
    assert [entry["flow"]["maxRunning"] for entry in result.steps] == [5, 5]


def test_what_differs_from_item_to_item_and_cannot_is_listed() -> None:
    arguments = {
        "JobDefinition.$": "$.definition",
        "Tags": {"item.$": "$.id", "team": "t"},
        "Parameters": {"x.$": "$.id"},
    }
    result = adopted(over(machine("A", A=job(arguments)), ItemsPath="$.a.items"))
    assert result.steps == [
        step("A", tags={"team": "t"}, flow={"forEach": FILE})
        | {"jobDefinition": "your-job-definition"}
    ]
    assert [note.partition("A: ")[2].partition(":")[0] for note in result.notes] == [
        "parameters.x",
        "jobDefinition",
        "tags.item",
    ]


def test_a_map_in_a_map_and_a_map_without_jobs_are_listed() -> None:
    nested = over(machine("A", A=job(Next="N"), N=over(machine("B", B=job()))["States"]["M"]))
    result = adopted(nested | {"QueryLanguage": "JSONPath"})
    assert [one["jobName"] for one in result.steps] == ["A"]
    assert any("a Map in a Map" in note for note in result.notes)


# --- JSONata


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
