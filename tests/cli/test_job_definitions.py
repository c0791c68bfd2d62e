"""Job definitions by content: no new revision when nothing changed; a run is pinned."""

from __future__ import annotations

from typing import Any

import pytest

from batchrelay.domain.pipeline import Group, Pipeline
from batchrelay_cli.job_definitions import DefinitionRefusedError, pinned, register
from batchrelay_local.launch import LocalCloud
from tests.builders import step
from tests.conftest import client_of


def definition(*command: str) -> dict[str, Any]:
    container = {"image": "i", "command": list(command)}
    return {
        "jobDefinitionName": "by-content",
        "type": "container",
        "containerProperties": container,
    }


@pytest.mark.cloud
def test_the_same_content_is_the_same_revision(cloud: LocalCloud) -> None:
    batch = client_of(cloud, "batch")
    first = register(batch, definition("a"))
    assert register(batch, definition("a")) == first
    assert register(batch, definition("b")) == first + 1
    assert register(batch, definition("a")) == first + 2, "the latest revision decides"


@pytest.mark.cloud
def test_a_refused_definition_is_told_by_awss_sentence(cloud: LocalCloud) -> None:
    wrong = {**definition("a"), "retryStrategy": {"attempts": 11}}
    with pytest.raises(DefinitionRefusedError, match="attempts must be between 1 and 10"):
        register(client_of(cloud, "batch"), wrong)


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
