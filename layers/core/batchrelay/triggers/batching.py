"""Uploads come, a timer rings, a run starts over all of them.

An upload is noted once, in the burst that is going on. Whoever notes the first sets a timer, a
message to ourselves; when it rings and uploads came meanwhile, it is set again. When it was quiet
for long enough the burst is closed: its number is the run's key, its uploads are a list in S3.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from batchrelay.domain.errors import InputError, RunConflict, RunNotFound
from batchrelay.domain.limits import UPLOAD_BATCH_UPLOADS_MAX
from batchrelay.domain.run import StartRequest
from batchrelay.domain.upload_batch import (
    CreatedObject,
    DebouncedTrigger,
    TimerMessage,
    UploadBatch,
)
from batchrelay.domain.values import RUNS_PREFIX, keyed_run_id
from batchrelay.engine.outcome import Handled
from batchrelay.ports import (
    Backoff,
    Clock,
    Objects,
    PipelineStore,
    RunStore,
    Timers,
    UploadBatchStore,
)

TIMER_LATE_S = 120
"""Seconds after which a timer that did not ring is taken for lost (it is a dead letter, or its
reader fails), and one that was never noted for one of nobody: twice the function's timeout."""

TIMER_RETRY_S = 5
"""Seconds after which a timer that came before the write that notes it comes again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadBatches:
    """Collects uploads, and starts a run for each burst."""

    store: UploadBatchStore
    timers: Timers
    objects: Objects
    runs: RunStore
    pipelines: PipelineStore
    clock: Clock
    backoff: Backoff
    bucket: str
    """Of the stack, where the lists of uploads are."""
    start: Callable[[StartRequest], Handled]

    def collect(self, trigger: DebouncedTrigger, uploads: Sequence[CreatedObject]) -> None:
        """Note uploads. What is told again is noted once.

        Raises: RunConflict, NotDone: tell them again.
        """
        for _ in self.backoff.tries():
            batch, now = self.store.batch(trigger.name), self.clock.now()
            timer_at = batch.timer_at
            if timer_at is None or _is_late(timer_at, now):
                timer_at = self._send_timer(trigger, batch.number, trigger.debounce_s)
            with suppress(RunConflict):  # it may have been closed: into the next one
                self.store.collect(trigger.name, batch, uploads, now, timer_at)
                if batch.count + len(uploads) >= UPLOAD_BATCH_UPLOADS_MAX:
                    self.timers.send(
                        TimerMessage(trigger=trigger, number=batch.number, at=timer_at), 0
                    )
                return
        raise RunConflict(f"{trigger.name}: others were faster")

    def receive(self, timer: TimerMessage) -> Handled | None:
        """A timer rings: start the burst's run if it is over; None if it goes on.

        Raises: as `Engine.start`, and RunConflict or NotDone: ring again.
        """
        trigger = timer.trigger
        for _ in self.backoff.tries():
            batch, now = self.store.batch(trigger.name), self.clock.now()
            if batch.number > timer.number:  # it is closed, and whoever did so may have died
                is_spare = batch.number == timer.number + 1 and batch.closed_at != timer.at
                return None if is_spare else self._start(trigger, timer.number)
            if batch.number < timer.number:
                return None  # nobody sends that
            with suppress(RunConflict):
                if batch.timer_at != timer.at:
                    if not self._take_over(timer, batch, now):
                        return None
                elif batch.is_over(trigger.debounce_s, now):
                    self.pipelines.registered_version(trigger.pipeline)  # or keep it open
                    self.store.close(trigger.name, batch)
                    return self._start(trigger, timer.number)
                else:
                    self._extend(trigger, batch, now)
                    return None
        raise RunConflict(f"{trigger.name}: others were faster")

    def _take_over(self, timer: TimerMessage, batch: UploadBatch, now: datetime) -> bool:
        """Note a timer that is not the noted one, if that one is lost; whether it is noted now.

        One that is ahead of the noted one may be ahead of the write that notes it: it rings again.
        """
        if batch.timer_at is not None and _is_late(batch.timer_at, now):
            self.store.extend(timer.trigger.name, batch, timer.at)
            return True
        is_ahead = batch.timer_at is None or timer.at > batch.timer_at
        if is_ahead and not _is_late(timer.at, now):
            self.timers.send(timer, TIMER_RETRY_S)
        return False

    def _extend(self, trigger: DebouncedTrigger, batch: UploadBatch, now: datetime) -> None:
        assert batch.last_at is not None, batch
        left_s = (batch.last_at - now).total_seconds() + trigger.debounce_s
        timer_at = self._send_timer(trigger, batch.number, left_s)
        self.store.extend(trigger.name, batch, timer_at)

    def _send_timer(self, trigger: DebouncedTrigger, number: int, delay_s: float) -> datetime:
        at = self.clock.now() + timedelta(seconds=delay_s)
        self.timers.send(TimerMessage(trigger=trigger, number=number, at=at), delay_s)
        return at

    def _start(self, trigger: DebouncedTrigger, number: int) -> Handled:
        key = f"burst/{trigger.id}/{number}"
        run_id = keyed_run_id(trigger.pipeline, key)
        said: Mapping[str, str] = {}
        if not self._is_started(run_id):
            said = self._listed(run_id, trigger, number)
        order = StartRequest(
            run_id=run_id,
            pipeline=trigger.pipeline,
            key=key,
            trigger=said,
            overlap=trigger.overlap,
        )
        return self.start(order)

    def _is_started(self, run_id: str) -> bool:
        try:
            self.runs.load(run_id)
        except RunNotFound:
            return False
        return True

    def _listed(self, run_id: str, trigger: DebouncedTrigger, number: int) -> Mapping[str, str]:
        """Write the list of a burst's uploads; what `${trigger.…}` means."""
        uploads = _latest(self.store.uploads(trigger.name, number))
        if not uploads:
            raise InputError(f"nothing is known any more of burst {number} of {trigger.name}")
        uri = f"s3://{self.bucket}/{RUNS_PREFIX}{run_id}/uploads.jsonl"
        self._write(uri, uploads)
        return {"bucket": uploads[0].bucket, "uploads": uri, "count": str(len(uploads))}

    def _write(self, uri: str, uploads: Iterable[CreatedObject]) -> None:
        listed = self.objects.upload(uri)
        for upload in uploads:
            entry = {"bucket": upload.bucket, "key": upload.key, "size": upload.size}
            entry |= {"versionId": upload.version_id} if upload.version_id else {}
            listed.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
        listed.complete()


def _is_late(timer_at: datetime, now: datetime) -> bool:
    return now > timer_at + timedelta(seconds=TIMER_LATE_S)


def _latest(uploads: Iterable[CreatedObject]) -> list[CreatedObject]:
    """By key; an object that was overwritten within the burst is there once, as it was last."""
    latest: dict[str, CreatedObject] = {}
    for upload in uploads:
        known = latest.get(upload.key)
        if known is None or upload.is_later(known):
            latest[upload.key] = upload
    return [latest[key] for key in sorted(latest, key=str.encode)]
