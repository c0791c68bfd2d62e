"""The nodes of a multi-node parallel job, which have ids and descriptions of their own.

Source: Batch User Guide, multi-node-parallel-jobs ("Nodes are addressed using #N notation").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from batch_local.arns import job_arn
from batch_local.details.containers import node_detail, outcome
from batch_local.details.jobs import job_detail
from batch_local.model import Attempt, ContainerRun, ContainerState, Job, JobStatus, Kind
from batch_local.scheduling.reasons import CONTAINER_EXITED
from batch_local.scheduling.task_runs import deciding_of


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a job."""

    job: Job
    index: int

    @property
    def id(self) -> str:
        """Its job's, and its index."""
        return f"{self.job.id}#{self.index}"

    @property
    def is_main(self) -> bool:
        """Whether the job is judged by it."""
        return self.index == self.job.spec.main_node

    @property
    def status(self) -> JobStatus:
        """That of its job, until its own containers begin and end."""
        runs = self._runs
        if not runs or self.job.status is JobStatus.RUNNABLE:
            return self.job.status
        if any(run.state is not ContainerState.ENDED for run in runs):
            has_begun = any(run.log_stream is not None for run in runs)
            return JobStatus.RUNNING if has_begun else JobStatus.STARTING
        deciding = deciding_of(runs)
        if deciding is None:  # it never began
            return self.job.status
        return JobStatus.SUCCEEDED if deciding.exit_code == 0 else JobStatus.FAILED

    @property
    def _runs(self) -> Sequence[ContainerRun]:
        last: Attempt | None = self.job.attempts[-1] if self.job.attempts else None
        return [run for run in last.containers if run.spec.node == self.index] if last else []

    def detail(self) -> dict[str, Any]:
        """A JobDetail."""
        detail = job_detail(self.job) | self._identity()
        del detail["nodeProperties"]
        place = {"nodeIndex": self.index, "isMainNode": self.is_main}
        return {**detail, **node_detail(self.job, self.index), "nodeDetails": place}

    def summary(self) -> dict[str, Any]:
        """A JobSummary."""
        place = {
            "isMainNode": self.is_main,
            "numNodes": self.job.spec.nodes,
            "nodeIndex": self.index,
        }
        fields: dict[str, Any] = {
            **self._identity(),
            "jobName": self.job.spec.name,
            "createdAt": self.job.created_at,
            "jobDefinition": self.job.spec.definition.arn,
            "nodeProperties": place,
        }
        runs = self._runs
        if self.status.is_terminal and len(runs) == 1:
            fields["container"] = outcome(runs[0])
        return fields

    def _identity(self) -> dict[str, Any]:
        status = self.status
        fields = {"jobArn": job_arn(self.id), "jobId": self.id, "status": str(status)}
        if status.is_terminal and not self.job.status.is_terminal:
            fields["statusReason"] = CONTAINER_EXITED
        return fields


def node_of(job: Job | None, index: str) -> Node | None:
    """A node by its index, as the id has it."""
    if job is None or not index.isdecimal() or int(index) >= (job.spec.nodes or 0):
        return None
    return Node(job, int(index))


def nodes_of(job: Job | None) -> list[Node]:
    """All of a job; none of any other kind of job."""
    if job is None or job.spec.definition.kind is not Kind.NODES:
        return []
    return [Node(job, index) for index in range(job.spec.nodes or 0)]
