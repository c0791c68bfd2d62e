"""No mistake hides another: a table of single mistakes, and every pair of them that one file can
make."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from batchrelay_cli.pipeline_file.document import Document
from batchrelay_cli.pipeline_file.problems import PipelineFileError
from batchrelay_cli.pipeline_file.read import read, read_document

Path_ = tuple[str | int, ...]

GOOD: dict[str, Any] = {
    "pipeline": "p",
    "params": {"x": {"type": "string", "default": "1"}, "y": "2"},
    "defaults": {"jobQueue": "q", "jobDefinition": "d"},
    "steps": [
        {"jobName": "plan", "flow": {"output": "s3://b/plan.json"}},
        {"jobName": "fan", "flow": {"forEach": {"file": "${steps.plan.output}", "items": "Items"}}},
        {"jobName": "n-to-n", "dependsOn": [{"jobName": "fan", "type": "N_TO_N"}]},
        {"jobName": "merge", "dependsOn": [{"jobName": "n-to-n"}], "containerOverrides": {}},
        {"jobName": "g", "arrayProperties": {"size": 3}, "flow": {}},
        {"jobName": "h", "dependsOn": [{"jobName": "g"}], "flow": {}},
        {"jobName": "late", "dependsOn": []},
    ],
    "notify": [{"topicArn": "${env.topicArn}"}],
    "triggers": [{"s3": {"bucket": "inbox"}}],
    "timeout": "6h",
    "jobDefinitions": [
        {
            "jobDefinitionName": "d",
            "type": "container",
            "containerProperties": {"image": "i", "vcpus": 1, "memory": 64},
        }
    ],
}
GOOD["steps"][1]["dependsOn"] = [{"jobName": "plan"}]


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """What is written where, and what `lint` must say of it."""

    edits: tuple[tuple[Path_, Any], ...]
    says: str

    def apply(self, document: Any) -> None:
        for path, value in self.edits:
            inner = document
            for part in path[:-1]:
                inner = inner[part]
            inner[path[-1]] = value

    def meets(self, other: Mistake) -> bool:
        """Whether one file cannot make both."""
        return any(
            one[: len(two)] == two or two[: len(one)] == one
            for one, _ in self.edits
            for two, _ in other.edits
        )


def mistake(says: str, *path: str | int, value: Any) -> Mistake:
    return Mistake(edits=((path, value),), says=says)


def in_step(number: int, says: str, *path: str | int, value: Any) -> Mistake:
    return mistake(says, "steps", number, *path, value=value)


MISTAKES: dict[str, Mistake] = {
    "the pipeline's name": mistake("the pipeline's name 'a b'", "pipeline", value="a b"),
    "an unknown key at the top": mistake("unknown key stepz", "stepz", value=[]),
    "a wrong type of a parameter": mistake("type must be one of", "params", "x", "type", value="uri"),
    "a default of another type": Mistake(
        edits=((("params", "z"), {"type": "integer", "default": "many"}),),
        says="the default 'many' is not of type integer",
    ),
    "parameters in a circle": Mistake(
        edits=((("params", "u"), "${params.v}"), (("params", "v"), "${params.u}")),
        says="refers to itself in a circle",
    ),
    "a parameter without a default for a trigger": mistake("a trigger starts runs, and w has no default", "params", "w", value={"type": "string"}),
    "a key of defaults": mistake("unknown key jobqueue", "defaults", "jobqueue", value="q"),
    "a limit in defaults": mistake("AWS Batch takes attempts 1 to 10", "defaults", "retryStrategy", value={"attempts": 30}),
    "a step without a name": in_step(6, "a step needs a jobName", "jobName", value=3),
    "an unknown step": in_step(6, "there is no step nosuch", "dependsOn", value=[{"jobName": "nosuch"}]),
    "a cycle": in_step(4, "steps form a cycle: g (line ", "dependsOn", value=[{"jobName": "h"}]),
    "a step that waits for itself": in_step(3, "merge depends on itself", "dependsOn", value=[{"jobName": "merge"}]),
    "N_TO_N on a single job": in_step(2, "N_TO_N is between arrays, and plan is a single job", "dependsOn", value=[{"jobName": "plan", "type": "N_TO_N"}]),
    "unequal sizes": in_step(5, "N_TO_N needs equal sizes: 2 here, 3 of g", "dependsOn", value=[{"jobName": "g", "type": "N_TO_N"}]),
    "SEQUENTIAL on a single job": in_step(0, "SEQUENTIAL orders the children of an array", "dependsOn", value=[{"type": "SEQUENTIAL"}]),
    "an unknown variable": in_step(0, "${run.di} means nothing here", "parameters", value={"a": "${run.di}"}),
    "a variable of no trigger": in_step(2, "${trigger.hour}: no trigger of this file gives it", "parameters", value={"a": "${trigger.hour}"}),
    "an output of a later step": in_step(4, "${steps.plan.output}: plan is no step before this one", "parameters", value={"a": "${steps.plan.output}"}),
    "an open brace": in_step(5, "a ${ without its }", "parameters", value={"a": "${run.id"}),
    "a condition that is not understood": in_step(4, "run.id ==⟨here⟩", "flow", "when", value="run.id =="),
    "a name that means nothing in a condition": in_step(5, "full means nothing here", "flow", "when", value="params.x == full"),
    "a key of flow": in_step(1, "unknown key chunks", "flow", "chunks", value=3),
    "a chunk of nothing": in_step(1, "chunk must be a number of items", "flow", "chunk", value=0),
    "a file that is no URI": in_step(6, "file must be an S3 URI", "flow", value={"forEach": {"file": "list.txt"}}),
    "an empty word": in_step(3, "AWS Batch refuses an empty word", "containerOverrides", "command", value=["x", ""]),
    "a reserved variable": in_step(3, "AWS_BATCH_X: names in AWS_BATCH… belong to AWS Batch", "containerOverrides", "environment", value=[{"name": "AWS_BATCH_X", "value": "x"}]),
    "an amount": in_step(3, "'lots' is not an amount", "containerOverrides", "resourceRequirements", value=[{"type": "MEMORY", "value": "lots"}]),
    "a timeout of a step": in_step(2, "AWS Batch takes timeouts from 60 seconds on", "timeout", value={"attemptDurationSeconds": 5}),
    "a job queue": in_step(1, "jobQueue 'a b' is not valid", "jobQueue", value="a b"),
    "a revision of this file's definition": in_step(0, "job definition d:3 names a revision", "jobDefinition", value="d:3"),
    "a key of a request": in_step(6, "unknown key job_queue: AWS spells it jobQueue", "job_queue", value="q"),
    "a number for a text": in_step(6, "shareIdentifier must be a text", "shareIdentifier", value=7),
    "a notice without a topic": mistake("a notice needs a topicArn", "notify", 0, "topicArn", value=3),
    "a variable in a link": mistake("${steps.merge.output}", "notify", 0, "link", value="${steps.merge.output}"),
    "a schedule": mistake("such as rate(", "triggers", 0, value={"schedule": {"expression": "soon"}}),
    "a timezone": mistake("'Berlin'", "triggers", 0, value={"schedule": {"expression": "rate(1 day)", "timezone": "Berlin"}}),
    "a bucket": mistake("bucket must be the name of a bucket", "triggers", 0, "s3", "bucket", value="my inbox"),
    "a suffix": mistake("suffix is a plain part of the key", "triggers", 0, "s3", "suffix", value="*.txt"),
    "a timeout of the run": mistake("timeout is how long a run may take", "timeout", value="soon"),
    "a definition without memory": mistake("AWS Batch refuses a definition that does not say", "jobDefinitions", 0, "containerProperties", value={"image": "i", "vcpus": 1}),
    "a limit in a definition": mistake("AWS Batch takes priorities 0 to 9,999", "jobDefinitions", 0, "schedulingPriority", value=10_000),
}  # fmt: skip
MISTAKES["a share without a priority"] = Mistake(
    edits=((("steps", 2, "shareIdentifier"), "team"), (("steps", 2, "jobQueue"), "own")),
    says="AWS Batch refuses a shareIdentifier without a priority",
)
MISTAKES["a queue that is shared by some"] = Mistake(
    edits=(
        (("steps", 4, "shareIdentifier"), "team"),
        (("steps", 4, "schedulingPriorityOverride"), 1),
    ),
    says="gives no shareIdentifier (nor do ",
)
MISTAKES["unequal sizes"] = Mistake(
    edits=(*MISTAKES["unequal sizes"].edits, (("steps", 5, "arrayProperties"), {"size": 2})),
    says=MISTAKES["unequal sizes"].says,
)

HIDDEN: dict[frozenset[str], str] = {
    frozenset({"a share without a priority", "a limit in a definition"}): (
        "the definition has a priority then, if a wrong one"
    ),
}
"""Pairs of which one hides the other, and why that must be."""


def messages_of(*mistakes: Mistake) -> list[str]:
    """What lint says of a file with these; it is not written down and parsed, for speed alone."""
    document = Document(data=copy.deepcopy(GOOD))
    for one in mistakes:
        one.apply(document.data)
    read_document(document)
    return [problem.message for problem in document.errors]


def test_the_file_without_a_mistake_is_right() -> None:
    assert messages_of() == []


@pytest.mark.parametrize("name", MISTAKES)
def test_one_mistake_is_one_problem(name: str) -> None:
    [found] = messages_of(MISTAKES[name])
    assert MISTAKES[name].says in found


def test_two_mistakes_are_both_reported() -> None:
    pairs = 0
    wrong = []
    for one, two in combinations(MISTAKES, 2):
        if MISTAKES[one].meets(MISTAKES[two]):
            continue
        pairs += 1
        found = messages_of(MISTAKES[one], MISTAKES[two])
        for name in (one, two):
            reported = any(MISTAKES[name].says in message for message in found)
            if not reported and frozenset((one, two)) not in HIDDEN:
                wrong.append(f"{one} + {two}: {name} is hidden by {found}")
    assert wrong == []
    assert pairs > 700


def test_a_mistake_that_hides_another_does_hide_it() -> None:
    for pair in HIDDEN:
        one, two = (MISTAKES[name] for name in sorted(pair))
        found = messages_of(one, two)
        assert not all(any(m.says in message for message in found) for m in (one, two)), pair


BROKEN: tuple[tuple[str, Callable[[str], str], str], ...] = (
    ("pipeline.yaml", lambda text: text.replace('"steps": [', '"steps": [[', 1), "this is not YAML"),
    ("pipeline.json", lambda text: text.replace('"p",', '"p"', 1), "this is not JSON: expecting ',' delimiter"),
    ("pipeline.yaml", lambda _: "", "the file is empty"),
    ("pipeline.yaml", lambda _: "[]", "a pipeline file is a mapping"),
)  # fmt: skip
"""What hides everything, for nothing is known of what was meant."""


@pytest.mark.parametrize(("name", "break_it", "problem"), BROKEN)
def test_a_text_that_cannot_be_read_hides_all_else(
    tmp_path: Path, name: str, break_it: Callable[[str], str], problem: str
) -> None:
    document = copy.deepcopy(GOOD)
    MISTAKES["a timeout of the run"].apply(document)
    file = tmp_path / name
    file.write_text(break_it(json.dumps(document, indent=1)))
    with pytest.raises(PipelineFileError) as error:
        read(file)
    [found] = error.value.problems
    assert found.message.startswith(problem)


def test_a_key_that_is_given_twice_hides_nothing(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yaml"
    document = copy.deepcopy(GOOD)
    MISTAKES["a timeout of the run"].apply(document)
    file.write_text('{"notify": [],' + json.dumps(document)[1:])
    with pytest.raises(PipelineFileError) as error:
        read(file)
    assert [problem.message.partition(":")[0] for problem in error.value.problems] == [
        "notify is given twice",
        "timeout is how long a run may take, at least 60 s",
    ]
