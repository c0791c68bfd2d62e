"""The parts of a step as one text: a record of equal length for each, in base64.

A part takes the same bytes from its creation to its end, so that no event about its job makes
the run grow (domain/run_size.py). 39 bytes are 52 characters without padding.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from batchrelay.domain.errors import CodecError
from batchrelay.domain.step_state import JobOutcome, Part
from batchrelay.domain.values import JOB_ID

_RECORD = struct.Struct(">HH6s16sHHHB6s")
"""Size, group, milliseconds since the epoch, job id, children that succeeded, failed and run,
flags, and since when the job is missing, likewise."""

_HAS_TIME, _HAS_JOB, _IS_TERMINATE_ACCEPTED, _OUTCOME_SHIFT, _OUTCOME_MASK = 1, 2, 4, 3, 3
_IS_MISSING, _IS_GIVEN_UP, _IS_MEASURED = 32, 64, 128
_OUTCOMES = (None, JobOutcome.SUCCEEDED, JobOutcome.FAILED, JobOutcome.CANCELLED)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def packed_parts(parts: Sequence[Part]) -> str | None:
    """The text; None if a part does not fit its record, such as a job id that is not a UUID."""
    try:
        return base64.b64encode(b"".join(map(_packed, parts))).decode()
    except (struct.error, ValueError, OverflowError):
        return None


def unpacked_parts(text: str, path: str) -> tuple[Part, ...]:
    """The reverse, without why a part is blocked. Raises: CodecError, with the path."""
    try:
        records = base64.b64decode(text, validate=True)
        return tuple(map(_unpacked, _RECORD.iter_unpack(records)))
    except (struct.error, ValueError, IndexError, OverflowError):
        raise CodecError(f"{path}: expected records of {_RECORD.size} bytes in base64") from None


def _packed(part: Part) -> bytes:
    flags = (
        _OUTCOMES.index(part.outcome) << _OUTCOME_SHIFT
        | (_HAS_TIME if part.since is not None else 0)
        | (_HAS_JOB if part.job_id is not None else 0)
        | (_IS_TERMINATE_ACCEPTED if part.is_terminate_accepted else 0)
        | (_IS_MISSING if part.missing_since is not None else 0)
        | (_IS_GIVEN_UP if part.is_given_up else 0)
        | (_IS_MEASURED if part.is_measured else 0)
    )
    since, missing = _time_bytes(part.since), _time_bytes(part.missing_since)
    counts = (part.succeeded, part.failed, part.running)
    job = b"" if part.job_id is None else _uuid_bytes(part.job_id)
    return _RECORD.pack(part.size, part.group, since, job, *counts, flags, missing)


def _unpacked(record: tuple[int, int, bytes, bytes, int, int, int, int, bytes]) -> Part:
    size, group, since, job, succeeded, failed, running, flags, missing = record
    has_time, has_job = bool(flags & _HAS_TIME), bool(flags & _HAS_JOB)
    return Part(
        size=size,
        since=_time(since) if has_time else None,
        group=group,
        job_id=_uuid_text(job.hex()) if has_job else None,
        outcome=_OUTCOMES[flags >> _OUTCOME_SHIFT & _OUTCOME_MASK],
        succeeded=succeeded,
        failed=failed,
        running=running,
        is_terminate_accepted=bool(flags & _IS_TERMINATE_ACCEPTED),
        missing_since=_time(missing) if flags & _IS_MISSING else None,
        is_given_up=bool(flags & _IS_GIVEN_UP),
        is_measured=bool(flags & _IS_MEASURED),
    )


def _time_bytes(time: datetime | None) -> bytes:
    milliseconds = 0 if time is None else round(time.timestamp() * 1000)
    return milliseconds.to_bytes(6, "big")


def _time(milliseconds: bytes) -> datetime:
    return _EPOCH + timedelta(milliseconds=int.from_bytes(milliseconds, "big"))


def _uuid_bytes(text: str) -> bytes:
    if JOB_ID.fullmatch(text) is None:
        raise ValueError(text)
    return bytes.fromhex(text.replace("-", ""))


def _uuid_text(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
