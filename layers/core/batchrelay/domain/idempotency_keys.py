"""The keys by which the same start is made only once, however often it is requested."""

from __future__ import annotations

import hashlib

from batchrelay.domain.upload_batch import CreatedObject


def scheduled_time_key(time: str) -> str:
    """A scheduled time of a pipeline is one run."""
    return f"time/{time}"


def upload_key(upload: CreatedObject) -> str:
    """A version of an object is one run."""
    return f"s3/{upload.identity}"


def upload_batch_key(trigger_id: str, number: int) -> str:
    """A batch of uploads is one run."""
    return f"uploads/{trigger_id}/{number}"


def keyed_run_id(pipeline: str, key: str) -> str:
    """The id of the one run of a pipeline that a key starts."""
    return "k" + hashlib.sha256(f"{pipeline}/{key}".encode()).hexdigest()[:24]
