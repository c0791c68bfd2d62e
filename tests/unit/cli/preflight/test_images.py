"""Images: which are looked up in their registry, and the architectures that they are for."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchrelay_cli.stack.preflight.images import EcrImage, architectures_needed
from batchrelay_cli.stack.preflight.lookups import read_url
from tests.unit.cli.preflight.account import (
    ACCOUNT,
    ECR,
    FILE,
    IMAGE,
    IMAGE_LINE,
    REGION,
    Account,
    checked,
    environment,
)


def test_a_repository_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    image = IMAGE.replace("team/words", "team/other")
    problems, _ = checked(tmp_path, Account(), FILE.replace(IMAGE, image))
    assert problems == [
        f"{IMAGE_LINE}: image {image} is not in its registry (RepositoryNotFound): push it, or "
        "write another one"
    ]


def test_a_parameter_may_be_called_image(tmp_path: Path) -> None:
    text = FILE.replace("type: container\n", "type: container\n    parameters: {image: other}\n")
    assert checked(tmp_path, Account(), text)[1].not_done == ()


POD = f"""\
pipeline: pods
steps: [{{jobName: a, jobQueue: Main, jobDefinition: p}}]
jobDefinitions:
  - jobDefinitionName: p
    type: container
    eksProperties:
      podProperties:
        metadata: {{labels: {{image: blue, taskRoleArn: none}}}}
        initContainers: [{{name: i, image: {IMAGE}, resources: {{limits: {{cpu: "12"}}}}}}]
        containers: [{{name: m, image: {IMAGE}, resources: {{limits: {{cpu: "12", memory: 64Mi}}}}}}]
"""


def test_labels_of_a_pod_are_its_own_and_what_begins_first_has_ended(tmp_path: Path) -> None:
    problems, checks = checked(
        tmp_path, Account(environment(containerOrchestrationType="EKS")), POD
    )
    assert (problems, checks.not_done) == ([], ())


@pytest.mark.parametrize(
    ("types", "machines"),
    [
        (["m7g"], {"ARM64"}),
        (["c6gn.xlarge", "im4gn", "t4g.small", "a1", "default_arm64"], {"ARM64"}),
        (["g5g.xlarge"], {"ARM64"}),
        (["optimal", "m7i", "g4dn.xlarge", "p5", "c7a"], {"X86_64"}),
        (["m7g", "m7i"], {"ARM64", "X86_64"}),
        ([], set()),
    ],
)
def test_the_architecture_of_ec2_is_that_of_its_instances(
    types: list[str], machines: set[str]
) -> None:
    one = environment(computeResources={"instanceTypes": types})
    assert architectures_needed({}, [one]) == machines


def test_the_architecture_of_fargate_is_that_of_the_definition() -> None:
    arm = {"containerProperties": {"runtimePlatform": {"cpuArchitecture": "ARM64"}}}
    fargate = [environment("FARGATE_SPOT")]
    assert architectures_needed(arm, fargate) == {"ARM64"}
    assert architectures_needed({"containerProperties": {}}, fargate) == {"X86_64"}


@pytest.mark.parametrize(
    ("image", "name"),
    [
        (f"{ECR}/a/b", ("imageTag", "latest")),
        (f"{ECR}/a/b:v1", ("imageTag", "v1")),
        (f"{ECR}/a/b:v1@sha256:{'0' * 64}", ("imageDigest", f"sha256:{'0' * 64}")),
    ],
)
def test_an_image_of_ecr_is_looked_up_by_what_names_it(image: str, name: tuple[str, str]) -> None:
    assert EcrImage.of(image) == EcrImage(
        account=ACCOUNT, region=REGION, repository="a/b", id=(name,)
    )


@pytest.mark.parametrize("image", ["python:3.13", "public.ecr.aws/docker/library/python", ""])
def test_another_image_is_not_looked_up(image: str) -> None:
    assert EcrImage.of(image) is None


def test_no_url_but_of_https_is_read() -> None:
    with pytest.raises(ValueError, match="https"):
        read_url("file:///etc/passwd")
