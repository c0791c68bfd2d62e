"""What answers of AWS Batch's model do not have here, and why: all other fields are there.

A path has everything below it; `…` at its beginning is any way to a field.
"""

from __future__ import annotations

from collections.abc import Mapping

ABSENT: Mapping[str, str] = {
    "….errors[]": "an id that is not there counts as successful",
    "DescribeComputeEnvironments.computeEnvironments[].statusReason": "the status is always VALID",
    "DescribeComputeEnvironments.computeEnvironments[].uuid": "its ARN names it",
    "DescribeJobQueues.jobQueues[].statusReason": "the status is always VALID",
    "DescribeJobQueues.jobQueues[].serviceEnvironmentOrder": "there are no service jobs here",
    "DescribeSchedulingPolicies.schedulingPolicies[].quotaSharePolicy": "there are no shares",
    "GetJobQueueSnapshot.frontOfQuotaShares": "there are no shares",
    "GetJobQueueSnapshot.queueUtilization": "what shares use is not measured",
    "ListJobs.jobSummaryList[].capacityUsage": "what shares use is not measured",
    "ListJobs.jobSummaryList[].scheduledAt": "of service jobs; createdAt and startedAt are there",
    "….arrayProperties.statusSummaryLastUpdatedAt": "the summary is that of the answer's time",
    "….networkInterfaces[]": "a process has no network interface of its own: the list is empty",
    "….secretOptions": "refused in a definition",
    "….secrets[]": "refused in a definition: the list of a container is empty",
    "….containers[].secrets": "refused in a definition",
    "….containerProperties.secrets": "refused in a definition",
    "….nodeRangeProperties[].container.secrets": "refused in a definition",
    "….nodeRangeProperties[].container.networkConfiguration": "refused in a definition",
    "….nodeRangeProperties[].container.fargatePlatformConfiguration": "refused in a definition",
    "….nodeRangeProperties[].consumableResourceProperties": "refused in a definition",
    "….containerID": "a process has no id of Kubernetes",
}


def reason_of(path: str) -> str | None:
    """Why a field of an answer is never there; None if it can be."""
    return next((why for pattern, why in ABSENT.items() if is_about(pattern, path)), None)


def is_about(pattern: str, path: str) -> bool:
    """Whether a path is the one of a pattern, or below it."""
    if not pattern.startswith("…"):
        return f"{path}.".startswith((f"{pattern}.", f"{pattern}[]."))
    return f"{pattern[1:]}." in f"{path}." or f"{pattern[1:]}[]." in f"{path}."
