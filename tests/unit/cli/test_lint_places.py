"""A mistake is reported once, where it was made, and every one of a file at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from batchrelay_cli.pipeline_file.problems import PipelineFileError
from batchrelay_cli.pipeline_file.read import PipelineFile, read

SEVEN = "".join(f"  - {{jobName: s{n}, jobQueue: q, jobDefinition: d}}\n" for n in range(7))
BARE = "".join(f"  - {{jobName: s{n}}}\n" for n in range(7))


def read_text(folder: Path, text: str, name: str = "pipeline.yaml") -> PipelineFile:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return read(file)


def problems(folder: Path, text: str, name: str = "pipeline.yaml") -> list[str]:
    with pytest.raises(PipelineFileError) as error:
        read_text(folder, text, name)
    return [f"{p.line}:{p.column}: {p.message}" for p in error.value.problems]


def warnings(folder: Path, text: str) -> list[str]:
    return [f"{p.line}:{p.column}: {p.message}" for p in read_text(folder, text).warnings]


@pytest.mark.parametrize(
    ("defaults", "steps", "problem"),
    [
        ("{retryStrategy: {attempts: 30}}", SEVEN, "2:38: AWS Batch takes attempts 1 to 10, not 30"),
        ("{timeout: {attemptDurationSeconds: 5}}", SEVEN, "2:46: AWS Batch takes timeouts from 60 seconds on, not 5"),
        ("{containerOverrides: {command: [a, '']}}", SEVEN, "2:46: AWS Batch refuses an empty word in a command"),
        ("{containerOverrides: {command: run}}", SEVEN, "2:42: command must be a list"),
        ("{containerOverrides: {environment: [{name: AWS_BATCH_X, value: x}]}}", SEVEN, "2:47: AWS_BATCH_X: names in AWS_BATCH… belong to AWS Batch"),
        ("{containerOverrides: {resourceRequirements: [{type: GPU, value: x}]}}", SEVEN, "2:75: 'x' is not an amount"),
        ("{containerOverrides: {command: [" + "x" * 9_000 + "]}}", SEVEN, "2:32: 9,017 characters; above 8,192"),
        ("{parameters: {x: '${run.di}'}}", SEVEN, "2:28: ${run.di} means nothing here: did you mean ${run.id}?"),
        ("{arrayProperties: {size: 1}}", SEVEN, "2:36: AWS Batch takes array sizes 2 to 10,000, not 1"),
        ("{jobName: x}", SEVEN, "2:12: jobName belongs to a step"),
        ("{dependsOn: []}", SEVEN, "2:12: dependsOn belongs to a step, not to defaults"),
        ("{tags: {t: 3}}", SEVEN, '2:22: t must be a text: put it in quotes, "3"'),
        ("{jobDefinition: d, jobQueue: a b}", BARE, "2:40: jobQueue 'a b' is not valid"),
        ("{jobDefinition: d, job_queue: q}", BARE, "2:30: unknown key job_queue: AWS spells it jobQueue"),
        ("{jobDefinition: d, jobQeue: q}", BARE, "2:30: unknown key jobQeue: did you mean jobQueue?"),
        ("[]", BARE, "2:11: defaults must be a mapping"),
    ],
)  # fmt: skip
def test_a_mistake_in_defaults_is_reported_once_and_there(
    tmp_path: Path, defaults: str, steps: str, problem: str
) -> None:
    [found] = problems(tmp_path, f"pipeline: p\ndefaults: {defaults}\nsteps:\n{steps}")
    assert found.startswith(problem)


def test_a_mistake_of_a_step_is_reported_at_the_step(tmp_path: Path) -> None:
    text = f"pipeline: p\ndefaults: {{retryStrategy: {{attempts: 30}}}}\nsteps:\n{SEVEN}"
    own = text.replace("s3,", "s3, retryStrategy: {attempts: 40},").replace(
        "s4,", "s4, retryStrategy: {attempts: 4},"
    )
    assert problems(tmp_path, own) == [
        "2:38: AWS Batch takes attempts 1 to 10, not 30",
        "7:45: AWS Batch takes attempts 1 to 10, not 40",
    ]


@pytest.mark.parametrize(
    ("defaults", "warning"),
    [
        ("{jobQueue: q, jobDefinition: other}", "2:40: job definition other is not in this file's jobDefinitions"),
        ("{jobQueue: q, jobDefinition: d, containerOverrides: {memory: 64}}", "2:72: memory is deprecated by AWS"),
        ("{jobQueue: q, jobDefinition: d, retryStrategy: {attempts: 2, evaluateOnExit: [{onExitCode: '1', action: EXIT}]}}", "2:88: what no rule matches is retried"),
    ],
)  # fmt: skip
def test_a_warning_of_defaults_is_given_once(tmp_path: Path, defaults: str, warning: str) -> None:
    known = "{jobDefinitionName: d, type: container, containerProperties: {vcpus: 1, memory: 64}}"
    text = f"pipeline: p\ndefaults: {defaults}\nsteps:\n{BARE}jobDefinitions: [{known}]\n"
    [found] = warnings(tmp_path, text)
    assert found.startswith(warning)


def test_a_misspelt_key_is_not_missing_too(tmp_path: Path) -> None:
    text = "pipeline: p\nsteps:\n  - {jobName: a, job_queue: q, jobDefinition: d}\n"
    assert problems(tmp_path, text) == ["3:18: unknown key job_queue: AWS spells it jobQueue"]


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ("params", "2:1: unknown key PARAMS: did you mean params?"),
        ("steps", "4:1: unknown key STEPS: did you mean steps?"),
        ("defaults", "3:1: unknown key DEFAULTS: did you mean defaults?"),
        ("jobName: a", "5:6: unknown key JOBNAME: did you mean jobName?"),
        ("triggers", "7:1: unknown key TRIGGERS: did you mean triggers?"),
    ],
)
def test_a_misspelt_key_does_not_make_what_refers_to_it_wrong(
    tmp_path: Path, wrong: str, problem: str
) -> None:
    text = """\
pipeline: p
params: {x: 1}
defaults: {jobQueue: q, jobDefinition: d}
steps:
  - {jobName: a, parameters: {x: "${params.x}", t: "${trigger.time}"}}
  - {jobName: b, dependsOn: [{jobName: a}]}
triggers: [{schedule: {expression: rate(1 day)}}]
"""
    key = wrong.partition(":")[0]
    misspelt = text.replace(wrong, wrong.replace(key, f"{key[:-2]}{key[-1]}"), 1)
    expected = problem.replace(key.upper(), f"{key[:-2]}{key[-1]}")
    assert problems(tmp_path, misspelt) == [expected]


def test_a_misspelt_key_is_read_at_its_own_lines(tmp_path: Path) -> None:
    text = "pipeline: p\nstep:\n  - {jobName: a, jobQueue: a b, jobDefinition: d}\n"
    assert [problem.partition(": ")[0] for problem in problems(tmp_path, text)] == ["2:1", "3:28"]


def test_a_cycle_is_found_beside_a_step_that_is_not_there(tmp_path: Path) -> None:
    text = """\
pipeline: two-mistakes
defaults: {jobQueue: default}
steps:
  - {jobName: a, jobDefinition: d, dependsOn: [{jobName: nosuch}]}
  - {jobName: g, jobDefinition: d, dependsOn: [{jobName: h}]}
  - {jobName: h, jobDefinition: d, dependsOn: [{jobName: g}]}
"""
    assert problems(tmp_path, text) == [
        "4:48: there is no step nosuch; the steps are a, g, h",
        "5:47: steps form a cycle: g (line 5) -> h (line 6) -> g: leave one of these out",
    ]


def test_every_cycle_is_found_once(tmp_path: Path) -> None:
    def entry(name: str, *needs: str) -> str:
        waits = ", ".join(f"{{jobName: {need}}}" for need in needs)
        return f"  - {{jobName: {name}, jobQueue: q, jobDefinition: d, dependsOn: [{waits}]}}\n"

    steps = [entry("a", "b"), entry("b", "c"), entry("c", "a", "e"), entry("d", "d", "a")]
    steps += [entry("e", "f"), entry("f", "e")]
    found = problems(tmp_path, "pipeline: p\nsteps:\n" + "".join(steps))
    assert [problem.partition(": ")[2].partition(": leave")[0] for problem in found] == [
        "steps form a cycle: a (line 3) -> b (line 4) -> c (line 5) -> a",
        "d depends on itself",
        "steps form a cycle: e (line 7) -> f (line 8) -> e",
    ]
    cycle = "".join(entry(f"s{n}", f"s{(n + 1) % 30}") for n in range(30))
    [found_cycle] = problems(tmp_path, "pipeline: p\nsteps:\n" + cycle)
    assert found_cycle.count("(line ") == 10
    assert "20 more" in found_cycle


def test_a_step_without_a_name_is_read_all_the_same(tmp_path: Path) -> None:
    text = "pipeline: p\nsteps:\n  - {jobQueue: a b, jobDefinition: d, parameters: {x: '${y}'}}\n"
    assert [problem.partition(" ")[2][:12] for problem in problems(tmp_path, text)] == [
        "a step needs",
        "jobQueue 'a ",
        "${y} means n",
    ]


def test_a_file_without_steps_is_read_all_the_same(tmp_path: Path) -> None:
    text = "pipeline: p\nnotify: [{topicArn: '${y}'}]\nparams: {a: '${params.a}'}\n"
    assert [problem.partition(" ")[2][:12] for problem in problems(tmp_path, text)] == [
        "steps must b",
        "${y} means n",
        "the default ",
    ]


# --- JSON --------------------------------------------------------------------

TRAILING_COMMA = (  # the sentence is Python's json module's
    "1:17: this is not JSON: illegal trailing comma before end of object"
    if sys.version_info >= (3, 13)
    else "1:18: this is not JSON: expecting property name enclosed in double quotes"
)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{\n  "pipeline": "p"\n  "steps": []\n}', "3:3: this is not JSON: expecting ',' delimiter"),
        ('{"pipeline": "p",}', TRAILING_COMMA),
        ('{"pipeline": "p"', "1:17: this is not JSON: expecting ',' delimiter"),
        ('{"pipeline": "p"} x', "1:19: this is not JSON: extra data"),
        ("pipeline: p", "1:1: this is not JSON: expecting value"),
        ("", "1:1: this is not JSON: expecting value"),
        ("[" * 30_000, "1:1: the document is nested too deeply"),
    ],
)  # fmt: skip
def test_a_json_error_names_json(tmp_path: Path, text: str, problem: str) -> None:
    [found] = problems(tmp_path, text, "pipeline.json")
    assert found.startswith(problem)


@pytest.mark.parametrize("before", ["", "\ufeff", "\n\n"])
def test_json_may_be_indented_by_tabs_and_use_any_escape(tmp_path: Path, before: str) -> None:
    text = r"""{
	"pipeline": "p",
	"params": {"x": {"default": "\ud83d\ude00\/\u00e9", "description": "a\tb"}},
	"steps": [{"jobName": "a", "jobQueue": "q", "jobDefinition": "d"}]
}"""
    [param] = read_text(tmp_path, before + text, "pipeline.json").pipeline.params
    assert (param.default, param.description) == ("\U0001f600/é", "a\tb")


def test_half_of_a_surrogate_pair_is_refused(tmp_path: Path) -> None:
    text = '{"pipeline": "p", "params": {"x": "a\\ud83d"}, "steps": [{"jobName": "a"}]}'
    found = problems(tmp_path, text, "pipeline.json")
    assert found[0].startswith("1:35: half of a character")


# --- N_TO_N ------------------------------------------------------------------

N_TO_N = """\
pipeline: p
defaults: {jobQueue: q, jobDefinition: d}
steps:
  - {jobName: process, arrayProperties: {size: 1000}}
  - {jobName: aggregate, dependsOn: [{jobName: process, type: N_TO_N}]MORE}
"""


def test_a_plain_job_with_n_to_n_is_warned_that_it_is_as_wide(tmp_path: Path) -> None:
    """A public post means by it a job that waits for the whole array."""
    [found] = warnings(tmp_path, N_TO_N.replace("MORE", ""))
    assert found == (
        "5:38: N_TO_N and no size: aggregate has a child for each child of process; for one job "
        "that waits for all of them write {jobName: process}"
    )


@pytest.mark.parametrize(
    "more",
    [
        ", arrayProperties: {size: 1000}",
        ", flow: {forEach: {items: [1]}}",
        ", flow: {output: 's3://b/${item.name}'}",
        ", containerOverrides: {command: [sh, -c, 'echo $AWS_BATCH_JOB_ARRAY_INDEX']}",
        ", containerOverrides: {command: ['${items.file}']}",
        ", containerOverrides: {command: [batchrelay-worker, run, --, x, '{item}']}",
    ],
)
def test_n_to_n_is_not_advised_to_a_step_that_uses_its_children(tmp_path: Path, more: str) -> None:
    text = N_TO_N.replace("MORE", more).replace("[1]", str([*range(1_000)]))
    if "items.file" in more:
        text = text.replace("arrayProperties: {size: 1000}", "flow: {forEach: {file: 's3://b/l'}}")
    found: list[Any] = [w for w in warnings(tmp_path, text) if "N_TO_N" in w]
    assert found == []


def test_an_array_without_items_has_no_file_of_them(tmp_path: Path) -> None:
    text = N_TO_N.replace("MORE", ", containerOverrides: {command: ['${items.file}']}")
    [found] = problems(tmp_path, text)
    assert found.endswith("${items.file} is known only inside a step with flow.forEach")


@pytest.mark.parametrize(
    ("first", "second", "problem"),
    [
        ("", ", arrayProperties: {size: 3}", "N_TO_N is between arrays, and process is a single job: leave the type out, write {jobName: process}"),
        (", arrayProperties: {size: 4}", ", arrayProperties: {size: 3}", "N_TO_N needs equal sizes: 3 here, 4 of process; to wait for all of process write {jobName: process}"),
        (", flow: {forEach: {items: [1, 2]}}", ", arrayProperties: {size: 3}", "N_TO_N needs equal sizes: 3 here, 2 of process"),
        (", flow: {forEach: {items: [1, 2]}, chunk: 2}", ", arrayProperties: {size: 3}", "N_TO_N needs equal sizes: 3 here, 1 of process"),
    ],
)  # fmt: skip
def test_n_to_n_that_does_not_fit_says_what_to_write(
    tmp_path: Path, first: str, second: str, problem: str
) -> None:
    text = N_TO_N.replace(", arrayProperties: {size: 1000}", first).replace("MORE", second)
    assert problem in problems(tmp_path, text)[0]


# --- what a start would refuse -----------------------------------------------

LATE = """\
pipeline: late
params: {big: BIG}
steps:
  - {jobName: first, jobQueue: q, jobDefinition: d}
  - jobName: second
    jobQueue: q
    jobDefinition: d
    dependsOn: [{jobName: first}]
    containerOverrides: {command: [echo, "${params.big}"]}
"""


def test_defaults_that_a_start_refuses_are_warned_of(tmp_path: Path) -> None:
    [found] = warnings(tmp_path, LATE.replace("BIG", "x" * 9_000))
    assert found.startswith(
        "5:5: a start with the parameters' defaults is refused: step second: containerOverrides: 9,"
    )
    assert warnings(tmp_path, LATE.replace("BIG", "x" * 7_000)) == []
    assert warnings(tmp_path, LATE.replace("BIG", "{type: string}")) == []


def test_what_no_parameter_can_change_is_an_error(tmp_path: Path) -> None:
    command = "x" * 8_000
    text = LATE.replace("params: {big: BIG}\n", "").replace("${params.big}", command)
    [found] = problems(tmp_path, text)
    assert found.startswith("4:5: containerOverrides: 8,2")


def test_what_is_never_a_number_is_not_compared_with_one(tmp_path: Path) -> None:
    text = LATE.replace("BIG", "{type: boolean}").replace("${params.big}", "x")
    [found] = problems(tmp_path, text + "    flow: {when: params.big > 1}\n")
    assert found == (
        "10:18: params.big is of type boolean, and is compared with the number 1: write "
        "{type: number}, or compare with a text"
    )
    number = text.replace("boolean", "number")
    assert warnings(tmp_path, number + "    flow: {when: params.big > 1}\n") == []
    assert warnings(tmp_path, text + "    flow: {when: params.big == true}\n") == []
