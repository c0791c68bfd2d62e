"""Uploads that come one after another, collected until it is quiet: they become one run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from batchrelay.domain.limits import UPLOAD_BATCH_S_MAX, UPLOAD_BATCH_UPLOADS_MAX
from batchrelay.domain.pipeline import Overlap
from batchrelay.domain.run import StartRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedObject:
    """An object that was created."""

    bucket: str
    key: str
    size: int
    """Bytes."""
    version_id: str = ""
    etag: str = ""
    sequencer: str = ""
    """Hexadecimal; of two uploads of one key, see `is_later`."""

    @property
    def identity(self) -> str:
        """The same for the same upload, however often it is delivered."""
        same = self.version_id or f"{self.etag}/{self.sequencer}"
        return f"{self.bucket}/{self.key}/{same}"

    def is_later(self, other: CreatedObject) -> bool:
        """Whether it overwrote another of the same key. Source: S3 User Guide, notification
        content structure: the shorter sequencer is padded at its right."""
        digits = max(len(self.sequencer), len(other.sequencer))
        mine, others = (each.sequencer.upper().ljust(digits, "0") for each in (self, other))
        return mine > others


@dataclass(frozen=True, slots=True, kw_only=True)
class DebouncedTrigger:
    """A trigger that collects uploads in batches, as its rule describes it."""

    pipeline: str
    id: str
    """Unique among the triggers of its pipeline."""
    debounce_s: int
    overlap: Overlap = Overlap.PARALLEL

    @property
    def name(self) -> str:
        """The key of its batches."""
        return f"{self.pipeline}#{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DebouncedUpload:
    """An upload for the batch of a trigger."""

    trigger: DebouncedTrigger
    upload: CreatedObject


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadBatch:
    """The open batch of a trigger, or none yet."""

    number: int = 0
    """Counts the batches of a trigger."""
    count: int = 0
    """Uploads."""
    first_at: datetime | None = None
    last_at: datetime | None = None
    timer_at: datetime | None = None
    """When its timer is due."""
    closed_at: datetime | None = None
    """When the timer was due that closed the one before."""

    def is_over(self, debounce_s: int, now: datetime) -> bool:
        """Whether no upload came for long enough, or it is as large or as long as one may be."""
        if self.first_at is None or self.last_at is None:
            return False
        return (
            now >= self.last_at + timedelta(seconds=debounce_s)
            or now >= self.first_at + timedelta(seconds=UPLOAD_BATCH_S_MAX)
            or self.count >= UPLOAD_BATCH_UPLOADS_MAX
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerMessage:
    """A timer of a batch: check whether it is over."""

    trigger: DebouncedTrigger
    number: int
    at: datetime
    """When it was due: of several timers of a batch, only the recorded one goes on."""


TriggerCommand = StartRequest | DebouncedUpload | TimerMessage | None
"""What a trigger's message wants; None for what is no upload."""
