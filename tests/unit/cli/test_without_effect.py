"""What has no effect on this machine is named, once, in one line."""

from __future__ import annotations

from pathlib import Path

from batchrelay_cli.pipeline_file.read import read
from batchrelay_cli.stack.without_effect import without_effect
from tests.conftest import write

FILE = """
pipeline: p
steps:
  - {jobName: a, jobQueue: q, jobDefinition: one, containerOverrides: {INSTANCE}}
  - {jobName: b, jobQueue: q, jobDefinition: pod, dependsOn: [{jobName: a}]}
jobDefinitions:
  - jobDefinitionName: one
    type: container
    containerProperties: {image: i, command: [sh], vcpus: 1, memory: 64, MORE}
  - jobDefinitionName: pod
    type: container
    eksProperties:
      podProperties:
        containers: [{name: main, image: i, command: [sh], resources: {limits: {cpu: "1", memory: 64Mi}}, CONTAINER}]
        POD
"""  # noqa: E501  # a container is a line


def sentence_of(tmp_path: Path, **pieces: str) -> str | None:
    text = FILE
    for name in ("INSTANCE", "MORE", "CONTAINER", "POD"):
        text = text.replace(name, pieces.get(name, ""))
    return without_effect(read(Path(write(tmp_path, text))))


def test_fields_without_effect_are_named_by_their_place(tmp_path: Path) -> None:
    assert sentence_of(
        tmp_path,
        INSTANCE="instanceType: m5.large",
        MORE='user: "1000", mountPoints: [{containerPath: /d}], ulimits: []',
        CONTAINER="securityContext: {runAsUser: 1}, volumeMounts: [{name: v}]",
        POD="serviceAccountName: s",
    ) == (
        "without effect on this machine: user, mountPoints, ulimits of job definition one; "
        "securityContext, volumeMounts, serviceAccountName of job definition pod; "
        "instanceType of step a"
    )


def test_a_file_whose_fields_all_have_their_effect_has_no_such_line(tmp_path: Path) -> None:
    assert sentence_of(tmp_path) is None
