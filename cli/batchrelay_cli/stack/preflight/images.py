"""Whether an image is in its registry, and for the machines that would run it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchrelay_cli.stack.preflight.uses import Use, members_of

_ECR = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/"
    r"(?P<repository>[^:@]+)(:(?P<tag>[^@]+))?(@(?P<digest>sha256:[0-9a-f]{64}))?"
)

MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
"""Those that say, or lead to, an architecture. Source: BatchGetImage, acceptedMediaTypes."""

_ARCHITECTURES = {"amd64": "X86_64", "arm64": "ARM64"}
"""Go's names, which images have, and those of RuntimePlatform, cpuArchitecture."""

_OF_ARM = re.compile(r"a1|[a-z]+\d+g[a-z]*|default_arm64")
"""Families of Graviton: a letter g follows the generation. Source: EC2, instance type names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EcrImage:
    """An image of a private registry of Amazon ECR."""

    account: str
    region: str
    repository: str
    id: tuple[tuple[str, str], ...]
    """`imageTag` or `imageDigest`."""

    @classmethod
    def of(cls, image: str) -> EcrImage | None:
        """None of an image elsewhere."""
        match = _ECR.fullmatch(image)
        if match is None:
            return None
        digest = match["digest"]
        name = ("imageDigest", digest) if digest else ("imageTag", match["tag"] or "latest")
        return cls(
            account=match["account"],
            region=match["region"],
            repository=match["repository"],
            id=(name,),
        )


def architectures_listed(manifest: str) -> frozenset[str]:
    """Of a manifest list; none of a single manifest."""
    entries = json.loads(manifest).get("manifests") or ()
    names = ((entry.get("platform") or {}).get("architecture") for entry in entries)
    return frozenset(_ARCHITECTURES.get(name, name) for name in names if name not in _NO_MACHINE)


_NO_MACHINE = (None, "unknown")
"""Of an attestation, which stands in a list beside the images. Source: BuildKit, attestations."""


def config_digest(manifest: str) -> str | None:
    """Of a single manifest: the blob that names its architecture. Source: OCI image spec."""
    config = json.loads(manifest).get("config") or {}
    digest = config.get("digest")
    return None if digest is None else str(digest)


def architecture_of_config(config: str) -> frozenset[str]:
    """What that blob says."""
    name = json.loads(config).get("architecture")
    return frozenset(_ARCHITECTURES.get(each, each) for each in (name,) if each)


def architectures_needed(
    definition: Mapping[str, Any], environments: Sequence[Mapping[str, Any]]
) -> frozenset[str]:
    """Of the machines that run it: one of them is enough. None if no one can say.

    Of Fargate the definition says it; of EC2 the instance types do. Source: RuntimePlatform.
    """
    resources = [environment.get("computeResources") or {} for environment in environments]
    platforms = [platform for _, platform in members_of(definition, "runtimePlatform") if platform]
    if any(str(one.get("type", "")).startswith("FARGATE") for one in resources):
        platform = platforms[0] if platforms else {}
        return frozenset({str(platform.get("cpuArchitecture", "X86_64"))})
    types = [str(name) for one in resources for name in one.get("instanceTypes") or ()]
    return frozenset("ARM64" if _is_arm(name) else "X86_64" for name in types)


def _is_arm(instance_type: str) -> bool:
    return _OF_ARM.fullmatch(instance_type.partition(".")[0]) is not None


def image_problem(
    image: str, use: Use, images: frozenset[str], machines: frozenset[str]
) -> str | None:
    """Why a container of it would end at once with "exec format error"."""
    if not images or not machines or images & machines:
        return None
    has, runs = ", ".join(sorted(images)), ", ".join(sorted(machines))
    builds = ",".join(f"linux/{go}" for go, name in _ARCHITECTURES.items() if name in machines)
    return (
        f"image {image} is for {has}, and job queue {use.queue} runs {runs}: build it with docker "
        f"buildx build --platform {builds}, or name a queue of {has}"
    )


def missing_image_problem(image: str, failure: str) -> str:
    """What BatchGetImage answered instead."""
    return f"image {image} is not in its registry ({failure}): push it, or write another one"
