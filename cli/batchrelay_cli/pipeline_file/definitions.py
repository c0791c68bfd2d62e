"""`jobDefinitions:`: RegisterJobDefinition requests."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from batchrelay.domain.job_tags import PIPELINE_TAG
from batchrelay.domain.limits import DEFINITION_BYTES_MAX, MEMORY_MIB_MIN, TAGS_MAX
from batchrelay.domain.request_rules import (
    Violation,
    attempt_violations,
    container_violations,
    priority_violations,
)
from batchrelay.domain.sizing import FARGATE_MIB
from batchrelay_cli.pipeline_file.definition_containers import placed_containers
from batchrelay_cli.pipeline_file.definition_kinds import RESERVED, kind_violations
from batchrelay_cli.pipeline_file.document import Document, Place
from batchrelay_cli.pipeline_file.fields import check_name
from batchrelay_cli.pipeline_file.shapes import check, request_shape
from batchrelay_cli.pipeline_file.steps import check_last_rule

DESCRIBED = ("jobDefinitionArn", "revision", "status", "containerOrchestrationType")
"""What DescribeJobDefinitions says beside the request: it may stand here, and means nothing."""

CONTENT_TAG = "batchrelay:content"
"""The tag of the content that a revision has."""

DEFINITION_TAGS = (CONTENT_TAG, PIPELINE_TAG)
"""Tags that we add to a job definition. Those with folders of this machine, AWS is never given, and
the local AWS Batch does not count."""

OUR_TAGS = len(DEFINITION_TAGS)

OUR_TAG_BYTES = 300
"""Bytes of those that AWS is given: two names, a hash, the longest name of a pipeline."""

_NEEDED = (("VCPU", "vcpus"), ("MEMORY", "memory"))


def read_definitions(document: Document, value: Any) -> tuple[Mapping[str, Any], ...]:
    """A list of requests, as they are written or as DescribeJobDefinitions answers with them."""
    if not isinstance(value, list):
        document.wrong(("jobDefinitions",), "jobDefinitions must be a list")
        return ()
    defined_names: set[str] = set()
    for number, entry in enumerate(value):
        place: Place = ("jobDefinitions", number)
        check(document, entry, request_shape("RegisterJobDefinition"), place, without=DESCRIBED)
        if not isinstance(entry, dict):
            continue
        for violation in _violations(entry):
            document.wrong((*place, *violation.path), violation.message)
        strategy = entry.get("retryStrategy")
        check_last_rule(document, (*place, "retryStrategy", "evaluateOnExit"), strategy)
        name = entry.get("jobDefinitionName")
        if isinstance(name, str):
            check_name(document, (*place, "jobDefinitionName"), "jobDefinitionName", name)
            if name in defined_names:
                document.wrong((*place, "jobDefinitionName"), f"{name} is defined twice")
            defined_names.add(name)
    return tuple(
        {key: inner for key, inner in entry.items() if key not in DESCRIBED}
        for entry in value
        if isinstance(entry, dict)
    )


def _violations(entry: Mapping[str, Any]) -> Iterator[Violation]:
    yield from attempt_violations(entry)
    yield from priority_violations(entry)
    size = len(json.dumps(entry).encode())
    if size > DEFINITION_BYTES_MAX - OUR_TAG_BYTES:
        message = (
            f"{size:,} bytes, and {OUR_TAG_BYTES} of our tags; AWS Batch takes job definitions of "
            f"{DEFINITION_BYTES_MAX:,}: put long texts into the image or into a file in S3"
        )
        yield Violation(path=(), message=message)
    tags = entry.get("tags")
    if isinstance(tags, dict) and TAGS_MAX - OUR_TAGS < len(tags) <= TAGS_MAX:
        message = f"{len(tags)} tags, and {OUR_TAGS} of ours; AWS Batch takes {TAGS_MAX}"
        yield Violation(path=("tags",), message=message)
    if "eksProperties" in entry and "propagateTags" in entry:
        message = "AWS Batch refuses propagateTags beside eksProperties: leave it out"
        yield Violation(path=("propagateTags",), message=message)
    container = entry.get("containerProperties")
    if isinstance(container, dict):
        below = (*container_violations(container, RESERVED), *_resource_violations(entry))
        for violation in below:
            path = ("containerProperties", *violation.path)
            yield Violation(path=path, message=violation.message)
    yield from kind_violations(entry)
    yield from _part_violations(entry)


def _resource_violations(entry: Mapping[str, Any]) -> Iterator[Violation]:
    """Both must be there, in one of their two spellings. Source: ContainerProperties."""
    container = entry["containerProperties"]
    amounts = amounts_of(container)
    wanting = [f'{{type: {kind}, value: "…"}}' for kind, _ in _NEEDED if kind not in amounts]
    if wanting:
        message = (
            "AWS Batch refuses a definition that does not say its vCPUs and its memory: write "
            f"resourceRequirements: [{', '.join(wanting)}]"
        )
        path = ("resourceRequirements",) if "resourceRequirements" in container else ()
        yield Violation(path=path, message=message)
    for key, least in (("vcpus", 1), ("memory", MEMORY_MIB_MIN)):
        value = container.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and value < least:
            yield Violation(path=(key,), message=f"{key} is at least {least}, not {value}")
    if is_fargate(entry) and not wanting:
        yield from _fargate_violations(amounts)
    elif is_ec2(entry) and is_part(amounts.get("VCPU", "")):
        yield Violation(path=("resourceRequirements",), message=part_of_a_vcpu(amounts["VCPU"]))


def _part_violations(entry: Mapping[str, Any]) -> Iterator[Violation]:
    """In the containers of a task, or of nodes."""
    if is_ec2(entry):
        for path, container in placed_containers(entry):
            vcpu = amounts_of(container).get("VCPU", "")
            if is_part(vcpu):
                message = part_of_a_vcpu(vcpu)
                yield Violation(path=(*path, "resourceRequirements"), message=message)


def _fargate_violations(amounts: Mapping[str, str]) -> Iterator[Violation]:
    path = ("resourceRequirements",)
    if "GPU" in amounts:
        yield Violation(path=path, message="there are no GPUs on Fargate: leave GPU out")
    memory = FARGATE_MIB.get(amounts["VCPU"])
    if memory is None:
        message = f"Fargate has {', '.join(FARGATE_MIB)} vCPUs, not {amounts['VCPU']!r}"
        yield Violation(path=path, message=message)
    elif amounts["MEMORY"] not in map(str, memory):
        fitting = ", ".join(map(str, memory))
        message = f"on Fargate {amounts['VCPU']} vCPU goes with a MEMORY of {fitting}"
        yield Violation(path=path, message=message)


def amounts_of(container: Mapping[str, Any]) -> dict[str, str]:
    """Of resourceRequirements, by kind; the deprecated spelling too."""
    amounts = {kind: str(container[old]) for kind, old in _NEEDED if old in container}
    entries = container.get("resourceRequirements")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            amounts[str(entry.get("type"))] = str(entry.get("value"))
    return amounts


def is_part(vcpu: str) -> bool:
    """Whether it is an amount that is not whole."""
    return re.fullmatch(r"[0-9]+\.0*[1-9][0-9]*", vcpu) is not None


def part_of_a_vcpu(vcpu: str) -> str:
    """What is wrong with it where there is no Fargate. Source: ResourceRequirement, value."""
    return (
        f"VCPU {vcpu} is of Fargate alone (platformCapabilities: [FARGATE] of the job definition); "
        'EC2 takes whole ones: write "1"'
    )


def is_ec2(entry: Mapping[str, Any]) -> bool:
    """Whether a job definition is for EC2 only. What ECS Managed Instances take is not public."""
    return entry.get("platformCapabilities") in (None, [], ["EC2"])


def is_fargate(entry: Mapping[str, Any]) -> bool:
    """Whether a job definition is for Fargate."""
    capabilities = entry.get("platformCapabilities")
    return isinstance(capabilities, list) and "FARGATE" in capabilities
