"""Holds what was asked of IAM against the roles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.policies import ACCOUNT, NO_RESOURCE, REGION, Grant, Policies
from verification.permissions.needs import Need
from verification.permissions.reasons import CHOICES, SELDOM_OF, WITHOUT_ARN, reason_of

Needs = Counter[tuple[str, Need]]
"""How often each was asked for, by function."""

_BATCH = f"arn:aws:batch:{REGION}:{ACCOUNT}"

BY_DEFAULT = Policies(parameters={})

LARGEST = Policies(
    parameters={
        "ItemsBucketArn": "arn:aws:s3:::*",
        "TopicArns": f"arn:aws:sns:{REGION}:{ACCOUNT}:*",
        "PresignArns": "arn:aws:s3:::?*/?*",
        "JobQueueArns": f"{_BATCH}:job-queue/*",
        "JobDefinitionArns": f"{_BATCH}:job-definition/*",
        "Tracing": "Active",
        "BatchQuickstart": "yes",
        "KmsKeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1",
    }
)
"""All that parameters can add: tests name queues and buckets as they like."""


@dataclass(frozen=True, kw_only=True)
class Roles:
    """Of one template: as it is by default, and as parameters can make it."""

    by_default: Policies = BY_DEFAULT
    largest: Policies = LARGEST

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Roles:
        """Of another template, expanded."""
        return cls(
            by_default=replace(BY_DEFAULT, document=document),
            largest=replace(LARGEST, document=document),
        )

    def grants(self, function: str) -> tuple[Grant, ...]:
        """By default, and what parameters add to that."""
        ours = tuple(self.by_default.grants(function))
        more = self.largest.grants(function)
        return (*ours, *(grant for grant in more if grant not in ours))

    def granting(self, function: str, need: Need) -> tuple[Grant, ...]:
        """What allows it: by default, or else by a parameter."""
        ours = _granting(self.by_default, function, need)
        return ours or _granting(self.largest, function, need)

    def refused(self, needs: Needs) -> list[str]:
        """What was needed and is not allowed, a sentence each."""
        return _refused(self.largest, needs)

    def refused_by_default(self, needs: Needs) -> list[str]:
        """The same of a stack without parameters: tests need some."""
        return _refused(self.by_default, needs)

    def unused(self, needs: Needs) -> list[str]:
        """What is allowed, was never needed, and has no reason."""
        used = self._used(needs)
        sids = {(grant.function, grant.sid) for grant in used}
        return sorted(
            _named(grant)
            for grant in self._every - used
            if not reason_of(grant) and (grant.function, CHOICES.get(grant.sid)) not in sids
        )

    def stale_reasons(self, needs: Needs) -> list[str]:
        """What has a reason for never being needed, and was needed, or is not allowed at all."""
        missing = {(g.function, g.sid, g.action) for g in self._every - self._used(needs)}
        return sorted(" ".join(place) for place in SELDOM_OF.keys() - missing)

    @property
    def _every(self) -> set[Grant]:
        return {grant for function in self.by_default.functions for grant in self.grants(function)}

    def _used(self, needs: Needs) -> set[Grant]:
        return {grant for function, need in needs for grant in self.granting(function, need)}

    def stars(self) -> list[str]:
        """Where a role says `*` though AWS has an ARN."""
        return sorted(
            _named(grant)
            for grant in self._every
            if "*" in grant.action
            or (grant.resource == NO_RESOURCE and grant.action not in WITHOUT_ARN)
        )


def _refused(policies: Policies, needs: Needs) -> list[str]:
    return sorted(
        f"{function}: {need.call} needs {need.action} on {need.arn} ({count} times)"
        for (function, need), count in needs.items()
        if not policies.allows(function, need.action, need.arn, dict(need.tags), dict(need.keys))
    )


def _granting(policies: Policies, function: str, need: Need) -> tuple[Grant, ...]:
    """None if IAM as a whole says no."""
    tags, keys = dict(need.tags), dict(need.keys)
    if not policies.allows(function, need.action, need.arn, tags, keys):
        return ()
    grants = policies.grants(function)
    return tuple(grant for grant in grants if grant.allows(need.action, need.arn, tags, keys))


def _named(grant: Grant) -> str:
    return f"{grant.function}: {grant.sid} allows {grant.action} on {grant.resource}"
