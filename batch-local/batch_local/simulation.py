"""AWS Batch without processes: its rules, on a clock of yours. It loads no AWS SDK.

A `Scheduler` takes the time as an argument and asks for processes that nothing has to start.
`check` and `spec_of` read a SubmitJob request as AWS does; `job_detail` and `job_summary` are
what DescribeJobs and ListJobs say of a job; a `Node` has a description of its own. `end_container`
is how a container of a task, pod or node ends, `expanded` how Kubernetes fills variables into a
command.
"""

from __future__ import annotations

from batch_local.containers.pods import expanded
from batch_local.definitions.revisions import ENTRYPOINT_TAG, JobDefinitions
from batch_local.details.jobs import job_detail, job_summary
from batch_local.errors import ClientException
from batch_local.jobs.nodes import Node
from batch_local.jobs.submission import check, spec_of
from batch_local.model import (
    Attempt,
    ComputeEnvironment,
    ContainerRun,
    ContainerSpec,
    Job,
    JobDefinition,
    JobQueue,
    JobSpec,
    JobStatus,
    Kind,
    RetryStrategy,
)
from batch_local.scheduling.scheduler import Scheduler
from batch_local.scheduling.task_runs import end as end_container

__all__ = [
    "ENTRYPOINT_TAG",
    "Attempt",
    "ClientException",
    "ComputeEnvironment",
    "ContainerRun",
    "ContainerSpec",
    "Job",
    "JobDefinition",
    "JobDefinitions",
    "JobQueue",
    "JobSpec",
    "JobStatus",
    "Kind",
    "Node",
    "RetryStrategy",
    "Scheduler",
    "check",
    "end_container",
    "expanded",
    "job_detail",
    "job_summary",
    "spec_of",
]
