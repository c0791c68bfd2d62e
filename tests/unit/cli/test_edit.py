"""A pipeline file is changed where it must be, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.pipeline_file.edit import Edit

AMOUNTS = {"VCPU": "0.5", "MEMORY": "1024"}
HEAD = """\
# what it is for
pipeline: p   # a name
defaults: {jobQueue: Q, jobDefinition: d}
steps:
  # the first
"""
TAIL = """\
  - {jobName: other, dependsOn: [{jobName: a}]}   # stays
jobDefinitions:
  - jobDefinitionName: d
    type: container
    platformCapabilities: [FARGATE]
    containerProperties:
      image: i
      command: ["true"]
      resourceRequirements: [{type: VCPU, value: "1"}, {type: MEMORY, value: "2048"}]
"""
WRITTEN = '[{type: VCPU, value: "0.5"}, {type: MEMORY, value: "1024"}]'
EACH = "forEach: {items: [1, 2]}"


def edited(tmp_path: Path, step: str, newline: str = "\n") -> str:
    file = tmp_path / "pipeline.yaml"
    file.write_bytes((HEAD + step + TAIL).replace("\n", newline).encode())
    edit = Edit(file, "a")
    edit.set_requirements(AMOUNTS)
    edit.set_chunk(7)
    assert edit.save() is True
    text = file.read_bytes().decode()
    if newline != "\n":
        assert text.count("\n") == text.count(newline)
        text = text.replace(newline, "\n")
    assert text.startswith(HEAD)
    assert text.endswith(TAIL)
    return text[len(HEAD) : -len(TAIL)]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            f"  - jobName: a # mine\n    flow:\n      {EACH} # items\n",
            "  - jobName: a # mine\n"
            f"    containerOverrides: {{resourceRequirements: {WRITTEN}}}\n"
            f"    flow:\n      chunk: 7\n      {EACH} # items\n",
        ),
        (
            f"  - {{jobName: a, flow: {{{EACH}, chunk: 3}}}}\n",
            f"  - {{containerOverrides: {{resourceRequirements: {WRITTEN}}}, jobName: a, "
            f"flow: {{{EACH}, chunk: 7}}}}\n",
        ),
        (
            f"  - jobName: a\n    flow: {{{EACH}, chunk: auto}}\n"
            "    containerOverrides:\n      command: [x] # a\n      environment: []\n",
            f"  - jobName: a\n    flow: {{{EACH}, chunk: auto}}\n"
            f"    containerOverrides:\n      resourceRequirements: {WRITTEN}\n"
            "      command: [x] # a\n      environment: []\n",
        ),
        (
            '  - jobName: a\n    containerOverrides: {resourceRequirements: [{value: "9", type: VCPU}]}\n',
            "  - jobName: a\n    containerOverrides: {resourceRequirements: "
            '[{type: MEMORY, value: "1024"}, {value: "0.5", type: VCPU}]}\n',
        ),
        (
            "  - jobName: a\n    containerOverrides: {}\n",
            f"  - jobName: a\n    containerOverrides: {{resourceRequirements: {WRITTEN}}}\n",
        ),
    ],
    ids=["none", "flow style", "chunk auto", "flow list", "empty"],
)
def test_values_are_written_and_everything_else_stays(
    tmp_path: Path, before: str, after: str, newline: str
) -> None:
    assert edited(tmp_path, before, newline) == after


def test_a_list_in_lines_keeps_its_comments(tmp_path: Path) -> None:
    before = (
        "  - jobName: a\n    containerOverrides:\n      resourceRequirements:\n"
        '        # as measured once\n        - {type: MEMORY, value: "4096"} # MiB\n'
    )
    after = (
        "  - jobName: a\n    containerOverrides:\n      resourceRequirements:\n"
        '        # as measured once\n        - {type: VCPU, value: "0.5"}\n'
        '        - {type: MEMORY, value: "1024"} # MiB\n'
    )
    assert edited(tmp_path, before) == after


def test_json_stays_json(tmp_path: Path) -> None:
    document = {
        "pipeline": "p",
        "steps": [{"jobName": "a", "jobQueue": "q", "jobDefinition": "d"}],
    }
    file = tmp_path / "pipeline.json"
    file.write_text(json.dumps(document, indent="\t"))
    edit = Edit(file, "a")
    edit.set_requirements({"VCPU": "2", "MEMORY": "1024"})
    edit.save()
    [step] = json.loads(file.read_text())["steps"]
    assert step["containerOverrides"] == {
        "resourceRequirements": [
            {"type": "VCPU", "value": "2"},
            {"type": "MEMORY", "value": "1024"},
        ]
    }
    assert file.read_text().count("\t") == json.dumps(document, indent="\t").count("\t")


def test_the_same_values_change_nothing(tmp_path: Path) -> None:
    step = f"  - {{jobName: a, containerOverrides: {{resourceRequirements: {WRITTEN}}}}}\n"
    file = tmp_path / "pipeline.yaml"
    file.write_text(HEAD + step + TAIL)
    edit = Edit(file, "a")
    edit.set_requirements(AMOUNTS)
    assert edit.save() is False
    assert file.read_text() == HEAD + step + TAIL


@pytest.mark.parametrize(
    ("step", "amounts", "problem"),
    [
        ("  - jobName: b\n", AMOUNTS, "the file has no such step"),
        (
            "  - {jobName: a, containerOverrides: {vcpus: 2}}\n",
            AMOUNTS,
            "vcpus and memory are deprecated",
        ),
        (
            "  - {jobName: b, containerOverrides: &o {command: [x]}}\n"
            "  - {jobName: a, containerOverrides: *o}\n",
            AMOUNTS,
            "it shares them with other steps by an alias",
        ),
        ("  - jobName: a\n", {"VCPU": "x", "MEMORY": "1024"}, "it would be wrong then"),
    ],
)
def test_what_cannot_be_written_is_refused_and_the_file_stays(
    tmp_path: Path, step: str, amounts: dict[str, str], problem: str
) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text(HEAD + step + TAIL)
    with pytest.raises(UsageProblem) as refused:
        edit = Edit(file, "a")
        edit.set_requirements(amounts)
        edit.save()
    assert problem in refused.value.message
    assert "write the values by hand" in refused.value.message
    assert file.read_text() == HEAD + step + TAIL
