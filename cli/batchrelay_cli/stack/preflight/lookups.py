"""What AWS says of what a pipeline needs. A refusal is noted, and is no problem of the pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.request import urlopen

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from batchrelay_cli.stack.client import Stack
from batchrelay_cli.stack.preflight.images import (
    MANIFESTS,
    EcrImage,
    architecture_of_config,
    architectures_listed,
    config_digest,
)
from batchrelay_cli.stack.preflight.quotas import Quota
from batchrelay_cli.stack.preflight.rights import LEADING_KEYS, Right
from batchrelay_cli.terminal import excerpt

READ_TIMEOUT_S = 10


class MissingImageError(Exception):
    """A registry has no such image; AWS's word for it."""


def read_url(url: str) -> str:
    """What a URL that AWS signed answers."""
    if not url.startswith("https://"):
        raise ValueError("it is not https")
    with urlopen(url, timeout=READ_TIMEOUT_S) as answer:  # noqa: S310  # https, from AWS
        body: bytes = answer.read()
    return body.decode()


def _type_of(key: str) -> str:
    """Of a condition key. Source: Service Authorization Reference, of DynamoDB and of IAM."""
    return "stringList" if key == LEADING_KEYS else "string"


@dataclass(kw_only=True)
class Lookups:
    """Calls for one registration, and what was refused of them."""

    stack: Stack
    read: Callable[[str], str] = read_url
    refused: dict[str, None] = field(default_factory=dict)
    """A sentence each."""
    _quotas: dict[str, float] = field(default_factory=dict)
    """By their code."""

    @contextmanager
    def noting(self, what: str) -> Iterator[None]:
        """Leave out a look at something if AWS refuses it, or cannot be reached."""
        try:
            yield
        except ClientError as error:
            code = error.response["Error"]["Code"]
            self.refused[f"{what}: {error.operation_name} was answered {excerpt(code)}"] = None
        except (BotoCoreError, OSError, ValueError) as error:
            self.refused[f"{what}: {excerpt(str(error))}"] = None

    @cached_property
    def region(self) -> str:
        """Of the stack."""
        return self.stack.outputs["TriggerQueueArn"].split(":")[3]

    @cached_property
    def account(self) -> str:
        """Of the stack."""
        return self.stack.outputs["TriggerQueueArn"].split(":")[4]

    def environments(self, queues: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
        """The compute environments of queues, by ARN. One call: 50 queues have three each at most,
        and a file names few. Source: DescribeComputeEnvironments, computeEnvironments."""
        entries = [entry for queue in queues for entry in queue.get("computeEnvironmentOrder", ())]
        arns = list(dict.fromkeys(entry["computeEnvironment"] for entry in entries))
        if not arns:
            return {}
        answer = self.stack.batch.describe_compute_environments(computeEnvironments=arns[:100])
        return {
            entry["computeEnvironmentArn"]: dict(entry) for entry in answer["computeEnvironments"]
        }

    def architectures(self, image: EcrImage) -> frozenset[str]:
        """Raises: MissingImageError."""
        ecr = self.stack.make_client("ecr", Config(region_name=image.region))
        place = {"registryId": image.account, "repositoryName": image.repository}
        try:
            answer = ecr.batch_get_image(
                **place, imageIds=[dict(image.id)], acceptedMediaTypes=list(MANIFESTS)
            )
        except ecr.exceptions.RepositoryNotFoundException:
            raise MissingImageError("RepositoryNotFound") from None
        if not answer["images"]:
            codes = [str(failure["failureCode"]) for failure in answer["failures"]]
            raise MissingImageError(", ".join(codes))
        manifest = answer["images"][0]["imageManifest"]
        listed = architectures_listed(manifest)
        digest = config_digest(manifest)
        if listed or digest is None:
            return listed
        url = ecr.get_download_url_for_layer(**place, layerDigest=digest)["downloadUrl"]
        return architecture_of_config(self.read(url))

    def quota(self, quota: Quota) -> float:
        """What the account has: its own, or what AWS gives every one."""
        if quota.code not in self._quotas:
            client = self.stack.make_client("service-quotas")
            place = {"ServiceCode": quota.service, "QuotaCode": quota.code}
            try:
                answer = client.get_service_quota(**place)
            except client.exceptions.NoSuchResourceException:
                answer = client.get_aws_default_service_quota(**place)
            self._quotas[quota.code] = float(answer["Quota"]["Value"])
        return self._quotas[quota.code]

    def trust_policy(self, role: str) -> Mapping[str, Any] | None:
        """Of a role by name; None if there is no such role."""
        try:
            policy: Mapping[str, Any] = self._iam.get_role(RoleName=role)["Role"][
                "AssumeRolePolicyDocument"
            ]
        except self._iam.exceptions.NoSuchEntityException:
            return None
        return policy

    def log_groups(self, prefix: str) -> frozenset[str]:
        """Those whose names begin so: the one of that very name is the first."""
        logs = self.stack.make_client("logs")
        answer = logs.describe_log_groups(logGroupNamePrefix=prefix, limit=1)
        return frozenset(str(entry["logGroupName"]) for entry in answer["logGroups"])

    def caller(self) -> str:
        """The ARN of who asks."""
        return str(self.stack.make_client("sts").get_caller_identity()["Arn"])

    def role_arn(self, name: str) -> str:
        """Of a role, with its path, which the ARN of a session has not."""
        return str(self._iam.get_role(RoleName=name)["Role"]["Arn"])

    def simulated(self, principal: str, right: Right) -> list[Mapping[str, Any]]:
        """What IAM decides for each action."""
        keys = [
            {"ContextKeyName": name, "ContextKeyValues": [value], "ContextKeyType": _type_of(name)}
            for name, value in right.keys
        ]
        answer = self._iam.simulate_principal_policy(
            PolicySourceArn=principal,
            ActionNames=list(right.actions),
            ResourceArns=[right.resource],
            ContextEntries=keys,
        )
        return list(answer["EvaluationResults"])

    @cached_property
    def _iam(self) -> Any:
        return self.stack.make_client("iam")
