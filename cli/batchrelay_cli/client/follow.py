"""The logs of children as they grow, until what they belong to has ended.

AWS Batch is asked by one DescribeJobs for all that are followed, and by one ListJobs for each array
at work; of logs a few pages are read between two pauses. When a call is throttled, the pauses grow.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from botocore.exceptions import ClientError

from batchrelay.domain.job_containers import node_ids
from batchrelay.domain.run import RunStatus
from batchrelay.domain.step_state import JobOutcome, StepStatus
from batchrelay_cli.client.api import Client
from batchrelay_cli.stack.access import is_local
from batchrelay_cli.stack.client import Stack
from batchrelay_cli.views.child import place_of
from batchrelay_cli.views.log_streams import LogStream, Tail, streams_of

PAUSE_S = 1.0
"""Seconds between two looks."""

PAUSE_S_MAX = 30.0
"""Seconds between two looks, once calls are throttled."""

PAGES_MAX = 4
"""Pages of logs of one look: GetLogEvents takes 25 calls a second of an account. Source: CloudWatch
Logs quotas."""

FOLLOWED_MAX = 20
"""Children that are followed at a time: with PAGES_MAX pages a look, each is seen every 5 s."""

LATE_S = 4.0
"""Seconds that a job's last lines may take to CloudWatch Logs; AWS states no time."""

_AT_WORK = "SUBMITTED"
"""How the API says that a job has not ended."""

_ENDED = ("SUCCEEDED", "FAILED")
_THROTTLED = ("ThrottlingException", "TooManyRequestsException", "Throttling")


class Jobs(Protocol):
    """What is followed: which jobs, and when it is over."""

    def next(self, free: int) -> Iterator[tuple[str, str]]:
        """Id and label of jobs that print now and were not answered before; as many as are free."""

    @property
    def is_over(self) -> bool:
        """Whether no further job will come."""


@dataclass
class OneJob:
    """One child."""

    job_id: str
    is_over: bool = False

    def next(self, free: int) -> Iterator[tuple[str, str]]:
        if free and not self.is_over:
            self.is_over = True
            yield self.job_id, ""


@dataclass(kw_only=True)
class JobsOfRun:
    """Those of a run, or of one of its steps: its jobs, and of an array the children that run.

    What had ended before is left out, but for the only job of the one step.
    """

    client: Client
    run_id: str
    step: str | None = None
    status: str = ""
    """Of the run, or of the step, as the API had it last."""
    is_over: bool = False
    _seen: set[str] | None = None
    """The ids of jobs and children; None before the first look."""

    def next(self, free: int) -> Iterator[tuple[str, str]]:
        run = self.client.status(self.run_id)
        steps = [step for step in run["steps"] if self.step in (None, step["step"])]
        jobs = [job for step in steps for job in step["jobs"] if job["jobId"] is not None]
        self.status = run["status"] if self.step is None else steps[0]["status"]
        kind = RunStatus if self.step is None else StepStatus
        self.is_over = kind(self.status).is_terminal
        is_one = self.step is not None and len(jobs) == 1 and jobs[0]["children"] == 1
        if self._seen is None:
            self._seen = set() if is_one else {str(job["jobId"]) for job in jobs if _has_run(job)}
        for job_id in self._ids(jobs, self._seen, free):
            self._seen.add(job_id)
            place = place_of(run, job_id)
            yield job_id, "" if is_one or place is None else place.text

    def _ids(
        self, jobs: Iterable[Mapping[str, Any]], seen: Collection[str], free: int
    ) -> Iterator[str]:
        for job in jobs:
            ids: Iterable[str] = ()
            if job["children"] == 1 and (_has_run(job) or job["outcome"] == _AT_WORK):
                ids = [job["jobId"]]
            elif job["outcome"] == _AT_WORK and free:
                ids = self.client.stack.running_children(job["jobId"])
            for job_id in [one for one in ids if one not in seen][:free]:
                free -= 1
                yield job_id


def _has_run(job: Mapping[str, Any]) -> bool:
    return job["outcome"] in (JobOutcome.SUCCEEDED, JobOutcome.FAILED)


@dataclass(kw_only=True)
class _Followed:
    """One job at work, and its streams."""

    label: str
    job: Mapping[str, Any] = field(default_factory=dict)
    streams: set[LogStream] = field(default_factory=set)
    tails: list[Tail] = field(default_factory=list)
    ended_at: float | None = None


@dataclass(kw_only=True)
class Follower:
    """Follows jobs."""

    stack: Stack
    jobs: Jobs
    pause: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    last_job: Mapping[str, Any] = field(default_factory=dict)
    """As AWS Batch described the last one that ended."""
    _followed: dict[str, _Followed] = field(default_factory=dict)
    _order: deque[tuple[str, Tail]] = field(default_factory=deque)
    """Each stream with its label; those that were read longest ago first."""
    _is_first: bool = True

    def lines(self) -> Iterator[tuple[str, str]]:
        """Label and line, until all is over. Raises: ClientError, but for throttling."""
        pause_s = PAUSE_S
        while True:
            try:
                yield from self._look()
                pause_s = PAUSE_S
            except ClientError as error:
                if error.response["Error"]["Code"] not in _THROTTLED:
                    raise
                pause_s = min(2 * pause_s, PAUSE_S_MAX)
            if self.jobs.is_over and not self._followed:
                return
            self.pause(pause_s)

    def _look(self) -> Iterator[tuple[str, str]]:
        for job_id, label in self.jobs.next(FOLLOWED_MAX - len(self._followed)):
            self._followed[job_id] = _Followed(label=label)
        self._describe()
        self._is_first = False
        for _ in range(min(PAGES_MAX, len(self._order))):
            label, tail = self._order[0]
            for line in tail.page():
                yield label, line
            self._order.rotate(-1)
        yield from self._ends()

    def _describe(self) -> None:
        """Which streams there are, and which jobs have ended."""
        open_ids = [job_id for job_id, one in self._followed.items() if one.ended_at is None]
        details = {str(job["jobId"]): job for job in self.stack.describe(open_ids)}
        for job_id in open_ids:
            one, job = self._followed[job_id], details.get(job_id, {"status": "FAILED"})
            one.job = job
            nodes = self.stack.describe(node_ids(job))
            for label, part in [("", job), *((_node(node), node) for node in nodes)]:
                self._add_streams(one, " ".join(filter(None, (one.label, label))), part)
            if job["status"] in _ENDED:
                one.ended_at = self.clock()

    def _add_streams(self, one: _Followed, label: str, job: Mapping[str, Any]) -> None:
        """Of what runs already, the end of its latest attempt; of what begins later, all."""
        streams = streams_of(job)
        latest = {stream.container: stream for stream in streams}.values()
        for stream in streams:
            if stream in one.streams:
                continue
            one.streams.add(stream)
            if not self._is_first or stream in latest:
                tail = Tail(stack=self.stack, stream=stream, from_head=not self._is_first)
                one.tails.append(tail)
                self._order.append((" ".join(filter(None, (label, stream.container))), tail))

    def _ends(self) -> Iterator[tuple[str, str]]:
        """The last lines of what has ended a while ago."""
        late_s = 0.0 if is_local(self.stack) else LATE_S
        for job_id, one in list(self._followed.items()):
            if one.ended_at is None or self.clock() - one.ended_at < late_s:
                continue
            for label, tail in [entry for entry in self._order if entry[1] in one.tails]:
                tail.is_at_end = False
                while not tail.is_at_end:
                    for line in tail.page():
                        yield label, line
            self._order = deque(e for e in self._order if e[1] not in one.tails)
            self.last_job = one.job
            del self._followed[job_id]


def _node(job: Mapping[str, Any]) -> str:
    return f"node {job.get('nodeProperties', {}).get('nodeIndex', '')}".strip()
