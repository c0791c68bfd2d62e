"""Whether the account's quotas of vCPUs let a compute environment grow, and hold one job at all.

New accounts have small ones. Source: Service Quotas, of Fargate and of EC2; Fargate Developer
Guide, service quotas; EC2 User Guide, On-Demand Instance and Spot Instance quotas.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_STANDARD = re.compile(r"(optimal|default_.*|[acdhimrtz][0-9].*)")
"""Instance types that one quota of EC2 counts together; others have a quota for each family."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """A quota of vCPUs, as Service Quotas names it."""

    service: str
    code: str
    what: str


_BY_TYPE = {
    "FARGATE": Quota(service="fargate", code="L-3032A538", what="Fargate On-Demand"),
    "FARGATE_SPOT": Quota(service="fargate", code="L-36FBB829", what="Fargate Spot"),
    "EC2": Quota(service="ec2", code="L-1216C47A", what="EC2 On-Demand Standard instances"),
    "SPOT": Quota(service="ec2", code="L-34B43A08", what="EC2 Spot Standard instances"),
}


def quota_of(environment: Mapping[str, Any]) -> Quota | None:
    """Which one bounds a compute environment; None if it is not one alone."""
    resources = environment.get("computeResources") or {}
    types = [str(name) for name in resources.get("instanceTypes", ())]
    quota = _BY_TYPE.get(str(resources.get("type")))
    if quota is not None and quota.service == "ec2":
        return quota if types and all(map(_STANDARD.fullmatch, types)) else None
    return quota


def quota_problem(name: str, vcpus: float, quota: Quota, value: float, region: str) -> str:
    """Of a job that is larger than the quota."""
    return (
        f"a job of {name} asks for {vcpus:g} vCPUs, and the account's quota for {quota.what} is "
        f"{value:g}: it would wait for ever. Ask for less, or for more: {_request(quota, region)}"
    )


def quota_warning(environment: Mapping[str, Any], quota: Quota, value: float, region: str) -> str:
    """Of a compute environment that cannot become as large as it may; empty if it can."""
    bound = (environment.get("computeResources") or {}).get("maxvCpus")
    if bound is None or float(bound) <= value:
        return ""
    return (
        f"compute environment {environment['computeEnvironmentName']} may have {bound} vCPUs, and "
        f"the account's quota for {quota.what} is {value:g}: jobs beyond wait. Ask for more: "
        f"{_request(quota, region)}"
    )


def _request(quota: Quota, region: str) -> str:
    return (
        "aws service-quotas request-service-quota-increase "
        f"--service-code {quota.service} --quota-code {quota.code} --desired-value N "
        f"--region {region}"
    )
