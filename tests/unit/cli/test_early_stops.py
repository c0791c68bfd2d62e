"""`canary` and `failFast` in a pipeline file: what is read, refused and warned of."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from batchrelay_cli.main import cli
from batchrelay_cli.pipeline_file.problems import PipelineFileError
from batchrelay_cli.pipeline_file.read import PipelineFile, read

TEXT = """pipeline: p
defaults: {jobQueue: q, jobDefinition: d:1}
steps:
  - jobName: a
    STEP
  - jobName: b
    NEXT
"""
ITEMS = "forEach: {items: [1, 2, 3]}"
WORKER = "containerOverrides: {command: [batchrelay-worker, run, --, x]}"
SIZE = "arrayProperties: {size: 100}"


def read_text(
    folder: Path, step: str, following: str = "dependsOn: [{jobName: a}]"
) -> PipelineFile:
    path = folder / "pipeline.yaml"
    path.write_text(TEXT.replace("STEP", step).replace("NEXT", following))
    return read(path)


def problems(folder: Path, step: str, following: str = "dependsOn: [{jobName: a}]") -> list[str]:
    with pytest.raises(PipelineFileError) as raised:
        read_text(folder, step, following)
    return [f"{p.line}: {p.message}" for p in raised.value.problems]


def test_a_step_has_a_canary_and_fails_fast(tmp_path: Path) -> None:
    file = read_text(tmp_path, f"flow: {{{ITEMS}, canary: 2, failFast: true}}\n    {WORKER}")
    [a, b] = file.pipeline.order
    assert (a.canary, a.fail_fast) == (2, True)
    assert (b.canary, b.fail_fast) == (None, False)
    assert file.warnings == ()


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "true", "ten"])
def test_a_canary_is_a_number_of_items(tmp_path: Path, value: str) -> None:
    [problem] = problems(tmp_path, f"flow: {{{ITEMS}, canary: {value}}}")
    assert problem.startswith("5: canary must be a number of items, 1 or more; got ")


def test_fail_fast_is_a_switch(tmp_path: Path) -> None:
    assert problems(tmp_path, f"flow: {{{ITEMS}, failFast: 3}}") == [
        "5: failFast must be true or false"
    ]


@pytest.mark.parametrize(
    ("step", "sizes"),
    [
        (f"flow: {{{ITEMS}, canary: 3}}", "3 of 3"),
        (f"flow: {{{ITEMS}, canary: 4}}", "4 of 3"),
        (f"flow: {{canary: 200}}\n    {SIZE}", "200 of 100"),
        ("flow: {forEach: {matrix: {x: [1, 2], y: [1, 2]}}, canary: 4}", "4 of 4"),
    ],
)
def test_a_canary_is_smaller_than_its_list(tmp_path: Path, step: str, sizes: str) -> None:
    [problem] = problems(tmp_path, step)
    most = sizes.split()[-1]
    assert problem == (
        f"5: the canary is not smaller than the list: {sizes} items, so nothing is left to run "
        f"after it; write a number below {most}, or leave it out"
    )


@pytest.mark.parametrize("key", ["canary: 1", "failFast: true"])
@pytest.mark.parametrize(
    ("step", "other"),
    [
        (f"flow: {{{ITEMS}, queue: {{workers: 2}}, KEY}}", "queue"),
        ("flow: {aggregate: {of: b, fanIn: 2}, output: s3://x/y, KEY}", "aggregate"),
    ],
)
def test_what_has_no_children_of_its_own_items_has_neither(
    tmp_path: Path, key: str, step: str, other: str
) -> None:
    found = problems(tmp_path, step.replace("KEY", key), "flow: {output: 's3://x/${item}'}")
    name = key.partition(":")[0]
    assert any(f"5: {name} and {other} do not go together" in problem for problem in found)


def test_a_sequence_has_no_canary(tmp_path: Path) -> None:
    step = f"flow: {{canary: 1}}\n    dependsOn: [{{type: SEQUENTIAL}}]\n    {SIZE}"
    [problem] = problems(tmp_path, step)
    assert problem.startswith("5: canary and SEQUENTIAL do not go together")


@pytest.mark.parametrize("key", ["canary: 1", "failFast: true"])
def test_one_job_has_neither(tmp_path: Path, key: str) -> None:
    name = key.partition(":")[0]
    assert problems(tmp_path, f"flow: {{{key}}}") == [
        f"5: {name} needs several children: this step is one job; leave it out"
    ]


@pytest.mark.parametrize(
    ("key", "instead"),
    [
        ("canary: 1", "write canary in the first step of the chain, a"),
        ("failFast: true", "write failFast in the step before"),
    ],
)
def test_a_step_behind_another_child_by_child_has_neither(
    tmp_path: Path, key: str, instead: str
) -> None:
    pair = "dependsOn: [{jobName: a, type: N_TO_N}]"
    [problem] = problems(tmp_path, f"{SIZE}", f"{pair}\n    flow: {{{key}}}")
    assert problem.startswith("8: ")
    assert problem.endswith(instead)


def test_a_step_with_a_canary_is_followed_by_steps_that_continue_it(tmp_path: Path) -> None:
    pair = f"dependsOn: [{{jobName: a, type: N_TO_N}}]\n    {WORKER}"
    step = f"flow: {{canary: 2}}\n    {SIZE}\n    {WORKER}"
    assert read_text(tmp_path, step, pair).pipeline.step("a").canary == 2
    [problem] = problems(tmp_path, step, f"{pair}\n    {SIZE}")
    assert problem.startswith("5: b follows it child by child (N_TO_N) with items or a size")


def test_retries_do_not_name_what_was_stopped(tmp_path: Path) -> None:
    step = f"flow: {{{ITEMS}, retryFailed: {{rounds: 1, when: [Stopped]}}}}"
    assert problems(tmp_path, step) == [
        "5: Stopped: what was stopped, or never began, runs again by a redrive only; leave it out"
    ]


@pytest.mark.parametrize(
    ("command", "is_warned_of"),
    [
        ("[sh, -c, 'run $AWS_BATCH_JOB_ARRAY_INDEX']", True),
        ("[./program]", True),
        ("[sh, -c, 'run $((AWS_BATCH_JOB_ARRAY_INDEX + BATCHRELAY_OFFSET))']", False),
        ("[batchrelay-worker, run, --, x]", False),
    ],
)
def test_an_index_that_begins_anew_after_the_canary_is_warned_of(
    tmp_path: Path, command: str, is_warned_of: bool
) -> None:
    step = f"flow: {{canary: 2}}\n    {SIZE}\n    containerOverrides: {{command: {command}}}"
    warnings = read_text(tmp_path, step).warnings
    assert [(w.line, "begins at 0 again" in w.message) for w in warnings] == (
        [(5, True)] if is_warned_of else []
    )


def test_the_plan_shows_both(tmp_path: Path) -> None:
    read_text(tmp_path, f"flow: {{{ITEMS}, canary: 2, failFast: true}}\n    {WORKER}")
    printed = CliRunner().invoke(cli, ["plan", str(tmp_path / "pipeline.yaml")]).output
    assert "canary: 2 items first; if they fail, the rest never begins" in printed
    assert "stopped once more items failed than it tolerates" in printed
    assert "at most 3 SubmitJob" in printed
