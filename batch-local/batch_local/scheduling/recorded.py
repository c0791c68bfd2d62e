"""A scheduler that keeps what is reported to it: the same reports bring about the same again.

What requests do is recorded by the API, which calls the other methods.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from batch_local.model import Attempt, ContainerRun, ContainerState, Job
from batch_local.scheduling.scheduler import Scheduler

Record = Callable[[str, dict[str, Any]], None]
"""Keeps what happened: its kind, and a body of JSON."""


class RecordedScheduler(Scheduler):
    """Takes what Scheduler takes.

    Args:
        record: called after each report that changed something.
    """

    def __init__(self, *, record: Record, **options: Any) -> None:
        super().__init__(**options)
        self._record = record

    def started(self, job: Job, attempt: Attempt, log_stream: str, now: int) -> None:
        super().started(job, attempt, log_stream, now)
        self._keep("started", job, attempt, now, stream=log_stream)

    def start_failed(self, job: Job, attempt: Attempt, reason: str, now: int) -> None:
        super().start_failed(job, attempt, reason, now)
        self._keep("start_failed", job, attempt, now, reason=reason)

    def exited(
        self, job: Job, attempt: Attempt, exit_code: int, now: int, reason: str | None = None
    ) -> None:
        super().exited(job, attempt, exit_code, now, reason)
        self._keep("exited", job, attempt, now, code=exit_code, reason=reason)

    def host_lost(self, job: Job, attempt: Attempt, status_reason: str, now: int) -> None:
        super().host_lost(job, attempt, status_reason, now)
        self._keep("host_lost", job, attempt, now, reason=status_reason)

    def tick(self, now: int) -> int | None:
        is_due = self._is_due(now)
        later = super().tick(now)
        if is_due:
            self._record("tick", {"now": now})
        return later

    def report(self, kind: str, body: dict[str, Any]) -> None:
        """Take a record as it was kept. Raises: KeyError, ValueError."""
        now: int = body["now"]
        if kind == "tick":
            super().tick(now)
            return
        job = self.find(body["job"])
        if job is None:
            raise ValueError(f"there is no job {body['job']}")
        attempt = job.attempts[-1]
        attempt.containers = _runs(job, body["runs"])
        match kind:
            case "started":
                super().started(job, attempt, body["stream"], now)
            case "start_failed":
                super().start_failed(job, attempt, body["reason"], now)
            case "exited":
                super().exited(job, attempt, body["code"], now, body["reason"])
            case "host_lost":
                super().host_lost(job, attempt, body["reason"], now)
            case _:
                raise ValueError(f"{kind} is no report")

    def _is_due(self, now: int) -> bool:
        """Whether `tick` would do something."""
        ended = self._ended_jobs
        is_forgotten = ended and (ended[0].stopped_at or 0) <= now - self._retention_ms
        return bool(is_forgotten or (self._timers and self._timers[0][0] <= now))

    def _keep(self, kind: str, job: Job, attempt: Attempt, now: int, **more: Any) -> None:
        runs = [
            (run.state.value, run.log_stream, run.pid, run.exit_code, run.reason, run.rank)
            for run in attempt.containers
        ]
        self._record(kind, {"job": job.id, "now": now, "runs": runs, **more})


def _runs(job: Job, rows: list[list[Any]]) -> list[ContainerRun]:
    return [
        ContainerRun(
            spec=spec,
            state=ContainerState(state),
            log_stream=stream,
            pid=pid,
            exit_code=code,
            reason=reason,
            rank=rank,
        )
        for spec, (state, stream, pid, code, reason, rank) in zip(
            job.spec.containers, rows, strict=True
        )
    ]
