"""`maxRunning` in a pipeline file: what is read, and what is refused with what to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchrelay_cli.pipeline_file.problems import PipelineFileError
from batchrelay_cli.pipeline_file.read import PipelineFile, read

TEXT = """pipeline: p
defaults: {jobQueue: q, jobDefinition: d:1}
steps:
  - jobName: before
    arrayProperties: {size: 9}
  - jobName: a
    STEP
"""
ITEMS = "forEach: {items: [1, 2, 3]}"
WORKER = "containerOverrides: {command: [batchrelay-worker, run, --, x]}"
SEQUENCE = "arrayProperties: {size: 3}\n    dependsOn: [{type: SEQUENTIAL}]\n    flow: "


def read_text(folder: Path, step: str) -> PipelineFile:
    path = folder / "pipeline.yaml"
    path.write_text(TEXT.replace("STEP", step))
    return read(path)


def problem(folder: Path, step: str) -> str:
    with pytest.raises(PipelineFileError) as raised:
        read_text(folder, step)
    [found] = raised.value.problems
    return f"{found.line}: {found.message}"


@pytest.mark.parametrize(
    "step",
    [
        f"flow: {{{ITEMS}, maxRunning: 200}}",
        "arrayProperties: {size: 2}\n    flow: {maxRunning: 200}",
        "dependsOn: [{jobName: before, type: N_TO_N}]\n    flow: {maxRunning: 200}",
        f"{WORKER}\n    flow: {{{ITEMS}, canary: 1, maxRunning: 200}}",
    ],
)
def test_a_step_of_an_array_has_a_bound(tmp_path: Path, step: str) -> None:
    before, bounded = read_text(tmp_path, step).pipeline.order
    assert (before.max_running, bounded.max_running) == (None, 200)


@pytest.mark.parametrize("value", ["1.5", "true", "ten", "'5'", "[1]"])
def test_a_bound_is_a_number(tmp_path: Path, value: str) -> None:
    message = problem(tmp_path, f"flow: {{{ITEMS}, maxRunning: {value}}}")
    assert message.startswith("7: maxRunning must be a number of children, 1 or more; got ")


@pytest.mark.parametrize("value", ["0", "-1", "1000001"])
def test_a_bound_is_in_its_limits(tmp_path: Path, value: str) -> None:
    message = problem(tmp_path, f"flow: {{{ITEMS}, maxRunning: {value}}}")
    assert message == (
        f"7: maxRunning must be 1 to 1,000,000, not {int(value):,}: leave it out to let as many "
        "run as there is room for"
    )


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (
            "flow: {maxRunning: 2}",
            "maxRunning needs several children: this step is one job; leave it out, or write a",
        ),
        (
            f"flow: {{{ITEMS}, queue: {{workers: 9}}, maxRunning: 2}}",
            "maxRunning and queue do not go together: as many run as there are workers; write",
        ),
        (
            SEQUENCE + "{maxRunning: 2}",
            "maxRunning and SEQUENTIAL do not go together: one child runs at a time; leave it out",
        ),
    ],
)
def test_a_bound_that_does_not_fit_its_step_is_refused(
    tmp_path: Path, step: str, message: str
) -> None:
    assert problem(tmp_path, step).partition(": ")[2].startswith(message)


def needing(count: int) -> str:
    entries = ", ".join(f"{{consumableResource: r{n}, quantity: 1}}" for n in range(count))
    return f"consumableResourcePropertiesOverride: {{consumableResourceList: [{entries}]}}"


def test_the_resources_of_a_job_are_counted_with_ours(tmp_path: Path) -> None:
    step = f"flow: {{{ITEMS}, maxRunning: 2}}\n    {needing(4)}"
    assert read_text(tmp_path, step).pipeline.steps[1].max_running == 2
    message = problem(tmp_path, f"flow: {{{ITEMS}, maxRunning: 2}}\n    {needing(5)}")
    assert message == (
        "7: a job of this step needs 5 consumable resources of its own, and that of maxRunning "
        "would be one more than the 5 that AWS Batch takes"
    )


def test_those_of_a_group_and_of_the_job_definition_count_too(tmp_path: Path) -> None:
    in_group = f"flow: {{{ITEMS}, maxRunning: 2, groups: [{{{needing(5)}}}]}}"
    assert "needs 5 consumable resources" in problem(tmp_path, in_group)
    properties = needing(5).replace("PropertiesOverride", "Properties")
    definition = (
        "jobDefinitions:\n  - {jobDefinitionName: e, type: container, containerProperties: "
        "{image: i, command: [x], resourceRequirements: [{type: VCPU, value: '1'}, "
        f"{{type: MEMORY, value: '64'}}]}}, {properties}}}"
    )
    step = f"flow: {{{ITEMS}, maxRunning: 2}}\n    jobDefinition: e\n{definition}"
    assert "needs 5 consumable resources" in problem(tmp_path, step)
