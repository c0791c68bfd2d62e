"""What a Task asks of AWS Batch: its fields, its values, its retries and timeouts."""

from __future__ import annotations

from tests.unit.cli.adopt.adopting import adopted
from tests.unit.cli.adopt.step_functions.definitions import command, job, machine, step, words_of


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
