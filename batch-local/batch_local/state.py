"""The state of an AWS Batch in a folder: what happened is kept, and happens again at the start.

AWS Batch decides by requests, by reports of processes and by the time. Each that changed something
is a record, with the ids that were drawn for it; the scheduler and the API bring about the same
from the same. So nothing of theirs has a stored form of its own.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from batch_local.api.operations import BatchApi
from batch_local.assumptions import DOCUMENTED, Assumptions
from batch_local.clock import now_ms
from batch_local.errors import StateError
from batch_local.journal import Journal
from batch_local.logs.streams import Logs
from batch_local.model import ContainerRun, Job
from batch_local.resources.consumables import with_children
from batch_local.scheduling.recorded import RecordedScheduler
from batch_local.scheduling.scheduler import ACTIVE, Scheduler

_REQUEST = "request"
_OF_LOGS = frozenset({"stream", "stream_end", "forgotten"})


class Transient:
    """A state of which nothing is kept."""

    is_kept = False

    def scheduler(self, **options: Any) -> Scheduler:
        """A new one."""
        return Scheduler(new_id=lambda: str(uuid.uuid4()), **options)

    def logs(self, folder: Path) -> Logs:
        """New ones."""
        return Logs(folder)

    def clock(self) -> int:
        """Epoch milliseconds."""
        return now_ms()

    def one_time(self) -> AbstractContextManager[None]:
        """A request takes the time that it takes."""
        return nullcontext()

    def record_request(self, _name: str, _request: dict[str, Any]) -> None:
        """It is forgotten."""

    def restore(self, _api: BatchApi, _logs: Logs) -> list[Job]:
        """Nothing has happened."""
        return []

    def close(self) -> None:
        """Nothing is open."""


class State:
    """The state in a folder.

    Args:
        folder: created if it is not there.
        version: of this program.
        assumptions: with which the state was made; with others the same would not come about.

    Raises:
        StateError: the folder is in use, or its state is damaged or of another version.
        OSError: there cannot be such a folder.
    """

    def __init__(self, folder: Path, version: str, assumptions: Assumptions) -> None:
        maker = f"batch-local {version}"
        others = [
            f"{name}={value}"
            for name, value in asdict(assumptions).items()
            if value != getattr(DOCUMENTED, name)
        ]
        self._journal = Journal(folder, f"{maker} --assume {','.join(others)}" if others else maker)
        self._log_folder = folder / "logs"
        self._log_folder.mkdir(mode=0o700, exist_ok=True)
        self._scheduler: RecordedScheduler | None = None
        self._drawn: deque[str] = deque()
        """Ids since the last record; while the past happens again, those that are to come."""
        self._is_past = False
        self._now: int | None = None

    # --- what is recorded

    is_kept = True
    """Whether a restart finds it."""

    def scheduler(self, **options: Any) -> Scheduler:
        """One whose reports are kept."""
        self._scheduler = RecordedScheduler(record=self.record, new_id=self.new_id, **options)
        return self._scheduler

    def logs(self, _folder: Path) -> Logs:
        """Those in the folder of the state."""
        return Logs(self._log_folder, self.record_log)

    # --- while it runs

    def new_id(self) -> str:
        """A new one, or while the past happens again the one of then."""
        if self._is_past:
            return self._drawn.popleft()
        new = str(uuid.uuid4())
        self._drawn.append(new)
        return new

    def clock(self) -> int:
        """Epoch milliseconds; within `one_time` always the same."""
        return now_ms() if self._now is None else self._now

    @contextmanager
    def one_time(self) -> Iterator[None]:
        """A request has one time, which is kept with it."""
        self._now = now_ms()
        try:
            yield
        finally:
            self._now = None

    def record(self, kind: str, body: dict[str, Any]) -> None:
        """Keep what happened."""
        if self._drawn:
            body = {**body, "ids": [*self._drawn]}
            self._drawn.clear()
        self._journal.append(kind, body)

    def record_request(self, name: str, request: dict[str, Any]) -> None:
        """Keep a request that was accepted."""
        self.record(_REQUEST, {"name": name, "request": request, "now": self.clock()})

    def record_log(self, kind: str, body: dict[str, Any]) -> None:
        """Keep what became of a log stream; ids are drawn in another thread meanwhile."""
        self._journal.append(kind, body)

    def close(self) -> None:
        """What happens from now on is not kept."""
        self._journal.close()

    # --- at the start

    def restore(self, api: BatchApi, logs: Logs) -> list[Job]:
        """Let everything happen again; jobs whose processes were there at the end.

        Raises:
            StateError: a record is not one of this version.
        """
        scheduler = self._scheduler
        assert scheduler is not None
        self._is_past = True
        for number, kind, body in self._journal.records():
            try:
                self._drawn.extend(body.get("ids", ()))
                self._happen(kind, body, api, logs)
            except Exception as error:
                raise StateError(
                    f"{self._journal.path} is damaged at record {number} ({kind}: {error!r}): "
                    "restore it, or choose another folder"
                ) from error
        self._is_past, self._now = False, None
        logs.end_all()
        jobs = with_children(iter(scheduler.jobs.values()))
        return [job for job in jobs if job.status in ACTIVE]

    def _happen(self, kind: str, body: dict[str, Any], api: BatchApi, logs: Logs) -> None:
        scheduler = self._scheduler
        assert scheduler is not None
        if kind in _OF_LOGS:
            logs.take(kind, body)
        elif kind == _REQUEST:
            self._now = body["now"]
            api.replay(body["name"], body["request"])
        else:
            scheduler.report(kind, body)
        for launch in scheduler.launches:
            launch.attempt.containers = [
                ContainerRun(spec=spec) for spec in launch.job.spec.containers
            ]
        scheduler.launches.clear()
        scheduler.signals.clear()
        if self._drawn:
            raise ValueError(f"{len(self._drawn)} ids are left")
