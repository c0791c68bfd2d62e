"""Asks AWS Batch, with the caller's own rights, why jobs of an open run do not start.

A few calls in all: one for the jobs, one for each of some arrays, three for their queues and one
for each of some queues.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from batchrelay.domain.limits import DESCRIBE_IDS_MAX
from batchrelay.domain.step_state import StepStatus
from batchrelay_cli.stack.client import Stack
from batchrelay_cli.terminal import excerpt
from batchrelay_cli.views.run_table import RunDocument, StepDocument
from batchrelay_cli.views.waiting import QueueState, WaitingJobs, reasons_of

WAIT_S = 10.0
"""Seconds after which a job that has not begun is asked about."""

ARRAYS_MAX = 5
"""Arrays of which the waiting children are listed, for their reasons: a call each."""

QUEUES_MAX = 5
"""Queues that are looked at: a call each."""


@dataclass
class Waiting:
    """What was found out."""

    jobs: list[WaitingJobs] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What could not be asked, and which permission shows it."""


def waiting_of(stack: Stack, run: RunDocument, now: datetime) -> Waiting:
    """Of the steps of a run none of whose jobs runs, although they were submitted a while ago."""
    steps = [step for step in run["steps"] if _waits(step, now)] if run["isOpen"] else []
    return _Asking(stack=stack).ask(steps) if steps else Waiting()


def _waits(step: StepDocument, now: datetime) -> bool:
    is_idle = step["status"] == StepStatus.ACTIVE and not step["running"]
    since = step["since"]
    return is_idle and (now - datetime.fromisoformat(since)).total_seconds() >= WAIT_S


@dataclass(kw_only=True)
class _Asking:
    stack: Stack
    waiting: Waiting = field(default_factory=Waiting)

    def ask(self, steps: Iterable[StepDocument]) -> Waiting:
        step_of = {
            str(job["jobId"]): step
            for step in steps
            for job in step["jobs"]
            if job["outcome"] == "SUBMITTED"
        }
        call = partial(self.stack.batch.describe_jobs, jobs=list(step_of)[:DESCRIBE_IDS_MAX])
        details: Sequence[Any] = self._call("DescribeJobs", call).get("jobs", ())
        by_place: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
        for job in details:
            place = (step_of[str(job["jobId"])]["step"], str(job["jobQueue"]))
            by_place.setdefault(place, []).append(job)
        states = self._states(dict.fromkeys(queue for _, queue in by_place))
        children = self._children(details)
        blocked = {step["step"]: step["blocked"] for step in step_of.values()}
        for (step, queue), jobs in by_place.items():
            ids_here = {job["jobId"] for job in jobs}
            one = WaitingJobs(
                step=step,
                queue=states.get(queue, QueueState(name=_name(queue))),
                jobs=jobs,
                children=[child for job_id in ids_here for child in children.get(job_id, ())],
                blocked=blocked[step],
            )
            if reasons_of(one):
                self.waiting.jobs.append(one)
        return self.waiting

    def _children(self, jobs: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
        """RUNNABLE children of arrays: AWS gives the reason to the child, not to the parent."""
        arrays = [job["jobId"] for job in jobs if job.get("arrayProperties", {}).get("size")]
        return {job_id: self._runnable(job_id) for job_id in arrays[:ARRAYS_MAX]}

    def _runnable(self, job_id: str) -> list[Any]:
        call = partial(self.stack.batch.list_jobs, arrayJobId=job_id, jobStatus="RUNNABLE")
        return list(self._call("ListJobs", call).get("jobSummaryList", ()))

    def _states(self, queues: Iterable[str]) -> dict[str, QueueState]:
        batch, names = self.stack.batch, list(queues)[:QUEUES_MAX]
        if not names:
            return {}
        call = partial(batch.describe_job_queues, jobQueues=names)
        described = self._call("DescribeJobQueues", call).get("jobQueues", ())
        by_arn = {queue["jobQueueArn"]: queue for queue in described}
        environments = self._environments({name for one in described for name in _order(one)})
        return {
            queue: QueueState(
                name=_name(queue),
                queue=by_arn.get(queue, {}),
                environments=[
                    environments[name]
                    for name in _order(by_arn.get(queue, {}))
                    if name in environments
                ],
                snapshot=self._call(
                    "GetJobQueueSnapshot", partial(batch.get_job_queue_snapshot, jobQueue=queue)
                ),
            )
            for queue in names
        }

    def _environments(self, names: Collection[str]) -> dict[str, Mapping[str, Any]]:
        """By ARN."""
        if not names:
            return {}
        describe = self.stack.batch.describe_compute_environments
        call = partial(describe, computeEnvironments=sorted(names)[:DESCRIBE_IDS_MAX])
        answer = self._call("DescribeComputeEnvironments", call)
        return {one["computeEnvironmentArn"]: one for one in answer.get("computeEnvironments", ())}

    def _call(self, operation: str, call: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        """Its answer; or an empty one, and a note of what would show more."""
        try:
            return call()
        except ClientError as error:
            code = error.response["Error"]["Code"]
            why = f"{code}: {excerpt(error.response['Error'].get('Message', ''))}"
            if code.startswith("AccessDenied"):
                why = f"your AWS settings lack batch:{operation}"
            note = f"not all is known of why jobs wait: {why}"
            if note not in self.waiting.notes:
                self.waiting.notes.append(note)
            return {}


def _order(queue: Mapping[str, Any]) -> list[str]:
    """The compute environments of a queue."""
    return [entry["computeEnvironment"] for entry in queue.get("computeEnvironmentOrder", ())]


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]
