"""SubmitJob requests as steps."""

from __future__ import annotations

import json
from typing import Any

import pytest

from batchrelay_cli.adopt.source import SOURCE_BYTES_MAX
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.pipeline_file.document import parse
from tests.unit.cli.adopt.adopting import adopted


def request(name: str = "a", **more: Any) -> dict[str, Any]:
    return {"jobName": name, "jobQueue": "q", "jobDefinition": "d:1", **more}


def after(*edges: dict[str, str]) -> dict[str, Any]:
    return {"dependsOn": list(edges)}


def test_a_request_is_a_step_as_it_stands() -> None:
    own: dict[str, Any] = {
        "arrayProperties": {"size": 20},
        "containerOverrides": {
            "command": ["run.sh", "--at", "2026-01-31"],
            "environment": [{"name": "MODE", "value": "on"}],
        },
        "retryStrategy": {"attempts": 3},
    }
    result = adopted(request(**own))
    assert result.steps == [request(**own)]
    assert result.notes == []
    assert "# in:1: the request\n" in result.text


def test_overrides_of_nodes_stand_as_they_are() -> None:
    entry = {"targetNodes": "0:", "containerOverrides": {"command": ["solve", "${x}"]}}
    own: dict[str, Any] = {"nodeOverrides": {"numNodes": 4, "nodePropertyOverrides": [entry]}}
    result = adopted(request(**own))
    entry["containerOverrides"] = {"command": ["solve", "$${x}"]}
    assert result.steps == [request(**own)]
    assert result.notes == []


def test_dependencies_within_a_list_are_steps_by_what_their_ids_hold() -> None:
    result = adopted(
        [
            request("JobA"),
            request("JobB", arrayProperties={"size": 9}, **after({"jobId": "JobA_job_ID"})),
            request(
                "JobC",
                arrayProperties={"size": 9},
                **after({"jobId": "JobB", "type": "N_TO_N"}, {"type": "SEQUENTIAL"}),
            ),
        ]
    )
    assert [step.get("dependsOn") for step in result.steps] == [
        None,
        [{"jobName": "JobA"}],
        [{"jobName": "JobB", "type": "N_TO_N"}, {"type": "SEQUENTIAL"}],
    ]
    assert result.notes == []


def test_an_id_that_names_no_request_is_listed_with_its_line() -> None:
    text = json.dumps([request(), request("b", **after({"jobId": "6efe6c7c"}))], indent=1)
    line = next(n for n, one in enumerate(text.splitlines(), 1) if "jobId" in one) - 1
    result = adopted(text)
    assert "dependsOn" not in result.step("b")
    assert result.notes == [
        f"{line}: b: dependsOn 6efe6c7c: no request here has this id: write {{jobName: STEP}}"
    ]


def test_a_circle_of_dependencies_is_cut_and_listed() -> None:
    result = adopted([request("a", **after({"jobId": "b"})), request("b", **after({"jobId": "a"}))])
    assert "dependsOn" not in result.step("a")
    assert result.step("b")["dependsOn"] == [{"jobName": "a"}]
    assert len(result.notes) == 1
    assert "steps form a cycle" in result.notes[0]


@pytest.mark.parametrize(
    ("name", "step"),
    [("x's test 0", "x-s-test-0"), ("--", "step-1"), ("a" * 200, "a" * 128), ("größe", "gr-e")],
)
def test_a_name_that_no_step_can_have_is_another_one(name: str, step: str) -> None:
    result = adopted(request(name))
    assert [one["jobName"] for one in result.steps] == [step]
    assert "the step is called" in result.notes[0]


def test_two_requests_of_one_name_are_two_steps() -> None:
    result = adopted([request("Job"), request("job")])
    assert [one["jobName"] for one in result.steps] == ["Job", "job-2"]


def test_what_lint_refuses_is_left_out_and_listed_with_the_sentence_of_lint() -> None:
    environment = [{"name": "AWS_BATCH_X", "value": "1"}, {"name": "A", "value": "2"}]
    result = adopted(
        request(
            containerOverrides={"environment": environment},
            timeout={"attemptDurationSeconds": 5},
            nonsense=True,
        )
    )
    [step] = result.steps
    assert step == request(containerOverrides={"environment": [{"name": "A", "value": "2"}]})
    assert [note.partition(": ")[2].partition(": ")[2] for note in result.notes] == [
        "containerOverrides.environment.0: AWS_BATCH_X: names in AWS_BATCH… belong to AWS Batch",
        "timeout.attemptDurationSeconds: AWS Batch takes timeouts from 60 seconds on, not 5",
        result.notes[2].partition(": ")[2].partition(": ")[2],
    ]
    assert result.notes[2].partition("a: ")[2].startswith("nonsense: unknown key nonsense")


def test_several_wrong_entries_of_a_list_go_and_the_others_stay() -> None:
    environment = [{"name": f"{'AWS_BATCH' if n % 2 else 'A'}{n}", "value": "1"} for n in range(6)]
    result = adopted(request(containerOverrides={"environment": environment}))
    names = [entry["name"] for entry in result.steps[0]["containerOverrides"]["environment"]]
    assert names == ["A0", "A2", "A4"]
    assert len(result.notes) == 3


def test_a_command_that_cannot_be_carried_fails_instead_of_doing_something_else() -> None:
    result = adopted(request(containerOverrides={"command": ["rm", "-r", ""]}))
    assert result.steps[0]["containerOverrides"] == {"command": ["false"]}
    assert "The step fails until you write its command" in result.notes[0]


def test_a_request_without_queue_and_definition_takes_those_of_the_command_line() -> None:
    bare = {"jobName": "a", "jobQueue": 5, "jobDefinition": ""}
    assert adopted(bare).steps == [
        {"jobName": "a", "jobQueue": "your-job-queue", "jobDefinition": "your-job-definition"}
    ]
    assert adopted(bare, queue="Q", definition="D").steps == [
        {"jobName": "a", "jobQueue": "Q", "jobDefinition": "D"}
    ]


INJECTIONS = [
    "x\npipeline: other", "${params.secret}", "${", "$${x}", "- a: b", "&a *a", "!!python/object:x",
    "#", "a # b", "'", '"', "1e3", "0x1F", "on", "null", "~", "\u2028", "\x85", "\ufeff", "%TAG",
    "{a: b}", "[x]", "|", ">", "a: b", "\t", " lead", "trail ", "😀", "\x7f", "12:30:45", "2026-01-31",
]  # fmt: skip


@pytest.mark.parametrize("text", INJECTIONS)
def test_no_value_is_more_than_a_value(text: str) -> None:
    variables = {"environment": [{"name": "A", "value": text}]}
    result = adopted(request(containerOverrides=variables, parameters={text: text}))
    [step] = result.steps
    written = text.replace("${", "$${")
    assert step["containerOverrides"]["environment"] == [{"name": "A", "value": written}]
    assert step["parameters"] == {text: written}
    assert set(parse(result.text).data) == {"pipeline", "steps"}


@pytest.mark.parametrize("text", INJECTIONS)
def test_no_name_breaks_out_of_its_comment(text: str) -> None:
    result = adopted([request(text), request("b", **after({"jobId": f"no {text}"}))])
    assert set(parse(result.text).data) == {"pipeline", "steps"}
    assert len(result.steps) == 2


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("", "the file is empty"),
        ("hello", "it has none of the forms; adopt takes a SubmitJob request"),
        ("{}", "it has none of the forms"),
        ("[]", "it has none of the forms"),
        ('[{"jobQueue": "q"}, 5]', "it has none of the forms"),
        ('{"a": 1}', "with the keys a it has none of the forms"),
        ('{"jobs": []}', "with the keys jobs it has none of the forms"),
        ('{"jobSummaryList": []}', "the output of list-jobs"),
        ('{"definition": "{}"}', "the output of describe-state-machine"),
        ('{"Resources": {}}', "a CloudFormation template"),
        ("pipeline: p\nsteps: []", "this is a pipeline file already"),
        ('{"a": 1', "in:1:8: this is not JSON"),
        ('{"a": {% if x %} 1}', "(a template? give what it is rendered to)"),
        ('{"a": 1, "a": 2}', "a is given twice"),
        ("[" * 5000, "nested too deeply"),
        ("a: " * 5000, "not YAML"),
        ('{"jobName": "a", "jobQueue": "\\ud800"}', "half of a character"),
    ],
)  # fmt: skip
def test_what_has_none_of_the_forms_is_refused_with_all_five(source: str, sentence: str) -> None:
    with pytest.raises(UsageProblem) as raised:
        adopted(source)
    assert sentence in raised.value.message
    for form in ("SubmitJob", "describe-jobs", "Step Functions", "awsbsub", "--queue QUEUE --job"):
        assert form in raised.value.message


def test_more_requests_than_a_pipeline_has_steps_are_refused() -> None:
    with pytest.raises(UsageProblem, match="more than 500 steps"):
        adopted([request(f"a{n}") for n in range(501)])


def test_the_bound_of_a_file_is_above_a_definition_of_step_functions() -> None:
    assert SOURCE_BYTES_MAX > 1024 * 1024
