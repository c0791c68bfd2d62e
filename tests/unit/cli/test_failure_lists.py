"""`${steps.NAME.failures}` and `${steps.NAME.succeeded}`: where lint lets them stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.pipeline_texts import problems, read_text

FILE = """\
pipeline: p
defaults: {jobQueue: q, jobDefinition: d}
steps:
  - jobName: a
    flow: {forEach: {items: [1, 2]}, tolerate: {count: 1}}
  - jobName: b
    dependsOn: [{jobName: a, type: N_TO_N}]
  - jobName: plain
  - jobName: z
    dependsOn: [{jobName: b}, {jobName: plain}]
    STEP
"""


@pytest.mark.parametrize("name", ["a.failures", "a.succeeded", "b.failures", "b.succeeded"])
@pytest.mark.parametrize(
    "text",
    [
        'containerOverrides: {environment: [{name: X, value: "${steps.NAME}"}]}',
        'flow: {forEach: {file: "${steps.NAME}"}, when: steps.b.failed > 0}',
        "flow: {when: \"steps.NAME != ''\"}",
    ],
)
def test_a_step_behind_may_name_them(tmp_path: Path, name: str, text: str) -> None:
    read_text(tmp_path, FILE.replace("STEP", text.replace("NAME", name)))
    notify = f'notify: [{{topicArn: "${{env.topicArn}}", link: "${{steps.{name}}}"}}]\n'
    read_text(tmp_path, FILE.replace("    STEP\n", notify))


@pytest.mark.parametrize(
    ("step", "name"),
    [("z", "plain"), ("z", "absent"), ("z", "z"), ("b", "a"), ("a", "z")],
)
def test_no_other_step_may(tmp_path: Path, step: str, name: str) -> None:
    """Beside it (N_TO_N), before it, and of a step that collects no failures."""
    line = f'    tags: {{x: "${{steps.{name}.failures}}"}}\n'
    text = FILE.replace("    STEP\n", "").replace(
        f"  - jobName: {step}\n", f"  - jobName: {step}\n{line}"
    )
    [problem] = problems(tmp_path, text)
    assert f"${{steps.{name}.failures}}: {name} is no step that has ended before" in problem


def test_steps_in_a_circle_are_still_a_problem_of_their_own(tmp_path: Path) -> None:
    text = FILE.replace("jobName: a\n", "jobName: a\n    dependsOn: [{jobName: b, type: N_TO_N}]\n")
    assert problems(tmp_path, text.replace("    STEP\n", ""))


@pytest.mark.parametrize(
    ("word", "is_refused"),
    [
        ("${steps.a.failures}", True),
        ("${steps.a.succeeded}", True),
        ("--list=${steps.a.failures}", False),
        ("$${steps.a.failures}", False),
    ],
)
def test_a_word_of_a_command_that_may_be_empty_is_refused(
    tmp_path: Path, word: str, is_refused: bool
) -> None:
    """AWS Batch refuses the job of a good run then."""
    text = FILE.replace("STEP", f'containerOverrides: {{command: [merge, "{word}"]}}')
    if not is_refused:
        read_text(tmp_path, text)
        return
    [problem] = problems(tmp_path, text)
    assert f"{word} is empty if no item failed" in problem
    assert f"such as --list={word}" in problem
