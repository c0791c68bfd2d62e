"""The job definition of one item's job, and what it comes to with the job's request."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from batch_local.simulation import expanded
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.pipeline_file.merged_containers import MergedContainer, merged_containers
from batchrelay_cli.spin.node import Node

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient

ENTRYPOINT_TAG = "batchrelay:entrypoint"
DIRECTORY_TAG = "batchrelay:directory"
PROGRAMS_TAG = "batchrelay:programs"
"""What ENTRYPOINT, WORKDIR and the programs of an image are where there is no image."""

_PARAMETER = re.compile(r"Ref::([A-Za-z0-9_-]+)")


@dataclass(frozen=True, kw_only=True)
class Container:
    """What a container of this job is given."""

    definition: str
    """`NAME:REVISION`."""
    name: str = ""
    """Empty of a job with one container, of containerProperties."""
    node: Node | None = None
    """Of a multi-node parallel job."""
    image: str
    command: tuple[str, ...]
    """What stands behind the ENTRYPOINT; nothing if the image has to know it."""
    environment: Mapping[str, str] = field(repr=False)
    """Of the job definition and of the request, as AWS Batch merges them."""
    secrets: tuple[str, ...] = ()
    """Variables whose values only AWS Batch reads."""
    memory_mib: int | None = None
    entrypoint: tuple[str, ...] = ()
    has_own_entrypoint: bool = False
    """Whether the job says what stands in place of the image's ENTRYPOINT: `command` of a pod."""
    is_of_pod: bool = False
    directory: str = ""
    programs: str = ""
    missing: tuple[str, ...] = ()
    """What its job has, and what is not there where it runs alone."""

    def expanded(self, variables: Mapping[str, str]) -> Container:
        """With its variables in its words, as Kubernetes does it; only of a pod."""
        if not self.is_of_pod:
            return self
        return replace(
            self,
            command=tuple(expanded(self.command, variables)),
            entrypoint=tuple(expanded(self.entrypoint, variables)),
        )


def container_of(
    definition: Mapping[str, Any],
    request: Mapping[str, Any],
    *,
    node: Node | None = None,
    wanted: str | None = None,
    failed: str = "",
) -> Container:
    """The container of a SubmitJob request. Raises: UsageProblem.

    Args:
        node: of a multi-node parallel job.
        wanted: the name of one of several.
        failed: the name of the one that failed, which is meant if none is wanted.
    """
    index = None if node is None else node.index
    containers = [one for one in merged_containers(request, definition) if one.node == index]
    one = _chosen(containers, wanted, failed)
    parameters = {**definition.get("parameters", {}), **request.get("parameters", {})}
    command, arguments = (_words(one.words(key), parameters) for key in ("command", "args"))
    tags = definition.get("tags", {})
    text = f"{definition['jobDefinitionName']}:{definition['revision']}"
    entrypoint = words_of(tags.get(ENTRYPOINT_TAG, ""), f"{text}: the tag {ENTRYPOINT_TAG}")
    has_own_entrypoint = one.is_of_pod and bool(command)
    return Container(
        definition=text,
        name=one.name,
        node=node,
        image=one.over.get("image") or one.under.get("image", ""),
        command=arguments if one.is_of_pod else command,
        environment=one.variables,
        secrets=tuple(entry["name"] for entry in one.under.get("secrets", ())),
        memory_mib=_memory_mib(one),
        entrypoint=command if has_own_entrypoint else entrypoint,
        has_own_entrypoint=has_own_entrypoint,
        is_of_pod=one.is_of_pod,
        directory=tags.get(DIRECTORY_TAG, ""),
        programs=tags.get(PROGRAMS_TAG, ""),
        missing=tuple(_missing(one, containers, node)),
    )


def _words(words: Sequence[str], parameters: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(_PARAMETER.sub(lambda m: parameters.get(m[1], m[0]), word) for word in words)


def _memory_mib(container: MergedContainer) -> int | None:
    amount = container.amount("MEMORY")
    return None if amount is None else int(str(amount))


def _chosen(
    containers: Sequence[MergedContainer], wanted: str | None, failed: str
) -> MergedContainer:
    name = chosen_name([one.name for one in containers], wanted, failed)
    return next(one for one in containers if one.name == name)


def chosen_name(names: Sequence[str], wanted: str | None, failed: str) -> str:
    """Of one of these containers. Raises: UsageProblem."""
    if wanted is not None:
        if wanted not in names:
            if not any(names):
                raise UsageProblem(
                    "its job has one container, without a name: leave --container out"
                )
            raise UsageProblem(f"there is no container {wanted}: {', '.join(names)}")
        return wanted
    if failed in names or len(names) == 1:
        return failed if failed in names else names[0]
    raise UsageProblem(
        "its job has several containers, and AWS Batch does not say that one of them failed: write "
        f"--container with one of {', '.join(names)}"
    )


def _missing(
    one: MergedContainer, containers: Sequence[MergedContainer], node: Node | None
) -> Iterator[str]:
    others = [other.name for other in containers if other is not one]
    if others:
        yield f"{'container' if len(others) == 1 else 'containers'} {', '.join(others)}"
    waits = [
        f"{entry.get('containerName')} {entry.get('condition')}"
        for entry in one.under.get("dependsOn") or ()
    ]
    if waits:
        yield f"dependsOn {', '.join(waits)}"
    for volume in one.under.get("mountPoints") or ():
        yield f"volume {volume.get('sourceVolume')} at {volume.get('containerPath')}"
    for volume in one.under.get("volumeMounts") or ():
        yield f"volume {volume.get('name')} at {volume.get('mountPath')}"
    if node is not None and node.count > 1:
        yield node.others


def words_of(text: str, whose: str) -> tuple[str, ...]:
    """The words of a command, as a shell takes them apart. Raises: UsageProblem."""
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise UsageProblem(f"{whose} is not a command: {error}") from None


def definition_of(batch: BatchClient, reference: str) -> Mapping[str, Any]:
    """That revision, or the latest ACTIVE one of a name. Raises: UsageProblem."""
    name, _, revision = reference.rpartition("job-definition/")[2].partition(":")
    pages = batch.get_paginator("describe_job_definitions").paginate(jobDefinitionName=name)
    matching = [
        entry
        for page in pages
        for entry in page["jobDefinitions"]
        if (str(entry["revision"]) == revision if revision else entry["status"] == "ACTIVE")
    ]
    if not matching:
        raise UsageProblem(
            f"there is no job definition {reference} any more: AWS Batch removes it 180 days after "
            "it was deregistered. Deploy the pipeline again, and start a new run"
        )
    return dict(max(matching, key=lambda entry: entry["revision"]))
