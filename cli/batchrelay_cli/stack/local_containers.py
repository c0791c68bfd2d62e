"""What a request runs where there is no image: the processes of a job, and what they ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batchrelay_cli.pipeline_file.commands import ENTRYPOINT_TAG
from batchrelay_cli.pipeline_file.merged_containers import MergedContainer, merged_containers


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalContainer:
    """A process of a job."""

    who: str
    """Which one of a step; empty of its only one."""
    words: tuple[str, ...]
    """Of its command, as far as the file says."""
    vcpus: float


def local_containers(
    request: Mapping[str, Any], definition: Mapping[str, Any]
) -> list[LocalContainer]:
    """The containers of a job definition, as a request changes them."""
    entrypoint = tuple(str(definition.get("tags", {}).get(ENTRYPOINT_TAG, "")).split())
    return [
        LocalContainer(who=one.who, words=_words(entrypoint, one), vcpus=_vcpus(one))
        for one in merged_containers(request, definition)
    ]


def vcpus_of(request: Mapping[str, Any], definition: Mapping[str, Any]) -> float:
    """vCPUs of one child: of all its containers together."""
    return sum(container.vcpus for container in local_containers(request, definition))


def _words(entrypoint: tuple[str, ...], container: MergedContainer) -> tuple[str, ...]:
    """In a pod `command` stands for the ENTRYPOINT of an image."""
    command, arguments = container.words("command"), container.words("args")
    if container.is_of_pod:
        return (*(command or entrypoint), *arguments)
    return (*entrypoint, *command)


def _vcpus(container: MergedContainer) -> float:
    """1 where the file is silent."""
    amount = container.amount("VCPU")
    return 1.0 if amount is None else float(str(amount))
