"""Commands of this machine that stand in for the entry points of images."""

from __future__ import annotations

from typing import Any

import pytest

from batch_local.images import Images, without_tag
from batch_local.service import BatchService
from machines import call, ended, machine, submit
from task_texts import pod, pod_container


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("python", "python"),
        ("python:3.12", "python"),
        ("registry:5000/team/tool", "registry:5000/team/tool"),
        ("registry:5000/team/tool:1", "registry:5000/team/tool"),
        ("tool@sha256:ab", "tool"),
        ("tool:1@sha256:ab", "tool"),
    ],
)
def test_a_pattern_needs_no_tag(image: str, name: str) -> None:
    assert without_tag(image) == name
    assert Images.of({name: "true"}, "/").entrypoint(image) == ("true",)


def test_the_first_pattern_that_matches_decides() -> None:
    images = Images.of({"*/tool:2": "two", "*/tool": ["any", "a b"], "tool": "./own x"}, "/here")
    assert images.entrypoint("r/tool:2") == ("two",)
    assert images.entrypoint("r/tool:3") == ("any", "a b")
    assert images.entrypoint("tool") == ("/here/own", "x")
    assert images.entrypoint("other") == ()


@pytest.mark.parametrize("command", ["", " ", [], [""], "'open"])
def test_what_is_no_command_is_refused_with_its_image(command: str | list[str]) -> None:
    with pytest.raises(ValueError, match="image tool: "):
        Images.of({"tool": command}, "/")


def ran(service: BatchService, definition: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The job of a definition, and what it printed."""
    request = {"jobDefinitionName": "t", "type": "container", **definition}
    call(service, "registerjobdefinition", **request)
    _, answer = submit(service, jobDefinition="t")
    job = ended(service, answer["jobId"])
    return job, "\n".join(service.log(job["jobId"]))


def test_the_command_of_a_container_is_behind_the_stand_in() -> None:
    properties = {"image": "r/tool:1", "vcpus": 1, "memory": 64}
    with machine(images=Images.of({"*/tool": "echo stand-in"}, "/")) as (service, _):
        job, log = ran(service, {"containerProperties": {**properties, "command": ["a", "b"]}})
        assert (log, job["container"]["command"]) == ("stand-in a b", ["a", "b"])
        job, log = ran(service, {"containerProperties": properties})
        assert (log, job["container"]["command"]) == ("stand-in", [])
        _, log = ran(
            service,
            {"containerProperties": properties, "tags": {"batchrelay:entrypoint": "echo tag"}},
        )
        assert log == "tag"


def test_the_command_of_a_pod_replaces_the_entry_point_and_its_arguments_do_not() -> None:
    with machine(images=Images.of({"tool": "echo stand-in"}, "/")) as (service, _):
        own = pod_container("one", image="tool", command=["echo", "own"], args=["a"])
        assert ran(service, pod(own))[1] == "own a"
        del own["command"]
        assert ran(service, pod(own))[1] == "stand-in a"
