"""The pipeline file: every problem at once, each with its place and what to write instead."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrelay.domain.pipeline import (
    InlineItems,
    ListFile,
    ListFormat,
    NoticeRule,
    Param,
    ParamType,
)
from batchrelay_cli.pipeline_file.problems import PipelineFileError
from batchrelay_cli.pipeline_file.read import read
from tests.stack import ROOT
from tests.unit.cli.pipeline_texts import GOOD, problems, read_text, with_step


def test_a_separator_is_csv(tmp_path: Path) -> None:
    for options in ("separator: ';'", "format: csv, separator: ';'"):
        text = GOOD + f"    flow: {{forEach: {{file: s3://b/x, {options}}}}}\n"
        each = read_text(tmp_path, text).pipeline.step("a").for_each
        assert each == ListFile(file="s3://b/x", format=ListFormat.CSV, separator=";")


def test_values_are_those_of_yaml_1_2(tmp_path: Path) -> None:
    text = GOOD + "    flow: {forEach: {items: [no, on, 010, 1_000, 12:30, 2026-01-31, 0x1F, 7]}}\n"
    each = read_text(tmp_path, text).pipeline.step("a").for_each
    assert each == InlineItems(items=("no", "on", "010", "1_000", "12:30", "2026-01-31", "0x1F", 7))


def test_the_example_is_right() -> None:
    file = read(ROOT / "examples/word-count/pipeline.yaml")
    assert [(s.name, s.needs) for s in file.pipeline.steps] == [
        ("plan", ()),
        ("migrate", ("plan",)),
        ("merge", ("migrate",)),
    ]
    assert file.pipeline.step("migrate").for_each == ListFile(
        file="s3://${env.bucket}/word-count/${run.id}/plan.json",
        format=ListFormat.JSON,
        items="Items",
    )
    assert file.pipeline.step("plan").request["jobQueue"] == "MainQueue"
    assert file.pipeline.params[0] == Param(
        name="source", type=ParamType.S3URI, description="folder of text files"
    )
    assert file.pipeline.notify == (
        NoticeRule(
            topic="${env.topicArn}",
            on=frozenset({"SUCCEEDED", "PARTIAL", "FAILED"}),
            link="${steps.merge.output}",
        ),
    )
    assert len(file.definitions) == 3


@pytest.mark.parametrize(
    ("definition", "command", "warning"),
    [
        (
            "{jobDefinitionName: d, type: container, containerProperties: {image: i, vcpus: 1, memory: 64}}",
            "[echo, '{item.key}']",
            "{item.key} is filled in by batchrelay-worker only: write [batchrelay-worker, run, --, echo, …]",
        ),
        (
            "{jobDefinitionName: d, type: container, containerProperties: {image: i, command: [echo, '{item}'], vcpus: 1, memory: 64}}",
            "",
            "{item} is filled in by batchrelay-worker only",
        ),
        (
            "{jobDefinitionName: d, type: container, containerProperties: {image: i, vcpus: 1, memory: 64}}",
            "[batchrelay-worker, run, --, echo, '{item.key}']",
            "",
        ),
        (
            "{jobDefinitionName: d, type: container, containerProperties: {image: i, vcpus: 1, memory: 64}, tags: {'batchrelay:entrypoint': batchrelay-worker run --}}",
            "[echo, '{item.key}']",
            "",
        ),
        (
            "{jobDefinitionName: other, type: container, containerProperties: {image: i, vcpus: 1, memory: 64}}",
            "[echo, '{item.key}']",
            "job definition d is not in this file's jobDefinitions: a typing mistake, or one of your account?",
        ),
    ],
)
def test_lint_warns_of_a_command_that_needs_the_worker(
    tmp_path: Path, definition: str, command: str, warning: str
) -> None:
    text = GOOD + "    flow: {forEach: {items: [1]}}\n"
    text += f"    containerOverrides: {{command: {command}}}\n" if command else ""
    file = read_text(tmp_path, text + f"jobDefinitions: [{definition}]\n")
    messages = [problem.message for problem in file.warnings]
    assert [message for message in messages if warning and message.startswith(warning)] == (
        messages if warning else []
    )
    assert bool(messages) is bool(warning)


def test_json_is_read_as_well(tmp_path: Path) -> None:
    text = '{"pipeline": "p", "steps": [{"jobName": "a", "jobQueue": "q", "jobDefinition": "d"}]}'
    assert read_text(tmp_path, text).pipeline.name == "p"


def test_every_problem_is_reported_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = """\
    pipeline: my pipeline
    parms: {}
    steps:
      - jobName: a
        job_definition: d
        jobQueue: q
        ContainerOverrides: {command: [x]}
        flow: {chunk: 10, outptu: s3://b, canary: {items: 1}}
      - jobName: b
        jobQueue: q
        jobDefinition: d
        dependsOn: [{jobName: absent}, {jobId: a}, {jobName: a, type: N_TO}]
        containerOverrides: {command: [run, "${params.x}", "${items.file}"]}
    """
    assert problems(tmp_path, text) == [
        "1:11: the pipeline's name 'my pipeline' must begin with a letter or digit and go on with "
        "letters, digits, - and _, 128 characters at most",
        "2:1: unknown key parms: did you mean params?",
        "5:5: unknown key job_definition: AWS spells it jobDefinition",
        "7:5: unknown key ContainerOverrides: AWS spells it containerOverrides",
        "8:12: chunk needs a forEach, whose items it shares out",
        "8:23: unknown key outptu: did you mean output?",
        "8:47: canary must be a number of items, 1 or more; got {'items': 1}",
        "12:17: there is no step absent; the steps are a, b",
        "12:36: a step is meant by its name: write jobName, not jobId",
        "12:48: dependsOn has the types N_TO_N and SEQUENTIAL, not N_TO",
        "13:41: ${params.x} means nothing here; known are env.bucket, env.topicArn, run.id, "
        "run.startedAt (write $${ for a literal ${)",
        "13:56: ${items.file} is known only inside a step with flow.forEach",
    ]


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("arrayProperties: {size: 1}", "6:29: AWS Batch takes array sizes 2 to 10,000, not 1"),
        ("arrayProperties: {size: 10001}", "6:29: AWS Batch takes array sizes 2 to 10,000, not 10,001"),
        ("arrayProperties: {size: '3'}", "6:29: size must be a whole number"),
        ("timeout: {attemptDurationSeconds: 59}", "6:39: AWS Batch takes timeouts from 60 seconds on, not 59"),
        ("retryStrategy: {evaluateOnExit: [{onReason: '*', action: EXIT}]}", "6:20: evaluateOnExit needs attempts beside it"),
        (
            "retryStrategy: {attempts: 2, evaluateOnExit: [" + "{onReason: '*', action: EXIT}, " * 6 + "]}",
            "6:50: AWS Batch takes at most 5 rules, not 6",
        ),
        ("containerOverrides: {environment: [{name: A, value: 3}]}", '6:57: value must be a text: put it in quotes, "3"'),
        ("containerOverrides: {environment: [{name: AWS_BATCH_X, value: x}]}", "6:40: AWS_BATCH_X: names in AWS_BATCH… belong to AWS Batch"),
        ("containerOverrides: {environment: [{name: BATCHRELAY_X, value: x}]}", "6:40: BATCHRELAY_X: names in BATCHRELAY_… belong to batchrelay"),
        ("containerOverrides: {command: run}", "6:35: command must be a list"),
        ("containerOverrides: []", "6:25: containerOverrides must be a mapping"),
        ("dependsOn: {jobName: a}", "6:16: dependsOn must be a list of {jobName: STEP}"),
        ("dependsOn: [{jobName: a}]", "6:16: a depends on itself: leave that out"),
        ("ecsPropertiesOverride: {taskProperties: [{containers: [{command: [a]}]}]}", "6:60: which container this is: write its name, {name: NAME, …}"),
        ("flow: {forEach: {file: s3://b/x, items: a}}\narrayProperties: {size: 2}", "7:22: the items decide the array's size: leave arrayProperties out"),
        ("flow: {forEach: {}}", "6:21: forEach must be one of {file: S3URI, items: PATH}, {prefix: S3URI}"),
        ("flow: {forEach: {file: s3://b/x, item: a}}", "6:38: unknown key item: did you mean items?"),
        ("flow: {forEach: {file: s3://b/x, format: xml}}", "6:46: format must be one of json, jsonl, csv, tsv, lines"),
        ("flow: {forEach: {file: s3://b/x.csv, separator: ';;'}}", "6:53: separator must be one character that stands between columns"),
        ("flow: {forEach: {file: s3://b/x.csv, separator: a}}", "6:53: separator must be one character that stands between columns"),
        ("flow: {forEach: {file: s3://b/x.csv, separator: 1}}", "6:53: separator must be one character that stands between columns"),
        ("flow: {forEach: {file: s3://b/x.csv, separator: '\"'}}", "6:53: separator must be one character that stands between columns"),
        ("flow: {forEach: {file: s3://b/x.tsv, format: tsv, separator: ;}}", "6:55: separator is CSV's; this file is tsv: leave it out, or write format: csv"),
        ("flow: {forEach: {file: s3://b/x, items: I, separator: ;}}", "6:48: separator is CSV's; this file is json: leave it out, or write format: csv"),
        ("flow: {forEach: {file: list.csv}}", "6:28: file must be an S3 URI, such as s3://bucket/list.json, or a parameter of type s3uri"),
        ("flow: {forEach: {file: s3://b}}", "6:28: file must be an S3 URI"),
        ("flow: {forEach: {prefix: s3://b/, match: 'x[z-a]'}}", "6:46: 'x[z-a]' is not a glob: bad character range z-a"),
        ("flow: {forEach: {items: [1, 1e999]}}", "6:33: this number is beyond what a double holds: write it as a text, in quotes"),
        ("flow: {forEach: {matrix: {a: [!!timestamp 2026-01-31]}}}", "6:35: this is no value of JSON: write it as a text, in quotes"),
        (f"flow: {{forEach: {{items: [{'9' * 5_000}]}}}}", "6:30: this is no value of JSON: write it as a text, in quotes"),
        ("flow: {forEach: {file: s3://b/x.csv, format: csv, items: a}}", "6:62: items is a path in JSON; this file is csv"),
        ("flow: {forEach: {prefix: /b/}}", "6:30: prefix must be an S3 URI, such as s3://bucket/folder/"),
        ("flow: {forEach: {matrix: {a: 3}}}", "6:30: matrix must be a mapping of names to lists of values"),
        ("flow: {forEach: {items: Items}}", "6:29: items must be a list; a path in a file needs a `file`"),
        ("flow: {forEach: {steps: absent}}", "6:11: there is no step absent; the steps are a"),
        ("flow: {forEach: {items: [1]}, chunk: 0}", "6:42: chunk must be a number of items, 1 or more, or auto"),
        ("flow: {forEach: {items: [1]}, chunk: some}", "6:42: chunk must be a number of items, 1 or more, or auto"),
        ("flow: {forEach: {items: [1]}, skipExisting: s3://b/out}", "6:49: skipExisting must be the URI of an item's output, with ${item.…} in it"),
        ("flow: {forEach: {items: [1]}, skipExisting: 's3://b/${item.number}'}", "6:49: an item's number is not known before it is known what is skipped"),
        ("flow: {forEach: {items: [1]}, groups: [{when: item.size > 1XB}]}", "6:51: item.size >⟨here⟩ 1XB: unknown unit XB: B, kB, MB"),
        ("flow: {forEach: {items: [1]}, groups: [{when: params.x}]}", "6:51: params.x means nothing in a group: write item.size or item.FIELD"),
        ("flow: {forEach: {items: [1]}, groups: [{jobQueue: r}, {jobQueue: s}]}", "6:44: only the last group may leave out when: it takes all the rest"),
        ("flow: {forEach: {items: [1]}, groups: [{when: item.x, jobName: r}]}", "6:59: jobName belongs to the step, not to a group"),
        ("flow: {forEach: {items: [1]}, groups: [{when: item.x, jobqueue: r}]}", "6:59: unknown key jobqueue: did you mean jobQueue?"),
        ("flow: {aggregate: {of: a, fanIn: 1}, output: s3://b/x}", "6:38: fanIn must be 2 to 1,000, not 1"),
        ("flow: {aggregate: {of: a, fanIn: 2}}", "6:12: aggregate needs an output"),
        ("flow: {aggregate: {of: a}, output: s3://b/x}", "6:23: aggregate must be {of: STEP, fanIn: NUMBER}"),
        ("flow: {forEach: {items: [1]}, queue: {workers: 0}}", "6:52: workers must be 1 to 10,000"),
        ("flow: {forEach: {items: [1]}, queue: {workers: 2}, groups: []}", "6:56: groups and queue do not go together"),
        ("flow: {queue: {workers: 2}}", "6:12: queue needs a forEach, whose items it shares out"),
        ("flow: {when: params.in == FAILD}", "6:18: FAILD means nothing here: did you mean FAILED?"),
        ("flow: {when: x}", "6:18: x means nothing here: known are env.bucket"),
        ("flow: {when: run.id ==}", "6:18: run.id ==⟨here⟩: expected a value"),
        ("flow: {when: 3}", '6:18: a condition is a text, such as "params.mode == full"'),
        ("flow: {output: 's3://b/${item.name}'}", "6:20: ${item.name}: the children of an array share one request"),
        ("containerOverrides: {command: ['${item.key}']}", "6:36: ${item.key}: the children of an array share one request, which knows no item: write {item.key}"),
        ("dependsOn: [{type: SEQUENTIAL}]", "6:16: SEQUENTIAL orders the children of an array: it needs arrayProperties or a forEach"),
        ("dependsOn: [{jobName: a, type: SEQUENTIAL}]", "6:17: SEQUENTIAL names no other job: write {type: SEQUENTIAL}"),
        ("flow: {output: 3}", "6:20: output must be a text: the URI where the step leaves its result"),
        ("flow: []", "6:11: flow must be a mapping"),
        ("parameters: {x: '${steps.a.output}'}", "6:21: ${steps.a.output}: a is no step before this one that has a flow.output"),
        ("parameters: {x: '${run.di}'}", "6:21: ${run.di} means nothing here: did you mean ${run.id}?"),
        ("parameters: {x: '${trigger.key}'}", "6:21: ${trigger.key}: no trigger of this file gives it"),
        ("jobQueue: r", "6:5: jobQueue is given twice"),
        ("containerOverrides: {resourceRequirements: [{type: MEMORY, value: lots}]}", "6:71: 'lots' is not an amount: write a number above 0"),
        ("containerOverrides: {command: ['${run.id']}", "6:36: a ${ without its }: close it"),
    ],
)  # fmt: skip
def test_one_mistake_is_reported_where_it_is(tmp_path: Path, lines: str, problem: str) -> None:
    found = problems(tmp_path, with_step(lines))
    assert any(entry.startswith(problem) for entry in found), found


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1:1: the file is empty"),
        ("[]", "1:1: a pipeline file is a mapping that begins with `pipeline: NAME`"),
        ("a: [", "1:5: this is not YAML: expected the node content, but found '<stream end>'"),
        ("pipeline: p", "1:1: steps must be a list of at least one step"),
        ("pipeline: p\nsteps: []", "2:8: steps must be a list of at least one step"),
        ("pipeline: 3\nsteps: [{jobName: a, jobQueue: q, jobDefinition: d}]", "1:11: the file needs a name: write `pipeline: NAME`"),
        (GOOD + "triggers: {}", "6:11: triggers must be a list of {s3: …} and {schedule: …}"),
        (GOOD + "triggers: [s3]", "6:12: a trigger is {s3: {bucket: …}} or {schedule: {expression: …}}"),
        (GOOD + "triggers: [{s3: {}}]", "6:17: bucket must be the name of a bucket, such as my-inbox; got ''"),
        (GOOD + "triggers: [{s3: {bucket: B_}}]", "6:17: bucket must be the name of a bucket, such as my-inbox; got 'B_'"),
        (GOOD + "triggers: [{s3: {bucket: inbox, sufix: x}}]", "6:33: unknown key sufix: did you mean suffix?"),
        (GOOD + "triggers: [{s3: {bucket: inbox, quiet: 60s}}]", "6:33: unknown key quiet: a trigger's s3 has bucket, debounce, overlap, prefix, suffix"),
        (GOOD + "triggers: [{s3: {bucket: inbox, debounce: 2h}}]", "6:43: debounce is the time without an upload"),
        (GOOD + "triggers: [{s3: {bucket: inbox, debounce: true}}]", "6:43: debounce is the time without an upload that ends a batch, 1 s to 1 h: write seconds, or `debounce: 60s`, `debounce: 5m`; got True"),
        (GOOD + "triggers: [{s3: {bucket: inbox}, schedule: {expression: rate(1 day)}}]", "6:12: a trigger is {s3: {bucket: …}} or {schedule: {expression: …}}: write two entries"),
        (GOOD + "triggers: [{s3: {bucket: inbox}, overlap: queue}]", "6:12: a trigger is {s3: {bucket: …}} or {schedule: {expression: …}}: overlap belongs inside s3"),
        (GOOD + "triggers: [{s3: {bucket: inbox, debounce: 5s}}]\nparams: {x: '${trigger.key}'}", "7:13: ${trigger.key}: no trigger of this file gives it; they give trigger.bucket, trigger.count, trigger.uploads"),
        (GOOD + "triggers: [{s3: {bucket: inbox, overlap: wait}}]", "6:42: overlap is one of parallel, skip, queue, cancelRunning; got 'wait'"),
        (GOOD + "triggers: [{schedule: {expression: rate(1 day), debounce: 60s}}]", "6:49: unknown key debounce"),
        (GOOD + "triggers: [{s3: {bucket: inbox, suffix: '*.txt'}}]", "6:41: suffix is a plain part of the key, without s3://BUCKET/ and without *"),
        (GOOD + "triggers: [{schedule: {expression: rate(1 day)}}]\nparams: {x: {type: s3uri}}", "7:13: a trigger starts runs, and x has no default"),
        (GOOD + "triggers: [{s3: {bucket: inbox, prefix: 3}}]", "6:41: prefix must be a text"),
        (GOOD + "params: []", "6:9: params must be a mapping of names to defaults"),
        (GOOD + "params: {a: '${params.b}', b: '${params.a}'}", "6:13: the default of a refers to itself in a circle"),
        (GOOD + "params: {a: {type: uri}}", "6:20: type must be one of string, s3uri, integer, number, boolean"),
        (GOOD + "notify: [{on: [SUCCEEDED]}]", '6:10: a notice needs a topicArn, such as "${env.topicArn}"'),
        (GOOD + "notify: [{topicArn: nope}]", "6:21: topicArn must be an ARN, or ${env.topicArn}"),
        (GOOD + "params: {a: {type: integer, default: abc}}", "6:38: the default 'abc' is not of type integer"),
        (GOOD + "jobDefinitions: [{jobDefinitionName: d, type: container, containerProperties: {resourceRequirements: [{type: VCPU, value: '0'}]}}]", "6:123: '0' is not an amount"),
        (GOOD + "notify: [{topicArn: 'arn:x', on: [DONE]}]", "6:34: on must be a list out of SUCCEEDED, PARTIAL, FAILED, CANCELLED"),
        (GOOD + "defaults: {flow: {}}", "6:12: flow belongs to a step, not to defaults"),
        (GOOD + "jobDefinitions: [{jobDefinitionName: a b, type: container}]", "6:38: jobDefinitionName 'a b' must begin"),
        (GOOD.replace("jobName: a", "jobName: a b"), "3:14: jobName 'a b' must begin with a letter or digit"),
        (GOOD + GOOD.split("steps:\n")[1].replace("jobName: a", "jobName: A"), "6:14: two steps are called a (upper and lower case are one here)"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_reported_where_it_is_wrong(
    tmp_path: Path, text: str, problem: str
) -> None:
    found = problems(tmp_path, text)
    assert any(entry.startswith(problem) for entry in found), found


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(PipelineFileError, match="cannot be read: No such file or directory"):
        read(tmp_path / "absent.yaml")


def test_a_request_that_is_too_large_is_refused(tmp_path: Path) -> None:
    text = with_step(f"containerOverrides: {{command: ['{'x' * 9_000}']}}")
    [problem] = problems(tmp_path, text)
    assert "characters; above 8,192 AWS Batch accepts the job and then" in problem


def test_deprecated_overrides_are_rewritten_and_noted(tmp_path: Path) -> None:
    """JobB of the AWS guide."""
    file = read_text(tmp_path, with_step("containerOverrides: {vcpus: 32, memory: 4096}"))
    assert file.pipeline.steps[0].request["containerOverrides"] == {
        "resourceRequirements": [
            {"type": "VCPU", "value": "32"},
            {"type": "MEMORY", "value": "4096"},
        ]
    }
    assert [warning.line for warning in file.warnings] == [6, 6]


def test_rules_without_a_catch_all_are_warned_of(tmp_path: Path) -> None:
    rules = "retryStrategy: {attempts: 2, evaluateOnExit: [{onExitCode: '1', action: RETRY}]}"
    [warning] = read_text(tmp_path, with_step(rules)).warnings
    assert "what no rule matches is retried" in warning.message


def test_defaults_are_merged_under_every_step(tmp_path: Path) -> None:
    text = """\
    pipeline: p
    defaults: {jobQueue: q, jobDefinition: d, containerOverrides: {command: [a], environment: []}}
    steps:
      - jobName: a
      - {jobName: b, jobQueue: r, containerOverrides: {command: [b]}}
    """
    a, b = read_text(tmp_path, text).pipeline.steps
    assert a.request == {
        "jobQueue": "q",
        "jobDefinition": "d",
        "containerOverrides": {"command": ["a"], "environment": []},
    }
    assert b.request == {
        "jobQueue": "r",
        "jobDefinition": "d",
        "containerOverrides": {"command": ["b"], "environment": []},
    }


def test_on_is_a_key_and_not_a_boolean(tmp_path: Path) -> None:
    file = read_text(tmp_path, GOOD + "notify: [{topicArn: 'arn:x', on: [FAILED]}]")
    assert file.pipeline.notify[0].on == frozenset({"FAILED"})


def test_aliases_of_aliases_are_refused_and_not_unfolded(tmp_path: Path) -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"{b}: &{b} [{', '.join(['*' + a] * 10)}]" for a, b in pairwise("abcdefgh")]
    [problem] = problems(tmp_path, "\n".join(lines))
    assert "more than 200,000 values" in problem


@pytest.mark.parametrize("text", ["[" * 20_000, "{a: " * 20_000, "- " * 20_000 + "a"])
def test_a_file_of_20_000_levels_is_one_clear_problem(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text) == ["1:1: the document is nested too deeply"]


@given(text=st.text(max_size=200))
def test_any_text_is_a_pipeline_or_a_list_of_problems(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    file = tmp_path_factory.getbasetemp() / "fuzz.yaml"
    file.write_text(text)
    with pytest.raises(PipelineFileError):
        read(file)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab${}.", max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["pipeline", "steps", "jobName", "flow", "forEach", "params", "notify", "type",
                 "dependsOn", "defaults", "containerOverrides", "environment", "jobDefinitions"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)  # fmt: skip


@given(document=_VALUES)
def test_any_document_is_a_pipeline_or_a_list_of_problems(
    tmp_path_factory: pytest.TempPathFactory, document: object
) -> None:
    import json

    file = tmp_path_factory.getbasetemp() / "fuzz.json"
    file.write_text(json.dumps(document))
    try:
        read(file)
    except PipelineFileError as error:
        assert error.problems


def test_a_wrong_trigger_is_reported_once(tmp_path: Path) -> None:
    """Not also by everything that wanted its variables."""
    text = (
        GOOD + "triggers: [{s3: {bucket: inbox, debounce: 2h}}]\nparams: {x: '${trigger.uploads}'}"
    )
    [problem] = problems(tmp_path, text)
    assert problem.startswith("6:43: debounce is the time")


def test_a_job_definition_may_stand_as_aws_describes_it(tmp_path: Path) -> None:
    described = (
        "{jobDefinitionName: d, type: container, jobDefinitionArn: 'arn:x', revision: 3, "
        "status: ACTIVE, containerOrchestrationType: ECS, containerProperties: {image: i, vcpus: 1, memory: 64}}"
    )
    [definition] = read_text(tmp_path, GOOD + f"jobDefinitions: [{described}]").definitions
    assert set(definition) == {"jobDefinitionName", "type", "containerProperties"}
