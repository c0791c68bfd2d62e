"""The decisions about jobs and job definitions."""

from __future__ import annotations

from batch_local.surface.containers import (
    NO_CONTAINER,
    one_container,
    one_override,
    pod,
    pod_override,
    task,
    task_override,
)
from batch_local.surface.decisions import Decision, honoured, ignored, refused

_NOT_OF_NODES = "a multi-node parallel job has units as a whole: write them outside of the nodes"

_RETRY = """retryStrategy retryStrategy.attempts retryStrategy.evaluateOnExit
    retryStrategy.evaluateOnExit[].onStatusReason retryStrategy.evaluateOnExit[].onReason
    retryStrategy.evaluateOnExit[].onExitCode retryStrategy.evaluateOnExit[].action
    timeout timeout.attemptDurationSeconds propagateTags tags parameters"""


def _needs(properties: str) -> str:
    below = f"{properties}.consumableResourceList"
    return f"{properties} {below} {below}[].consumableResource {below}[].quantity"


def _nodes(path: str) -> dict[str, Decision]:
    """NodeProperties."""
    one = f"{path}.nodeRangeProperties[]"
    return {
        **honoured(path, "numNodes mainNode nodeRangeProperties"),
        **honoured(one, "targetNodes container ecsProperties eksProperties"),
        **one_container(f"{one}.container"),
        **task(f"{one}.ecsProperties"),
        **pod(f"{one}.eksProperties"),
        **ignored(one, NO_CONTAINER, "instanceTypes"),
        **refused(one, _NOT_OF_NODES, "consumableResourceProperties"),
        **refused(
            f"{one}.container",
            "it is Fargate's, which has no multi-node parallel jobs: leave it out",
            "networkConfiguration fargatePlatformConfiguration",
        ),
    }


def _node_overrides(path: str) -> dict[str, Decision]:
    """NodeOverrides."""
    one = f"{path}.nodePropertyOverrides[]"
    return {
        **honoured(path, "numNodes nodePropertyOverrides"),
        **honoured(
            one, "targetNodes containerOverrides ecsPropertiesOverride eksPropertiesOverride"
        ),
        **one_override(f"{one}.containerOverrides"),
        **task_override(f"{one}.ecsPropertiesOverride"),
        **pod_override(f"{one}.eksPropertiesOverride"),
        **ignored(one, NO_CONTAINER, "instanceTypes"),
        **refused(one, _NOT_OF_NODES, "consumableResourcePropertiesOverride"),
    }


JOBS: dict[str, Decision] = {
    **honoured(
        "SubmitJob",
        f"""jobName jobQueue jobDefinition arrayProperties arrayProperties.size shareIdentifier
        schedulingPriorityOverride dependsOn dependsOn[].jobId dependsOn[].type
        containerOverrides ecsPropertiesOverride eksPropertiesOverride nodeOverrides
        {_RETRY}""",
    ),
    **one_override("SubmitJob.containerOverrides"),
    **_node_overrides("SubmitJob.nodeOverrides"),
    **pod_override("SubmitJob.eksPropertiesOverride"),
    **task_override("SubmitJob.ecsPropertiesOverride"),
    **honoured("SubmitJob", _needs("consumableResourcePropertiesOverride")),
    **honoured("DescribeJobs", "jobs"),
    **honoured(
        "ListJobs",
        """jobQueue arrayJobId multiNodeJobId jobStatus maxResults nextToken
        filters filters[].name filters[].values""",
    ),
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
        eksProperties nodeProperties platformCapabilities {_RETRY}""",
    ),
    **one_container("RegisterJobDefinition.containerProperties"),
    **task("RegisterJobDefinition.ecsProperties"),
    **_nodes("RegisterJobDefinition.nodeProperties"),
    **pod("RegisterJobDefinition.eksProperties"),
    **honoured("RegisterJobDefinition", _needs("consumableResourceProperties")),
    **honoured("DeregisterJobDefinition", "jobDefinition"),
    **honoured(
        "DescribeJobDefinitions",
        "jobDefinitions maxResults jobDefinitionName status nextToken",
    ),
}
