"""No value from outside in the code of a shell: what lint refuses, where, and what it says to write."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from batchrelay.codec import decode_pipeline, encode_pipeline
from batchrelay_cli.pipeline_file.problems import PipelineFileError
from batchrelay_cli.pipeline_file.read import PipelineFile, read
from tests.stack import ROOT

ITEMS = {"forEach": {"items": [{"sample": "`id`"}]}}
WORKER = ["batchrelay-worker", "run", "--"]


def pipeline(step: dict[str, Any], **document: Any) -> dict[str, Any]:
    return {
        "pipeline": "p",
        "params": {"x": "1", "n": {"type": "integer", "default": 1}},
        "defaults": {"jobQueue": "q", "jobDefinition": "d"},
        "triggers": [{"s3": {"bucket": "inbox"}}],
        "steps": [
            {"jobName": "before", "flow": {"output": "s3://b/${params.x}"}},
            {"jobName": "a", "dependsOn": [{"jobName": "before"}], "flow": ITEMS, **step},
        ],
        **document,
    }


def parsed(folder: Path, document: dict[str, Any]) -> PipelineFile:
    path = folder / "pipeline.json"
    path.write_text(json.dumps(document))
    return read(path)


def problems(folder: Path, document: dict[str, Any]) -> list[str]:
    with pytest.raises(PipelineFileError) as error:
        parsed(folder, document)
    return [problem.message for problem in error.value.problems]


def command(*words: str) -> dict[str, Any]:
    return {"containerOverrides": {"command": [*words]}}


@pytest.mark.parametrize(
    "value",
    [
        "${params.x}",
        "${params.n}",
        "${trigger.key}",
        "${items.file}",
        "${steps.before.output}",
        "{item}",
        "{item.sample}",
        "{item.a.b}",
        "$${item.sample}",
    ],
)
@pytest.mark.parametrize("words", [["sh", "-c"], ["bash", "-lc"], ["python3", "-c"], ["awk"]])
def test_a_value_from_outside_is_refused_in_code(
    tmp_path: Path, value: str, words: list[str]
) -> None:
    document = pipeline(command(*WORKER, *words, f"echo {value}"))
    [problem] = problems(tmp_path, document)
    named = value.removeprefix("$$") if value.startswith("$$") else value
    assert problem.startswith(
        f"{named} is in the code of {words[0].rstrip('3')}: what it holds would run as code. Write "
    )
    assert problem.endswith("; `flow: {unsafeShell: true}` allows it")
    document["steps"][1]["flow"] = {**ITEMS, "unsafeShell": True}
    step = parsed(tmp_path, document).pipeline.step("a")
    assert step.unsafe_shell
    as_argument = command(*WORKER, *words, 'echo "$1"', "x", value.removeprefix("$$"))
    if not value.startswith("$$"):
        parsed(tmp_path, pipeline(as_argument))


@pytest.mark.parametrize(
    "text",
    [
        "echo ${run.id} ${run.startedAt}",
        "aws s3 ls s3://${env.bucket}/runs/ # ${env.topicArn}",
        'echo "$ITEM_SAMPLE" $HOME $${HOME}',
        "awk '{print $1}'",
    ],
)
def test_values_that_batchrelay_makes_may_stand_in_code(tmp_path: Path, text: str) -> None:
    parsed(tmp_path, pipeline(command(*WORKER, "sh", "-c", text)))


@pytest.mark.parametrize(
    ("words", "value", "instead"),
    [
        (["sh", "-c"], "{item.sample}", '"$ITEM_SAMPLE" there, or "$1" there and the value behind it: [sh, -c, CODE, sh, \'{item.sample}\']'),
        (["bash", "-c"], "{item.Sample ID}", '"$ITEM_SAMPLE_ID" there, or "$1" there and the value behind it: [bash, -c, CODE, bash, \'{item.Sample ID}\']'),
        (["sh", "-c"], "{item.a.b}", '"$1" there and the value behind it: [sh, -c, CODE, sh, \'{item.a.b}\']'),
        (["sh", "-c"], "{item}", '"$1" there and the value behind it: [sh, -c, CODE, sh, \'{item}\']'),
        (["sh", "-c"], "${params.x}", '"$1" there and the value behind it: [sh, -c, CODE, sh, \'${params.x}\']'),
        (["python", "-c"], "${params.x}", "sys.argv[1] there and the value as an argument of its own, or as a variable of the environment"),
        (["perl", "-ne"], "{item.sample}", "$ARGV[0] there and the value as an argument of its own"),
        (["sed", "-e"], "{item.sample}", "the value as an argument of its own, or as a variable of the environment"),
        (["ssh", "host"], "{item.sample}", "a script that reads the value from a file or its input: ssh joins its words"),
    ],
)  # fmt: skip
def test_the_problem_says_what_to_write(
    tmp_path: Path, words: list[str], value: str, instead: str
) -> None:
    [problem] = problems(tmp_path, pipeline(command(*WORKER, *words, f"x {value}")))
    assert f". Write {instead}" in problem


def definition(**fields: Any) -> dict[str, Any]:
    container = {"image": "i", "vcpus": 1, "memory": 64, **fields.pop("containerProperties", {})}
    document = {"jobDefinitionName": "d", "type": "container", "containerProperties": container}
    return document | fields


PASTED = {"image": "i", "command": [*WORKER, "sh", "-c", "echo {item.sample}"]}
REFERENCE = {"image": "i", "command": ["sh", "-c", "echo Ref::X"]}
ENTRY = {"tags": {"batchrelay:entrypoint": "batchrelay-worker run -- sh -c"}}
ELSEWHERE: dict[str, tuple[dict[str, Any], int, str]] = {
    "defaults": (
        pipeline({}, defaults={"jobQueue": "q", "jobDefinition": "d", **command("sh", "-c", "${params.x}")}),
        1, "${params.x} is in the code of sh",
    ),
    "a group": (
        pipeline({"flow": ITEMS | {"groups": [{"when": "item.sample == 1", **command("sh", "-c", "{item.sample}")}]}}),
        1, "{item.sample} is in the code of sh",
    ),
    "a job definition": (
        pipeline({}, jobDefinitions=[definition(containerProperties=PASTED)]),
        1, "{item.sample} is in the code of sh",
    ),
    "an entrypoint that is a shell": (
        pipeline(command("echo {item.sample}"), jobDefinitions=[definition(**ENTRY)]),
        1, "{item.sample} is in the code of sh",
    ),
    "code in an entrypoint": (
        pipeline({}, jobDefinitions=[definition(tags={"batchrelay:entrypoint": "batchrelay-worker run -- sh -c 'cd {item.sample}'"})]),
        1, "{item.sample} is in the code of sh",
    ),
    "a reference to a parameter": (
        pipeline({"parameters": {"X": "${params.x}"}}, jobDefinitions=[definition(containerProperties=REFERENCE)]),
        1, "Ref::X is in the code of sh",
    ),
    "a reference in the step's own command": (
        pipeline({"parameters": {"X": "a ${trigger.key}"}, **command("sh", "-c", "Ref::X")}),
        1, "Ref::X is in the code of sh",
    ),
    "a reference to a parameter of defaults": (
        pipeline({}, defaults={"jobQueue": "q", "jobDefinition": "d", "parameters": {"X": "${params.x}"}},
                 jobDefinitions=[definition(containerProperties=REFERENCE)]),
        1, "Ref::X is in the code of sh",
    ),
    "a shell by a reference": (
        pipeline({"parameters": {"S": "bash"}, **command("Ref::S", "-c", "${params.x}")}),
        1, "${params.x} is in the code of bash",
    ),
    "two of them": (
        pipeline(command("sh", "-c", "${params.x} ${trigger.key} ${run.id}")),
        2, "${params.x} is in the code of sh",
    ),
}  # fmt: skip


@pytest.mark.parametrize("place", ELSEWHERE)
def test_code_is_looked_for_wherever_a_command_may_stand(tmp_path: Path, place: str) -> None:
    document, count, start = ELSEWHERE[place]
    found = problems(tmp_path, document)
    assert len(found) == count, found
    assert found[0].startswith(start)


@pytest.mark.parametrize(
    "document",
    [
        # what a command replaces is not run
        pipeline({"jobDefinition": "pasted", **command(*WORKER, "echo", "{item.sample}")},
                 jobDefinitions=[definition(jobDefinitionName="pasted", containerProperties=PASTED)]),
        # a value of the definition's own is no value from outside
        pipeline({}, jobDefinitions=[definition(containerProperties=REFERENCE, parameters={"X": "1"})]),
        pipeline({"parameters": {"X": "${run.id}"}}, jobDefinitions=[definition(containerProperties=REFERENCE)]),
        # `${…}` means nothing in a job definition
        pipeline({}, jobDefinitions=[definition(containerProperties={"image": "i", "command": ["sh", "-c", "${params.x}"]})]),
        # without the worker, nothing fills in {item}
        pipeline(command("python", "-c", "print(f'{item}')"), jobDefinitions=[definition()]),
        # a script by its name
        pipeline(command(*WORKER, "sh", "script.sh", "{item.sample}", "${params.x}")),
    ],
)  # fmt: skip
def test_what_cannot_run_as_code_is_left_alone(tmp_path: Path, document: dict[str, Any]) -> None:
    parsed(tmp_path, document)


def test_the_problem_is_at_the_word(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yaml"
    text = yaml.safe_dump(
        pipeline(command("sh", "-c", "echo 1\necho ${params.x}")), sort_keys=False
    )
    path.write_text(text)
    with pytest.raises(PipelineFileError) as error:
        read(path)
    [problem] = error.value.problems
    assert "echo" in text.splitlines()[problem.line - 1]


@pytest.mark.parametrize("value", ["true", 1, None])
def test_unsafe_shell_is_true_or_false(tmp_path: Path, value: Any) -> None:
    document = pipeline(
        {**command("sh", "-c", "${params.x}"), "flow": ITEMS | {"unsafeShell": value}}
    )
    assert "unsafeShell must be true or false" in problems(tmp_path, document)


def test_unsafe_shell_is_kept_with_the_version(tmp_path: Path) -> None:
    definition = parsed(tmp_path, pipeline({"flow": ITEMS | {"unsafeShell": True}})).pipeline
    document = json.loads(json.dumps(encode_pipeline(definition)))
    assert decode_pipeline(document, 1) == definition
    assert [step.get("unsafeShell") for step in document["steps"]] == [None, True]


def steps_in(text: str) -> list[Any]:
    """The steps of a pipeline, or of a list of steps; none in any other YAML."""
    document = yaml.safe_load(text)
    steps = document if isinstance(document, list) else (document or {}).get("steps", [])
    return list(steps)


def pipelines_of_the_docs() -> list[Any]:
    """Every block of YAML in the pages that is a pipeline, or steps of one."""
    found = []
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        blocks = re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)
        blocks += re.findall(r"cat > \S+\.yaml <<'END'\n(.*?)\nEND\n", page.read_text(), re.DOTALL)
        named = [(number, text) for number, text in enumerate(blocks) if steps_in(text)]
        found += [pytest.param(text, id=f"{page.stem}-{number}") for number, text in named]
    assert len(found) > 5
    return found


@pytest.mark.parametrize("text", pipelines_of_the_docs())
def test_no_page_of_the_docs_shows_a_value_in_code(tmp_path: Path, text: str) -> None:
    shown = yaml.safe_load(text)
    document = {**(shown if isinstance(shown, dict) else {}), "steps": steps_in(text)}
    with pytest.raises(PipelineFileError) as error:
        parsed(tmp_path, {**document, "nothing": 1})
    assert not [p for p in error.value.problems if "would run as code" in p.message]


@pytest.mark.parametrize("file", sorted((ROOT / "examples").glob("*/*.yaml")), ids=str)
def test_no_example_has_a_value_in_code(tmp_path: Path, file: Path) -> None:
    (tmp_path / "pipeline.yaml").write_text(file.read_text().replace("POLICY", "skip"))
    assert read(tmp_path / "pipeline.yaml").pipeline.steps
    assert "unsafeShell" not in file.read_text()
