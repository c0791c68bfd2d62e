"""Uploads come, a timer rings, a run starts over all of them.

An upload is noted once, in the burst that is going on. Whoever notes the first sets a timer, a
message to ourselves; when it rings and uploads came meanwhile, it is set again. When it was quiet
for long enough the burst is closed: its number is the run's key, its uploads are a list in S3.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from batchrelay.domain.errors import InputError, RunConflict, RunNotFound
from batchrelay.domain.limits import BURST_UPLOADS_MAX
from batchrelay.domain.run import StartOrder
from batchrelay.domain.upload_batch import Burst, CreatedObject, QuietTrigger, Ring
from batchrelay.domain.values import RUNS_PREFIX, keyed_run_id
from batchrelay.engine.engine import Engine, Handled
from batchrelay.ports import BurstStore, Objects, Timers

TIMER_LATE_S = 120
"""Seconds after which a timer that did not ring is taken for lost (it is a dead letter, or its
reader fails), and one that was never noted for one of nobody: twice the function's timeout."""

RING_AGAIN_S = 5
"""Seconds after which a timer that came before the write that notes it comes again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bursts:
    """Collects uploads, and starts a run for each burst."""

    store: BurstStore
    timers: Timers
    objects: Objects
    engine: Engine

    def collect(self, trigger: QuietTrigger, uploads: Sequence[CreatedObject]) -> None:
        """Note uploads. What is told again is noted once.

        Raises: RunConflict, NotDone: tell them again.
        """
        for _ in self.engine.backoff.tries():
            burst, now = self.store.burst(trigger.name), self.engine.clock.now()
            rings_at = burst.rings_at
            if rings_at is None or _is_late(rings_at, now):
                rings_at = self._ring(trigger, burst.number, trigger.quiet_s)
            with suppress(RunConflict):  # it may have been closed: into the next one
                self.store.collect(trigger.name, burst, uploads, now, rings_at)
                if burst.count + len(uploads) >= BURST_UPLOADS_MAX:
                    self.timers.ring(Ring(trigger=trigger, number=burst.number, at=rings_at), 0)
                return
        raise RunConflict(f"{trigger.name}: others were faster")

    def hear(self, ring: Ring) -> Handled | None:
        """A timer rings: start the burst's run if it is over; None if it goes on.

        Raises: as `Engine.start`, and RunConflict or NotDone: ring again.
        """
        trigger = ring.trigger
        for _ in self.engine.backoff.tries():
            burst, now = self.store.burst(trigger.name), self.engine.clock.now()
            if burst.number > ring.number:  # it is closed, and whoever did so may have died
                is_spare = burst.number == ring.number + 1 and burst.closed_at != ring.at
                return None if is_spare else self._start(trigger, ring.number)
            if burst.number < ring.number:
                return None  # nobody sends that
            with suppress(RunConflict):
                if burst.rings_at != ring.at:
                    if not self._take_over(ring, burst, now):
                        return None
                elif burst.is_over(trigger.quiet_s, now):
                    self.engine.pipelines.registered_version(trigger.pipeline)  # or keep it open
                    self.store.close(trigger.name, burst)
                    return self._start(trigger, ring.number)
                else:
                    self._put_off(trigger, burst, now)
                    return None
        raise RunConflict(f"{trigger.name}: others were faster")

    def _take_over(self, ring: Ring, burst: Burst, now: datetime) -> bool:
        """Note a timer that is not the noted one, if that one is lost; whether it is noted now.

        One that is ahead of the noted one may be ahead of the write that notes it: it rings again.
        """
        if burst.rings_at is not None and _is_late(burst.rings_at, now):
            self.store.put_off(ring.trigger.name, burst, ring.at)
            return True
        is_ahead = burst.rings_at is None or ring.at > burst.rings_at
        if is_ahead and not _is_late(ring.at, now):
            self.timers.ring(ring, RING_AGAIN_S)
        return False

    def _put_off(self, trigger: QuietTrigger, burst: Burst, now: datetime) -> None:
        assert burst.last_at is not None, burst
        left_s = (burst.last_at - now).total_seconds() + trigger.quiet_s
        rings_at = self._ring(trigger, burst.number, left_s)
        self.store.put_off(trigger.name, burst, rings_at)

    def _ring(self, trigger: QuietTrigger, number: int, delay_s: float) -> datetime:
        at = self.engine.clock.now() + timedelta(seconds=delay_s)
        self.timers.ring(Ring(trigger=trigger, number=number, at=at), delay_s)
        return at

    def _start(self, trigger: QuietTrigger, number: int) -> Handled:
        key = f"burst/{trigger.id}/{number}"
        run_id = keyed_run_id(trigger.pipeline, key)
        said: Mapping[str, str] = {}
        if not self._is_started(run_id):
            said = self._listed(run_id, trigger, number)
        order = StartOrder(
            run_id=run_id,
            pipeline=trigger.pipeline,
            key=key,
            trigger=said,
            overlap=trigger.overlap,
        )
        return self.engine.start(order)

    def _is_started(self, run_id: str) -> bool:
        try:
            self.engine.runs.load(run_id)
        except RunNotFound:
            return False
        return True

    def _listed(self, run_id: str, trigger: QuietTrigger, number: int) -> Mapping[str, str]:
        """Write the list of a burst's uploads; what `${trigger.…}` means."""
        uploads = _latest(self.store.uploads(trigger.name, number))
        if not uploads:
            raise InputError(f"nothing is known any more of burst {number} of {trigger.name}")
        uri = f"s3://{self.engine.environment['bucket']}/{RUNS_PREFIX}{run_id}/uploads.jsonl"
        self._write(uri, uploads)
        return {"bucket": uploads[0].bucket, "uploads": uri, "count": str(len(uploads))}

    def _write(self, uri: str, uploads: Iterable[CreatedObject]) -> None:
        listed = self.objects.upload(uri)
        for upload in uploads:
            entry = {"bucket": upload.bucket, "key": upload.key, "size": upload.size}
            entry |= {"versionId": upload.version_id} if upload.version_id else {}
            listed.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
        listed.complete()


def _is_late(rings_at: datetime, now: datetime) -> bool:
    return now > rings_at + timedelta(seconds=TIMER_LATE_S)


def _latest(uploads: Iterable[CreatedObject]) -> list[CreatedObject]:
    """By key; an object that was overwritten within the burst is there once, as it was last."""
    latest: dict[str, CreatedObject] = {}
    for upload in uploads:
        known = latest.get(upload.key)
        if known is None or upload.is_later(known):
            latest[upload.key] = upload
    return [latest[key] for key in sorted(latest, key=str.encode)]
