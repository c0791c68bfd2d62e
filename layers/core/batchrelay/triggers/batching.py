"""Debounce: uploads are collected in a batch, and one run starts over all of them.

An upload is recorded once, in the open batch. The first one sets a timer: a delayed message to our
own queue. If uploads came meanwhile, the timer is set again. After the debounce time without an
upload the batch is closed: its number is the run's key, its uploads are a list in S3.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from batchrelay.domain.errors import InputError, RunConflict, RunNotFound
from batchrelay.domain.idempotency_keys import keyed_run_id, upload_batch_key
from batchrelay.domain.limits import UPLOAD_BATCH_UPLOADS_MAX
from batchrelay.domain.run import StartRequest
from batchrelay.domain.upload_batch import (
    CreatedObject,
    DebouncedTrigger,
    TimerMessage,
    UploadBatch,
)
from batchrelay.domain.values import RUNS_PREFIX
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
"""Seconds after which an undelivered timer is taken for lost (it is a dead letter, or its reader
fails), and an unrecorded one is ignored: twice the function's timeout."""

TIMER_RETRY_S = 5
"""Seconds after which a timer that came before the write that records it comes again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadBatches:
    """Collects uploads, and starts a run for each batch."""

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
        """Record uploads. A repeated one is recorded once.

        Raises: RunConflict, NotDone: deliver them again.
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
        """A timer fires: start the batch's run if it is over; None if it goes on.

        Raises: as `Engine.start`, and RunConflict or NotDone: deliver it again.
        """
        trigger = timer.trigger
        for _ in self.backoff.tries():
            batch, now = self.store.batch(trigger.name), self.clock.now()
            if batch.number > timer.number:  # closed; its closer may have died before the start
                is_spare = batch.number == timer.number + 1 and batch.closed_at != timer.at
                return None if is_spare else self._start(trigger, timer.number)
            if batch.number < timer.number:
                return None  # never sent
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
        """Record this timer in place of a lost one; whether it is recorded now.

        One that is later than the recorded timer may be ahead of its own write: it is sent again.
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
        key = upload_batch_key(trigger.id, number)
        run_id = keyed_run_id(trigger.pipeline, key)
        variables: Mapping[str, str] = {}
        if not self._is_started(run_id):
            variables = self._listed(run_id, trigger, number)
        request = StartRequest(
            run_id=run_id,
            pipeline=trigger.pipeline,
            key=key,
            trigger=variables,
            overlap=trigger.overlap,
        )
        return self.start(request)

    def _is_started(self, run_id: str) -> bool:
        try:
            self.runs.load(run_id)
        except RunNotFound:
            return False
        return True

    def _listed(self, run_id: str, trigger: DebouncedTrigger, number: int) -> Mapping[str, str]:
        """Write the list of a batch's uploads; returns the values of `${trigger.…}`."""
        uploads = _latest(self.store.uploads(trigger.name, number))
        if not uploads:
            raise InputError(f"the uploads of batch {number} of {trigger.name} have expired")
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
    """By key; an object that was overwritten within the batch is listed once, as it was last."""
    latest: dict[str, CreatedObject] = {}
    for upload in uploads:
        known = latest.get(upload.key)
        if known is None or upload.is_later(known):
            latest[upload.key] = upload
    return [latest[key] for key in sorted(latest, key=str.encode)]
