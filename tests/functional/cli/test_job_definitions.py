"""Job definitions by content: no new revision when nothing changed; a run is pinned."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from batchrelay.domain.pipeline import Group, Pipeline
from batchrelay_cli.pipeline_file.problems import PipelineFileError
from batchrelay_cli.pipeline_file.read import PipelineFile, read
from batchrelay_cli.stack.job_definitions import deregister, pinned, registered
from batchrelay_local.launch import LocalCloud
from tests.builders import step
from tests.conftest import client_of


def definition(*command: str) -> dict[str, Any]:
    container = {"image": "i", "command": list(command), "vcpus": 1, "memory": 64}
    return {
        "jobDefinitionName": "by-content",
        "type": "container",
        "containerProperties": container,
    }


def file_of(folder: Path, *command: str, pipeline: str = "by-content", **more: Any) -> PipelineFile:
    step = {"jobName": "a", "jobDefinition": "by-content", "jobQueue": "q"}
    document = {
        "pipeline": pipeline,
        "steps": [step],
        "jobDefinitions": [{**definition(*command), **more}],
    }
    path = folder / "pipeline.json"
    path.write_text(json.dumps(document))
    return read(path)


def revision(cloud: LocalCloud, file: PipelineFile) -> str:
    pipeline = registered(client_of(cloud, "batch"), file, file.definitions)
    return str(pipeline.steps[0].request["jobDefinition"])


@pytest.mark.cloud
def test_the_same_content_is_the_same_revision(cloud: LocalCloud, tmp_path: Path) -> None:
    assert revision(cloud, file_of(tmp_path, "a")) == "by-content:1"
    assert revision(cloud, file_of(tmp_path, "a")) == "by-content:1"
    assert revision(cloud, file_of(tmp_path, "b")) == "by-content:2"
    assert revision(cloud, file_of(tmp_path, "a")) == "by-content:1"
    other = file_of(tmp_path, "a", pipeline="another")
    assert revision(cloud, other) == "by-content:3", "undeploy of one must not break the other"
    gone = deregister(client_of(cloud, "batch"), "by-content")
    assert sorted(gone) == ["by-content:1", "by-content:2"]


@pytest.mark.cloud
def test_a_refused_definition_is_reported_at_its_line(cloud: LocalCloud, tmp_path: Path) -> None:
    wrong = file_of(tmp_path, "a", platformCapabilities=["MANAGED_INSTANCES"])
    with pytest.raises(PipelineFileError, match=r"pipeline\.json:1:\d+: "):
        revision(cloud, wrong)


def test_names_without_a_revision_are_pinned() -> None:
    groups = (Group(when=None, overrides={"jobDefinition": "d"}),)
    steps = (
        step("a", request={"jobDefinition": "d"}),
        step("b", request={"jobDefinition": "d:2"}),
        step("c", request={"jobDefinition": "elsewhere"}, file="s3://b/f", groups=groups),
    )
    after = pinned(Pipeline(name="p", version=1, steps=steps), {"d": 7})
    assert [s.request["jobDefinition"] for s in after.steps] == ["d:7", "d:2", "elsewhere"]
    assert after.steps[2].groups[0].overrides == {"jobDefinition": "d:7"}
