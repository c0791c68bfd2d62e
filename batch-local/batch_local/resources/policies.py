"""Scheduling policies of fair-share job queues. Shares are kept and given back, and not weighed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from batch_local.arns import arn
from batch_local.errors import ClientException
from batch_local.model import NAME
from batch_local.resources.pages import page_of
from batch_local.resources.tags import checked_tags

SHARE = re.compile(r"[A-Za-z0-9]{1,255}\*?")
"""Source: SubmitJob, shareIdentifier."""

DECAY_S_MAX, RESERVATION_MAX = 604_800, 99
WEIGHT_MIN, WEIGHT_MAX = 0.0001, 999.9999
"""Source: FairsharePolicy, ShareAttributes."""

DESCRIBE_ARNS_MAX = 100
"""Source: DescribeSchedulingPolicies, arns."""


@dataclass(slots=True, kw_only=True)
class SchedulingPolicy:
    """One of them."""

    name: str
    arn: str
    fair_share: dict[str, Any]
    tags: dict[str, str] = field(default_factory=dict)


class SchedulingPolicies:
    """All of them."""

    def __init__(self) -> None:
        self._policies: dict[str, SchedulingPolicy] = {}

    def tagged(self) -> Iterator[SchedulingPolicy]:
        """Each of them."""
        yield from self._policies.values()

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """CreateSchedulingPolicy."""
        name = request["name"]
        if not NAME.fullmatch(name):
            raise ClientException(f"The name {name!r} should match valid pattern {NAME.pattern}")
        policy_arn = arn(f"scheduling-policy/{name}")
        if policy_arn in self._policies:
            raise ClientException(f"Object already exists: {name}")
        self._policies[policy_arn] = SchedulingPolicy(
            name=name,
            arn=policy_arn,
            fair_share=_checked(request.get("fairsharePolicy", {})),
            tags=checked_tags(request.get("tags", {})),
        )
        return {"name": name, "arn": policy_arn}

    def update(self, request: dict[str, Any]) -> dict[str, Any]:
        """UpdateSchedulingPolicy."""
        policy = self.resolve(request["arn"])
        policy.fair_share = _checked(request.get("fairsharePolicy", policy.fair_share))
        return {}

    def delete(self, policy_arn: str) -> None:
        """Forget a policy that no job queue has. Raises: ClientException."""
        del self._policies[self.resolve(policy_arn).arn]

    def resolve(self, policy_arn: str) -> SchedulingPolicy:
        """One by its ARN. Raises: ClientException."""
        policy = self._policies.get(policy_arn)
        if policy is None:
            raise ClientException(f"Scheduling policy {policy_arn} does not exist")
        return policy

    def describe(self, request: dict[str, Any]) -> dict[str, Any]:
        """DescribeSchedulingPolicies; ARNs of none are left out."""
        if len(request["arns"]) > DESCRIBE_ARNS_MAX:
            raise ClientException(f"Maximum number of arns supported is {DESCRIBE_ARNS_MAX}")
        matching = [self._policies[name] for name in request["arns"] if name in self._policies]
        return {
            "schedulingPolicies": [
                {
                    "name": policy.name,
                    "arn": policy.arn,
                    "fairsharePolicy": policy.fair_share,
                    "tags": policy.tags,
                }
                for policy in matching
            ]
        }

    def list(self, request: dict[str, Any]) -> dict[str, Any]:
        """ListSchedulingPolicies."""
        entries = list(self._policies)
        return page_of(request, "schedulingPolicies", entries, lambda one: {"arn": one})


def _checked(fair_share: dict[str, Any]) -> dict[str, Any]:
    """A fairsharePolicy. Raises: ClientException."""
    for name, most in (("shareDecaySeconds", DECAY_S_MAX), ("computeReservation", RESERVATION_MAX)):
        if not 0 <= fair_share.get(name, 0) <= most:
            raise ClientException(f"{name} must be between 0 and {most}, got {fair_share[name]}")
    _check_shares(fair_share.get("shareDistribution", []))
    return fair_share


def _check_shares(shares: Sequence[Mapping[str, Any]]) -> None:
    names = sorted(share["shareIdentifier"] for share in shares)
    for share in shares:
        if not SHARE.fullmatch(share["shareIdentifier"]):
            raise ClientException(
                f"shareIdentifier {share['shareIdentifier']!r} should match valid pattern "
                f"{SHARE.pattern}"
            )
        weight = share.get("weightFactor", 1)
        if not WEIGHT_MIN <= weight <= WEIGHT_MAX:
            raise ClientException(
                f"weightFactor must be between {WEIGHT_MIN} and {WEIGHT_MAX}, got {weight}"
            )
    for one, other in pairwise(names):
        if one == other or _covers(one, other) or _covers(other, one):
            raise ClientException(
                f"The share identifiers {one} and {other} overlap: keep one of them"
            )


def _covers(pattern: str, name: str) -> bool:
    return pattern.endswith("*") and name.startswith(pattern[:-1])
