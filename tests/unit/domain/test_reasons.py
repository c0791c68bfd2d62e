"""A reason from outside is cut where it is stored, so in notices and documents too."""

from __future__ import annotations

import json

import pytest

from batchrelay.api.views import history, run_document
from batchrelay.codec import encode_run
from batchrelay.domain.events import (
    CancelRequested,
    Event,
    JobBlocked,
    JobFailed,
    JobSubmitted,
    PreparationFailed,
    SubmissionRefused,
)
from batchrelay.domain.limits import NOTICE_BYTES_MAX, STEPS_MAX
from batchrelay.domain.notices import notice_of
from batchrelay.domain.pipeline import NoticeRule
from batchrelay.domain.values import step_label
from tests.builders import T0, fold, key, run_of, step

LONG = "\r100 of 1,000,000" * 300_000
"""What a progress bar writes: 5 MB without a line feed."""

SUBMITTED = JobSubmitted(at=T0, key=key("a"), job_id="j")


@pytest.mark.parametrize(
    "events",
    [
        (SUBMITTED, JobFailed(at=T0, key=key("a"), job_id="j", succeeded=0, failed=1, reason=LONG)),
        (SubmissionRefused(at=T0, key=key("a"), reason=LONG),),
        (SUBMITTED, JobBlocked(at=T0, key=key("a"), job_id="j", reason=LONG)),
        (PreparationFailed(at=T0, step="b", round=0, reason=LONG),),
        (SUBMITTED, CancelRequested(at=T0, reason=LONG)),
    ],
)
def test_a_reason_of_5_mb_is_cut_where_it_is_stored(events: tuple[Event, ...]) -> None:
    rule = NoticeRule(topic="t", on=frozenset({"FAILED"}), link=None)
    run = fold(run_of(step("a"), step("b", file="s3://b/k"), notify=(rule,)), *events)
    assert LONG[:50] in json.dumps([encode_run(run), run_document(run)]).replace("\\r", "\r")
    for document in (encode_run(run), run_document(run), history(run), notice_of(run, 0).message):
        assert len(json.dumps(document)) < 3_000


def test_a_notice_is_no_longer_than_sns_takes() -> None:
    """500 steps, each with a reason that is six times as long when it is printed."""
    rule = NoticeRule(topic="t", on=frozenset({"FAILED"}), link=None)
    steps = [step(f"{'s' * 120}{n:03}") for n in range(STEPS_MAX)]
    events = [
        SubmissionRefused(at=T0, key=key(step_label(s.name)), reason="\u202e" * 200) for s in steps
    ]
    message = notice_of(fold(run_of(*steps, notify=(rule,)), *events), 0).message
    assert NOTICE_BYTES_MAX - 2_000 < len(message.encode()) < NOTICE_BYTES_MAX + 100
    _, _, *causes, why, here, again, blank = message.splitlines()[:11]
    assert all(cause.startswith("Cause in s") for cause in causes)
    assert (why, blank) == ("Why items failed: batchrelay failures run1", "")
    assert here == f"Run one here: batchrelay spin run1/{steps[0].name}:ITEM"
    assert again == "Run them again: batchrelay redrive run1"
    *kept, last = message.splitlines()[11:]
    assert last == f"  … and {STEPS_MAX - len(kept)} more lines"
    assert all(line.endswith(r"\u202e…)") for line in kept[5:])
