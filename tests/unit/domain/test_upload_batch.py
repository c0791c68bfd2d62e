"""When a batch of uploads is over, and which of two uploads is the later one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from batchrelay.domain.limits import UPLOAD_BATCH_S_MAX, UPLOAD_BATCH_UPLOADS_MAX
from batchrelay.domain.upload_batch import CreatedObject, DebouncedTrigger, UploadBatch
from tests.builders import T0, at


def created(sequencer: str = "", **fields: str) -> CreatedObject:
    return CreatedObject(bucket="b", key="k/1", size=5, sequencer=sequencer, **fields)


def test_an_upload_is_known_by_its_version_or_by_its_content_and_order() -> None:
    assert created("0A", version_id="v", etag="e").identity == "b/k/1/v"
    assert created("0A", etag="e").identity == "b/k/1/e/0A"


@pytest.mark.parametrize(
    ("mine", "other", "is_later"),
    [
        ("2", "1", True),
        ("1", "2", False),
        ("1", "1", False),
        ("1", "1000", False),
        ("1001", "1", True),
        ("A", "0FF", True),
        ("0FF", "A", False),
        ("b", "A", True),
        ("a", "A", False),
        ("", "1", False),
    ],
)
def test_the_longer_sequencer_is_not_the_later_one(mine: str, other: str, is_later: bool) -> None:
    assert created(mine).is_later(created(other)) is is_later


def test_the_batches_of_a_trigger_have_its_name() -> None:
    assert DebouncedTrigger(pipeline="p", id="1", debounce_s=60).name == "p#1"


LONGEST = at(UPLOAD_BATCH_S_MAX)


@pytest.mark.parametrize(
    ("batch", "seconds", "is_over"),
    [
        (UploadBatch(), 10**6, False),
        (UploadBatch(first_at=T0), 10**6, False),
        (UploadBatch(last_at=T0), 10**6, False),
        (UploadBatch(first_at=T0, last_at=T0), 59, False),
        (UploadBatch(first_at=T0, last_at=T0), 60, True),
        (UploadBatch(first_at=T0, last_at=at(1)), 60, False),
        (UploadBatch(first_at=T0, last_at=LONGEST), UPLOAD_BATCH_S_MAX - 1, False),
        (UploadBatch(first_at=T0, last_at=LONGEST), UPLOAD_BATCH_S_MAX, True),
        (UploadBatch(count=UPLOAD_BATCH_UPLOADS_MAX - 1, first_at=T0, last_at=T0), 0, False),
        (UploadBatch(count=UPLOAD_BATCH_UPLOADS_MAX, first_at=T0, last_at=T0), 0, True),
    ],
)
def test_a_batch_is_over_when_it_is_quiet_or_long_or_large(
    batch: UploadBatch, seconds: int, is_over: bool
) -> None:
    assert batch.is_over(60, T0 + timedelta(seconds=seconds)) is is_over
