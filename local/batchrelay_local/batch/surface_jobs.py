"""The decisions about jobs and job definitions."""

from __future__ import annotations

from batchrelay_local.batch.decisions import Decision, honoured, refused
from batchrelay_local.batch.surface_containers import (
    one_container,
    one_override,
    task,
    task_override,
)

_NO_EKS = "there is no EKS here: write containerProperties"
_NO_MULTINODE = "there are no multi-node parallel jobs here: submit an array job"

_RETRY = """retryStrategy retryStrategy.attempts retryStrategy.evaluateOnExit
    retryStrategy.evaluateOnExit[].onStatusReason retryStrategy.evaluateOnExit[].onReason
    retryStrategy.evaluateOnExit[].onExitCode retryStrategy.evaluateOnExit[].action
    timeout timeout.attemptDurationSeconds propagateTags tags parameters"""


def _needs(properties: str) -> str:
    below = f"{properties}.consumableResourceList"
    return f"{properties} {below} {below}[].consumableResource {below}[].quantity"


JOBS: dict[str, Decision] = {
    **honoured(
        "SubmitJob",
        f"""jobName jobQueue jobDefinition arrayProperties arrayProperties.size shareIdentifier
        schedulingPriorityOverride dependsOn dependsOn[].jobId dependsOn[].type
        containerOverrides ecsPropertiesOverride {_RETRY}""",
    ),
    **one_override("SubmitJob.containerOverrides"),
    **refused("SubmitJob", _NO_MULTINODE, "nodeOverrides"),
    **refused("SubmitJob", _NO_EKS, "eksPropertiesOverride"),
    **task_override("SubmitJob.ecsPropertiesOverride"),
    **honoured("SubmitJob", _needs("consumableResourcePropertiesOverride")),
    **honoured("DescribeJobs", "jobs"),
    **honoured(
        "ListJobs",
        """jobQueue arrayJobId jobStatus maxResults nextToken
        filters filters[].name filters[].values""",
    ),
    **refused("ListJobs", _NO_MULTINODE, "multiNodeJobId"),
    **honoured("CancelJob", "jobId reason"),
    **honoured("TerminateJob", "jobId reason"),
    **honoured("CancelJobs", "jobs reason"),
    **honoured("TerminateJobs", "jobs reason"),
    **honoured("GetJobQueueSnapshot", "jobQueue"),
    **honoured("ListTagsForResource", "resourceArn"),
    **honoured("TagResource", "resourceArn tags"),
    **honoured("UntagResource", "resourceArn tagKeys"),
}

DEFINITIONS: dict[str, Decision] = {
    **honoured(
        "RegisterJobDefinition",
        f"""jobDefinitionName type schedulingPriority containerProperties ecsProperties
        platformCapabilities {_RETRY}""",
    ),
    **one_container("RegisterJobDefinition.containerProperties"),
    **task("RegisterJobDefinition.ecsProperties"),
    **refused("RegisterJobDefinition", _NO_MULTINODE, "nodeProperties"),
    **refused("RegisterJobDefinition", _NO_EKS, "eksProperties"),
    **honoured("RegisterJobDefinition", _needs("consumableResourceProperties")),
    **honoured("DeregisterJobDefinition", "jobDefinition"),
    **honoured(
        "DescribeJobDefinitions",
        "jobDefinitions maxResults jobDefinitionName status nextToken",
    ),
}
