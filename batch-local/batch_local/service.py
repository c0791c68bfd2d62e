"""Joins the scheduler, the processes and the wire. One lock; nothing slow happens under it.

Processes are asked for under the lock too, so that no signal overtakes its launch.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from batch_local.api.operations import BatchApi
from batch_local.assumptions import DOCUMENTED, Assumptions
from batch_local.clock import now_ms
from batch_local.details.jobs import job_detail
from batch_local.engines.engine import Engine
from batch_local.errors import StateError
from batch_local.events import BusEvent, queue_blocked, state_change
from batch_local.faults import Faults
from batch_local.images import NO_IMAGES, Images
from batch_local.model import Job
from batch_local.processes.attempts import HOST_LOST, Attempts
from batch_local.processes.scratch import ScratchFolders
from batch_local.processes.turn import Turn
from batch_local.state import State, Transient
from batch_local.timeline import timeline


class BatchService:
    """AWS Batch on this machine.

    Args:
        folder: where logs are kept, and the folders of attempts.
        environment: what every process is given beside its job's own variables.
        publish: receives every state change, in order; must not block.
        is_wanted: whether a rule may want the current state of a job. An event that no rule wants
            is not even written: an array of 10,000 has 40,000 of them.
        images: what stands in for the entry points of images.
        state: what survives the end of this one; a job whose processes were there at the end of the
            one before has lost its host.
        engine: what runs containers; without one they are processes of this machine.

    Raises:
        StateError: the state cannot be brought about again.
    """

    def __init__(
        self,
        *,
        folder: Path,
        environment: Mapping[str, str],
        publish: Callable[[list[BusEvent]], None],
        is_wanted: Callable[[Job], bool] = lambda _: True,
        faults: Faults | None = None,
        assumptions: Assumptions = DOCUMENTED,
        images: Images = NO_IMAGES,
        state: State | Transient | None = None,
        engine: Engine | None = None,
    ) -> None:
        self._publish = publish
        self._is_wanted = is_wanted
        self._faults = faults or Faults()
        self._assume = assumptions
        self._turn = Turn(self._do_what_is_asked)
        self._outbox: list[BusEvent] = []
        self._state = state or Transient()
        self._is_silent = True  # what happens again was published then
        self._scheduler = self._state.scheduler(
            observe=self._observe,
            observe_blocked=lambda job: self._outbox.append(queue_blocked(job)),
            assumptions=assumptions,
        )
        self.logs = self._state.logs(folder)
        self._api = self._made_api(images)
        lost_jobs = self._restored()
        self._scratch = ScratchFolders(folder / "scratch")
        self._attempts = Attempts(
            scheduler=self._scheduler,
            logs=self.logs,
            scratch=self._scratch,
            environment=environment,
            faults=self._faults,
            turn=self._turn,
            engine=engine,
        )
        self._lose_hosts(lost_jobs)

    def _made_api(self, images: Images) -> BatchApi:
        return BatchApi(
            self._scheduler,
            self._state.clock,
            self._faults,
            self._assume,
            images,
            self._state.record_request,
        )

    def _restored(self) -> list[Job]:
        """Let happen again what is kept; the jobs whose processes were there at its end."""
        try:
            lost_jobs = self._state.restore(self._api, self.logs)
        except StateError:
            self.logs.close()
            raise
        self._outbox.clear()
        self._is_silent = False
        return lost_jobs

    def _lose_hosts(self, jobs: list[Job]) -> None:
        """The processes of these jobs are gone, and it is not known how they ended."""
        for job in jobs:
            attempt = job.attempts[-1]
            for run in attempt.containers:
                run.exit_code = None
            with self._turn:
                self._scheduler.host_lost(job, attempt, HOST_LOST, now_ms())

    def handle(
        self, method: str, path: str, body: bytes, query: Mapping[str, list[str]]
    ) -> tuple[int, dict[str, Any]]:
        """Answer a request of AWS's wire: HTTP status and JSON body."""
        with self._turn, self._state.one_time():
            if self._is_silent:
                return 500, {"__type": "ServerException", "message": "this AWS Batch is stopping"}
            return self._api.handle(method, path, body, query)

    def jobs(self) -> list[dict[str, Any]]:
        """Simple jobs and parents, each a JobDetail, in the order of their submission."""
        with self._turn.lock:
            return [job_detail(job) for job in self._scheduler.jobs.values()]

    def job(self, job_id: str) -> dict[str, Any] | None:
        """The JobDetail of a job or of a child, whatever the faults; None for an unknown id."""
        with self._turn.lock:
            job = self._scheduler.find(job_id)
            return None if job is None else job_detail(job)

    def timeline(self) -> dict[str, Any]:
        """What happened so far: the document of `timeline.json`."""
        with self._turn.lock:
            return timeline(self._scheduler.jobs.values(), now_ms())

    def log(self, job_id: str) -> list[str]:
        """What the container that began first has printed in the last attempt of a job.

        Raises:
            LookupError: there is no such job, or it has not begun.
        """
        with self._turn.lock:
            job = self._scheduler.find(job_id)
            attempt = job.attempts[-1] if job is not None and job.attempts else None
            runs = attempt.containers if attempt is not None else []
            name = attempt.log_stream if attempt is not None else None
            run = next((one for one in runs if one.log_stream == name), None)
        if run is None or name is None:
            raise LookupError(f"there is no log of job {job_id}: it is not there, or has not begun")
        stream = self.logs.streams(run.spec.log_target.group)[name]
        self.logs.refresh({name: stream})
        return stream.messages(0, len(stream))

    def stop(self, *, immediately: bool) -> None:
        """End every process. What that does to its job is not kept: it was under way."""
        with self._turn.lock:
            self._is_silent = self._state.is_kept
            self._state.close()
        self._attempts.runner.stop(immediately=immediately)
        self.logs.close()
        self._scratch.close()

    def _observe(self, job: Job) -> None:
        if self._is_silent:
            return
        if self._assume is not DOCUMENTED or self._is_wanted(job):
            event = state_change(job, self._assume)
            if event is not None:
                self._outbox.append(event)

    def _do_what_is_asked(self) -> None:
        events, self._outbox = self._outbox, []
        launches, self._scheduler.launches = self._scheduler.launches, []
        signals, self._scheduler.signals = self._scheduler.signals, []
        if events:
            self._send(events)
        for launch in launches:
            self._attempts.launch(launch)
        for stop in signals:
            self._attempts.signal(stop)

    def _send(self, events: list[BusEvent]) -> None:
        """Publish, but for what the faults have in mind: lost, twice, late."""
        if not self._faults.touch_events:
            self._publish(events)
            return
        for event in events:
            if self._faults.strikes(self._faults.event_dropped):
                continue
            self._publish_once(event)
            if self._faults.strikes(self._faults.event_duplicated):
                same = self._assume.repeated_event_id == "same"
                self._publish_once(event if same else replace(event, id=str(uuid.uuid4())))

    def _publish_once(self, event: BusEvent) -> None:
        if self._faults.strikes(self._faults.event_delayed):
            timer = threading.Timer(self._faults.delay_s(), self._publish, ([event],))
            timer.daemon = True
            timer.start()
        else:
            self._publish([event])
