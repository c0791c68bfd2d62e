"""`flow.finally`: what lint refuses, and where; what plan and its graph show."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from batchrelay_cli.main import cli

HEAD = """pipeline: p
defaults: {jobQueue: q, jobDefinition: d}
steps:
"""
DEFINITION = """jobDefinitions:
  - {jobDefinitionName: d, type: container, containerProperties: {image: i, command: [x], vcpus: 1, memory: 64}}
"""  # noqa: E501


def lint(tmp_path: Path, *steps: str, verb: tuple[str, ...] = ("lint",)) -> list[str]:
    path = tmp_path / "p.yaml"
    path.write_text(HEAD + "".join(f"  - {line}\n" for line in steps) + DEFINITION)
    output = CliRunner().invoke(cli, [verb[0], str(path), *verb[1:]]).output
    return output.replace(f"{path}:", "").splitlines()


WORK = "{jobName: work, flow: {output: 's3://b/o'}}"


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        (
            (
                "{jobName: work, dependsOn: [{jobName: clean}]}",
                "{jobName: clean, flow: {finally: true}}",
            ),
            "4:31: clean is a finally step, which begins when work has ended: leave this out, or make work a finally step too",  # noqa: E501
        ),
        (
            (WORK, "{jobName: clean, dependsOn: [{jobName: work}], flow: {finally: true}}"),
            "5:32: clean is a finally step, which begins when work and all ordinary steps have ended: leave this out; if it needs a list of items, write a listing or a file in forEach",  # noqa: E501
        ),
        (
            ("{jobName: work, flow: {when: '${run.status} == FAILED'}}",),
            "4:28: ${run.status} is known once the ordinary steps have ended: only a step with flow: {finally: true} may ask for it",  # noqa: E501
        ),
        (
            ("{jobName: work, flow: {output: 's3://b/${run.status}'}}",),
            "4:28: ${run.status} is known once the ordinary steps have ended: only a step with flow: {finally: true} may ask for it",  # noqa: E501
        ),
        (
            ("{jobName: clean, flow: {finally: true}}",),
            "3:1: every step is finally: they wait for ordinary steps, so write at least one",
        ),
        ((WORK, "{jobName: clean, flow: {finally: 1}}"), "5:29: finally must be true or false"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(
    tmp_path: Path, steps: tuple[str, ...], problem: str
) -> None:
    wrong = [line.split(": ", 1)[1] for line in lint(tmp_path, *steps)]
    assert problem.split(": ", 1)[1] in wrong


def test_a_finally_step_may_ask_what_became_of_every_ordinary_step(tmp_path: Path) -> None:
    clean = (
        "{jobName: clean, containerOverrides: {command: [rm, '${steps.work.output}']}, "
        "flow: {finally: true, when: 'steps.work.status == FAILED or ${run.status} == CANCELLED'}}"
    )
    assert lint(tmp_path, clean, WORK)[-1].endswith("2 steps, no errors")
    assert "       when all ordinary steps have ended, whatever became of them" in lint(
        tmp_path, clean, WORK, verb=("plan",)
    )
    assert "  s0 -.-> s1" in lint(tmp_path, clean, WORK, verb=("plan", "--graph"))
