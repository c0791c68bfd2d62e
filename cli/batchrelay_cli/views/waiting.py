"""Why jobs that were submitted do not start: by what AWS Batch says of them and of their queue.

Each reason has what to do beside it. Nothing is asked here: `client/waiting.py` does that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from batchrelay.domain.job_containers import requested_of_job
from batchrelay.domain.values import counted
from batchrelay_cli.terminal import excerpt

FRONT_JOBS_MAX = 100
"""Jobs of the front of a queue that AWS Batch lists. Source: GetJobQueueSnapshot."""

_WAIT = "wait: a machine that has to be started takes minutes"
_MORE_VCPUS = "wait, or raise maxvCpus of its compute environments"

FIXES = {
    "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY": "wait, or give the compute environment more "
    "instance types and zones, or the queue a further compute environment",
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE": "ask for fewer vCPUs, or raise maxvCpus "
    "of a compute environment",
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT": "ask for less vCPUs, memory or GPUs, or give the "
    "compute environment a larger instance type; a machine has a little less memory than its type",
    "MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS": "give the service role of the compute environment "
    "the managed policy AWSBatchServiceRole, or take the service-linked role",
    "ACTION_REQUIRED": "a compute environment of the queue must be VALID: the reason of each is in "
    "`aws batch describe-compute-environments`",
    "UNDETERMINED": "look whether machines start and join the ECS cluster: subnets need a way to "
    "ECS and to the registry, machines their instance role",
}
"""By what AWS Batch's reason begins with. Source: JobDetail, statusReason; Batch UG,
job_stuck_in_runnable."""

_SEE = "see docs/troubleshooting.md, Why is my job not starting"


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why, and what to do."""

    what: str
    fix: str


@dataclass(frozen=True, kw_only=True)
class QueueState:
    """What AWS Batch says of a job queue; what could not be asked is empty."""

    name: str
    queue: Mapping[str, Any] = field(default_factory=dict)
    """JobQueueDetail."""
    environments: Sequence[Mapping[str, Any]] = ()
    """ComputeEnvironmentDetail of each."""
    snapshot: Mapping[str, Any] = field(default_factory=dict)
    """GetJobQueueSnapshot."""


@dataclass(frozen=True, kw_only=True)
class WaitingJobs:
    """The jobs of a step in one queue, none of which runs."""

    step: str
    queue: QueueState
    jobs: Sequence[Mapping[str, Any]]
    """JobDetail of each."""
    children: Sequence[Mapping[str, Any]] = ()
    """JobSummary of those children of arrays that are RUNNABLE and were listed first."""
    blocked: str | None = None
    """What the event of a blocked queue names, as the run keeps it."""

    @property
    def runnable(self) -> int:
        """Jobs and children that wait for a machine."""
        return sum(_in_status(job, "RUNNABLE") for job in self.jobs)

    @property
    def starting(self) -> int:
        """Jobs and children that have a machine."""
        return sum(_in_status(job, "STARTING") for job in self.jobs)

    @property
    def position(self) -> int | None:
        """Of the first of them in the queue, from 1; None if it is not in the front."""
        return self._front[0] if self._front else None

    @property
    def since(self) -> datetime | None:
        """When it came there, at the earliest."""
        at = self._front[1].get("earliestTimeAtPosition") if self._front else None
        return None if at is None else datetime.fromtimestamp(at / 1_000, UTC)

    @property
    def _front(self) -> tuple[int, Mapping[str, Any]] | None:
        ids = {str(job["jobId"]) for job in self.jobs}
        front = self.queue.snapshot.get("frontOfQueue", {}).get("jobs", ())
        for number, job in enumerate(front, start=1):
            if job["jobArn"].rpartition("/")[2].partition(":")[0] in ids:
                return number, job
        return None


def _in_status(job: Mapping[str, Any], status: str) -> int:
    """How many jobs of a JobDetail are in a status: itself, or children of an array."""
    array = job.get("arrayProperties", {})
    if array.get("size"):
        return int(array.get("statusSummary", {}).get(status, 0))
    return int(job["status"] == status)


def reasons_of(waiting: WaitingJobs) -> list[Reason]:
    """What AWS Batch gives as one first; none of jobs that only wait for other jobs, or that run
    by now."""
    if any(_in_status(job, "RUNNING") for job in waiting.jobs):
        return []
    if not waiting.runnable:
        return list(_starting(waiting))
    by_aws = list(_aws_reasons(waiting))
    broken = [*_queue_problems(waiting.queue), *_environment_problems(waiting)]
    return [*by_aws, *broken, *_use(waiting), *_places(waiting, is_explained=bool(by_aws + broken))]


def _starting(waiting: WaitingJobs) -> Iterator[Reason]:
    if waiting.starting:
        fix = "wait: the image is pulled; a large one takes minutes"
        yield Reason(what="a machine is there, and the container begins", fix=fix)


def _aws_reasons(waiting: WaitingJobs) -> Iterator[Reason]:
    texts = [job.get("statusReason") for job in (*waiting.jobs, *waiting.children)]
    codes = set()
    for text in dict.fromkeys(text for text in texts if text):
        code = _code(text)
        codes.add(code)
        yield Reason(what=excerpt(text), fix=FIXES.get(code, _SEE))
    if waiting.blocked and _code(waiting.blocked) in FIXES.keys() - codes:
        what = f"the queue was blocked: {excerpt(waiting.blocked)}"
        yield Reason(what=what, fix=FIXES[_code(waiting.blocked)])


def _code(text: str) -> str:
    """`CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY` of `CAPACITY:INSUFFICIENT_… - Service cannot …`."""
    return text.partition(" - ")[0].strip()


def _queue_problems(state: QueueState) -> Iterator[Reason]:
    queue = state.queue
    if queue.get("state") == "DISABLED":
        fix = f"aws batch update-job-queue --job-queue {state.name} --state ENABLED"
        yield Reason(what=f"job queue {state.name} is DISABLED", fix=fix)
    if queue.get("status", "VALID") not in ("VALID", "UPDATING"):
        why = f": {excerpt(queue['statusReason'])}" if queue.get("statusReason") else ""
        what = f"job queue {state.name} is {queue['status']}{why}"
        yield Reason(what=what, fix="correct what its reason names, or make another queue")


def _environment_problems(waiting: WaitingJobs) -> Iterator[Reason]:
    environments = waiting.queue.environments
    for environment in environments:
        yield from _environment_problem(environment)
    vcpus = max((requested_of_job(job)[0] or 0 for job in waiting.jobs), default=0)
    limits = [limit for one in environments if (limit := _max_vcpus(one)) is not None]
    if limits and len(limits) == len(environments) and vcpus > max(limits) > 0:
        what = f"a job asks for {vcpus:g} vCPUs, and maxvCpus is {max(limits):g} at most"
        yield Reason(what=what, fix=FIXES["MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE"])
    names = {
        entry["consumableResource"]
        for job in waiting.jobs
        for entry in job.get("consumableResourceProperties", {}).get("consumableResourceList", ())
    }
    for name in sorted(names):
        what = f"a job also needs a unit of consumable resource {name.rpartition('/')[2]}"
        yield Reason(what=what, fix="wait for jobs that hold them, or raise flow.maxRunning")


def _environment_problem(environment: Mapping[str, Any]) -> Iterator[Reason]:
    name = environment["computeEnvironmentName"]
    called = f"compute environment {name}"
    update = f"aws batch update-compute-environment --compute-environment {name}"
    if environment.get("state") == "DISABLED":
        yield Reason(what=f"{called} is DISABLED", fix=f"{update} --state ENABLED")
    if environment.get("status", "VALID") not in ("VALID", "UPDATING"):
        reason = environment.get("statusReason")
        why = f": {excerpt(reason)}" if reason else ""
        fix = "correct what its reason names, then disable and enable it"
        yield Reason(what=f"{called} is {environment['status']}{why}", fix=fix)
    if _max_vcpus(environment) == 0:
        fix = f"{update} --compute-resources maxvCpus=N"
        yield Reason(what=f"{called} has maxvCpus 0", fix=fix)
    if environment.get("type") == "UNMANAGED":
        fix = "see that machines of yours are registered in its ECS cluster"
        yield Reason(what=f"{called} is UNMANAGED: AWS Batch starts no machines in it", fix=fix)


def _max_vcpus(environment: Mapping[str, Any]) -> float | None:
    value = environment.get("computeResources", {}).get("maxvCpus")
    return None if value is None else float(value)


def _use(waiting: WaitingJobs) -> Iterator[Reason]:
    """How much of the queue's capacity is in use, and by the jobs' own share."""
    use = waiting.queue.snapshot.get("queueUtilization", {})
    total = _amounts(use.get("totalCapacityUsage", ()))
    limits = [_max_vcpus(one) for one in waiting.queue.environments]
    vcpus = sum(limit for limit in limits if limit is not None) if None not in limits else 0
    if total:
        of = f" of maxvCpus {vcpus:g}" if vcpus else ""
        yield Reason(what=f"jobs of the queue use {total}{of}", fix=_MORE_VCPUS)
    shares = {str(job["shareIdentifier"]) for job in waiting.jobs if job.get("shareIdentifier")}
    fair = use.get("fairshareUtilization", {})
    by_share = {
        str(entry["shareIdentifier"]): _amounts(entry.get("capacityUsage", ()))
        for entry in fair.get("topCapacityUtilization", ())
    }
    for share in sorted(shares if fair else ()):
        beside = counted(fair.get("activeShareCount", len(by_share)), "shares")
        yield Reason(
            what=f"share {share} uses {by_share.get(share) or 'nothing'}; {beside} in use",
            fix="a smaller weightFactor of it in the scheduling policy of the queue gives it more",
        )


def _amounts(usage: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{entry['quantity']:g} {entry['capacityUnit']}" for entry in usage)


def _places(waiting: WaitingJobs, *, is_explained: bool) -> Iterator[Reason]:
    """Where the first of them stands in the queue."""
    position = waiting.position
    since = "" if waiting.since is None else f", since {waiting.since:%Y-%m-%dT%H:%M:%SZ}"
    front = waiting.queue.snapshot.get("frontOfQueue", {}).get("jobs", ())
    if position == 1:
        fix = "see above" if is_explained else _WAIT
        yield Reason(what=f"first in the queue{since}", fix=fix)
    elif position is not None:
        before = counted(position - 1, "jobs")
        yield Reason(
            what=f"number {position} in the queue{since}: {before} before it",
            fix="wait for those, or send it to a queue of its own or with a higher priority",
        )
    elif len(front) >= FRONT_JOBS_MAX:
        yield Reason(what=f"not among the first {FRONT_JOBS_MAX} in the queue", fix=_MORE_VCPUS)


def waiting_document(waiting: WaitingJobs) -> dict[str, Any]:
    """For programs."""
    since = waiting.since
    return {
        "step": waiting.step,
        "queue": waiting.queue.name,
        "runnable": waiting.runnable,
        "position": waiting.position,
        "since": None if since is None else since.isoformat(),
        "reasons": [{"what": one.what, "fix": one.fix} for one in reasons_of(waiting)],
    }


def waiting_lines(waiting: WaitingJobs) -> Iterator[str]:
    """For people."""
    counts = [(waiting.runnable, "RUNNABLE"), (waiting.starting, "STARTING")]
    shown = ", ".join(f"{count:,} {status}" for count, status in counts if count)
    yield f"step {waiting.step} waits in job queue {waiting.queue.name}: {shown}"
    for reason in reasons_of(waiting):
        yield f"  {reason.what}"
        yield f"    {reason.fix}"


def waiting_text(waiting: WaitingJobs) -> str:
    """For a report: one text."""
    reasons = "; ".join(f"{reason.what} ({reason.fix})" for reason in reasons_of(waiting))
    return f"waits in job queue {waiting.queue.name}: {reasons}"
