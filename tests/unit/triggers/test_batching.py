"""Uploads of one batch are one run, also with duplicate messages, in any order, after any crash."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from batchrelay.adapters.memory import MemoryUploadBatches
from batchrelay.domain import upload_batch as batch
from batchrelay.domain.errors import InputError, PipelineNotFound, RunConflict, RunSkipped
from batchrelay.domain.limits import UPLOAD_BATCH_S_MAX, UPLOAD_BATCH_UPLOADS_MAX
from batchrelay.domain.pipeline import Overlap, S3Trigger
from batchrelay.domain.run import Run
from batchrelay.domain.step_state import JobOutcome
from batchrelay.engine.outcome import Handled
from batchrelay.triggers import batching as upload_batches
from batchrelay.triggers.batching import TIMER_LATE_S, TIMER_RETRY_S
from batchrelay.triggers.messages import s3_input
from tests.builders import MemoryCloud, dies_at, pipeline, step

QUIET_S = 60
TRIGGER = S3Trigger(bucket="inbox", prefix="in/", debounce_s=QUIET_S)


@pytest.fixture
def cloud() -> MemoryCloud:
    cloud = MemoryCloud(pipeline(step("a", file="${trigger.uploads}")))
    cloud.pipelines.register(cloud.pipelines.get_pipeline("test", 1), cloud.clock.now())
    return cloud


def message(key: str, sequencer: str = "1", trigger: S3Trigger = TRIGGER) -> str:
    found = {"key": key, "size": 7, "etag": "e", "sequencer": sequencer}
    detail = {"bucket": {"name": trigger.bucket}, "object": found}
    return s3_input("test", trigger).replace("<detail>", json.dumps(detail))


def deliver(cloud: MemoryCloud, *bodies: str) -> list[Any]:
    """The messages of one batch; what came of each."""
    outcomes = cloud.triggers.receive({str(number): body for number, body in enumerate(bodies)})
    return [outcomes[str(number)] for number in range(len(bodies))]


def timer_fires(cloud: MemoryCloud, number: int = -1) -> Handled | None:
    return cloud.triggers.upload_batches.receive(cloud.timers.timers[number][0])


def only_run(cloud: MemoryCloud) -> Run:
    [run] = cloud.runs.runs.values()
    return run


def listed(cloud: MemoryCloud, run: Run) -> list[dict[str, Any]]:
    lines = cloud.objects.objects[run.trigger["uploads"]].decode().splitlines()
    return [json.loads(line) for line in lines]


def test_a_batch_is_one_run_over_all_of_its_uploads(cloud: MemoryCloud) -> None:
    for start in range(0, 500, 10):
        keys = [f"in/{number:03}.csv" for number in range(start, start + 10)]
        assert deliver(cloud, *map(message, keys)) == [None] * 10
        cloud.clock.move(1)
    [(_, delay_s)] = cloud.timers.timers  # one timer for all of them
    assert delay_s == QUIET_S
    cloud.clock.move(10)
    assert timer_fires(cloud) is None  # 11 s after the last upload
    assert [delay for _, delay in cloud.timers.timers] == [QUIET_S, 49]
    cloud.clock.move(49)
    handled = timer_fires(cloud)
    assert handled is not None
    run = only_run(cloud)
    assert handled.run == run
    assert (run.trigger["bucket"], run.trigger["count"]) == ("inbox", "500")
    assert run.trigger["uploads"] == f"s3://the-bucket/runs/{run.id}/uploads.jsonl"
    entries = listed(cloud, run)
    assert entries[0] == {"bucket": "inbox", "key": "in/000.csv", "size": 7}
    assert [entry["key"] for entry in entries] == [f"in/{number:03}.csv" for number in range(500)]


def test_what_is_reported_again_is_one_upload_even_when_its_batch_is_over(
    cloud: MemoryCloud,
) -> None:
    for _ in range(10):
        deliver(cloud, message("in/a.csv"), message("in/a.csv"))
    cloud.clock.move(QUIET_S)
    timer_fires(cloud)
    deliver(cloud, message("in/a.csv"))
    cloud.clock.move(QUIET_S)
    for number in range(len(cloud.timers.timers)):
        timer_fires(cloud, number)
    assert only_run(cloud).trigger["count"] == "1"


def test_a_timer_that_fires_twice_starts_one_run(cloud: MemoryCloud) -> None:
    deliver(cloud, message("in/a.csv"))
    cloud.clock.move(QUIET_S)
    first, second = timer_fires(cloud), timer_fires(cloud)
    assert first is not None
    assert second is not None
    assert (first.is_repeated, second.is_repeated) == (False, True)
    assert second.run.trigger == first.run.trigger


def test_the_next_batch_is_another_run(cloud: MemoryCloud) -> None:
    for key in ("in/a.csv", "in/b.csv"):
        deliver(cloud, message(key))
        cloud.clock.move(QUIET_S)
        timer_fires(cloud)
    runs = list(cloud.runs.runs.values())
    assert [listed(cloud, run)[0]["key"] for run in runs] == ["in/a.csv", "in/b.csv"]


def test_an_object_that_was_overwritten_is_there_once_as_it_was_last(cloud: MemoryCloud) -> None:
    sizes = {"0055AED6DCD90281E5": 1, "0055aed7": 2, "00": 3}
    for sequencer, size in sizes.items():
        deliver(cloud, message("in/a.csv", sequencer).replace('"size": 7', f'"size": {size}'))
    cloud.clock.move(QUIET_S)
    timer_fires(cloud)
    assert listed(cloud, only_run(cloud)) == [{"bucket": "inbox", "key": "in/a.csv", "size": 2}]


def test_a_batch_that_is_full_is_closed_at_once(
    cloud: MemoryCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_batches, "UPLOAD_BATCH_UPLOADS_MAX", 4)
    monkeypatch.setattr(batch, "UPLOAD_BATCH_UPLOADS_MAX", 4)
    deliver(cloud, message("in/a.csv"), message("in/b.csv"))
    cloud.clock.move(1)
    deliver(cloud, message("in/c.csv"), message("in/d.csv"))
    deliver(cloud, message("in/e.csv"))
    assert [delay for _, delay in cloud.timers.timers] == [QUIET_S, 0, 0]
    assert timer_fires(cloud) is not None
    assert only_run(cloud).trigger["count"] == "5"


def test_a_timer_that_fires_before_it_is_noted_fires_again(
    cloud: MemoryCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write waits for others longer than the timer."""
    collect = cloud.upload_batches.collect

    def late(*arguments: Any) -> None:
        cloud.clock.move(QUIET_S)
        assert timer_fires(cloud) is None
        collect(*arguments)

    monkeypatch.setattr(cloud.upload_batches, "collect", late)
    deliver(cloud, message("in/a.csv"))
    assert [delay for _, delay in cloud.timers.timers] == [QUIET_S, TIMER_RETRY_S]
    cloud.clock.move(QUIET_S)
    assert timer_fires(cloud) is not None
    assert only_run(cloud).trigger["count"] == "1"


def test_a_timer_without_a_batch_ends(cloud: MemoryCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    with dies_at(monkeypatch, cloud.upload_batches, "collect"), pytest.raises(KeyboardInterrupt):
        deliver(cloud, message("in/a.csv"))
    cloud.clock.move(QUIET_S + TIMER_LATE_S + 1)
    assert timer_fires(cloud) is None
    assert len(cloud.timers.timers) == 1


def test_a_spare_timer_takes_over_from_one_that_is_lost(
    cloud: MemoryCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(cloud, message("in/a.csv"))
    [(lost, _)] = cloud.timers.timers
    spare = replace(lost, at=lost.at + timedelta(seconds=1))
    cloud.clock.move(QUIET_S + TIMER_LATE_S + 1)
    with dies_at(monkeypatch, cloud.objects, "upload"), pytest.raises(KeyboardInterrupt):
        cloud.triggers.upload_batches.receive(spare)
    assert cloud.triggers.upload_batches.receive(lost) is None
    assert cloud.triggers.upload_batches.receive(spare) is not None  # SQS brings it again
    assert only_run(cloud).trigger["count"] == "1"


def test_a_spare_timer_does_not_ask_again_for_a_batch_that_was_skipped(
    cloud: MemoryCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes that open a batch both set a timer."""
    trigger = S3Trigger(bucket="inbox", debounce_s=QUIET_S, overlap=Overlap.SKIP)
    deliver(cloud, message("a", trigger=trigger))
    cloud.clock.move(QUIET_S)
    timer_fires(cloud)
    none = cloud.upload_batches.batch
    with monkeypatch.context() as patched:

        def late(name: str) -> batch.UploadBatch:
            patched.setattr(cloud.upload_batches, "batch", none)
            known = none(name)
            deliver(cloud, message("c", trigger=trigger))
            cloud.clock.move(1)
            return known

        patched.setattr(cloud.upload_batches, "batch", late)
        deliver(cloud, message("b", trigger=trigger))
    cloud.clock.move(QUIET_S)
    assert len(cloud.timers.timers) == 3
    with pytest.raises(RunSkipped):
        timer_fires(cloud, 1)
    cloud.engine.cancel(only_run(cloud).id)
    for run_id in list(cloud.runs.open_runs()):
        cloud.jobs.end(next(iter(cloud.jobs.jobs)), JobOutcome.FAILED)
        cloud.engine.reconcile(run_id)
    assert timer_fires(cloud, 2) is None
    only_run(cloud)


def test_triggers_of_one_pipeline_have_batches_of_their_own(cloud: MemoryCloud) -> None:
    other = S3Trigger(bucket="inbox", prefix="other/", debounce_s=QUIET_S)
    deliver(cloud, message("in/a.csv"), message("other/b.csv", trigger=other))
    cloud.clock.move(QUIET_S)
    timer_fires(cloud, 0)
    timer_fires(cloud, 1)
    assert [run.trigger["count"] for run in cloud.runs.runs.values()] == ["1", "1"]


def test_who_closed_a_batch_and_died_leaves_it_to_the_next_delivery(
    cloud: MemoryCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(cloud, message("in/a.csv"))
    cloud.clock.move(QUIET_S)
    with dies_at(monkeypatch, cloud.objects, "upload"), pytest.raises(KeyboardInterrupt):
        timer_fires(cloud)
    assert cloud.runs.runs == {}
    deliver(cloud, message("in/late.csv"))  # it belongs to the next one
    timer_fires(cloud, 0)
    assert [entry["key"] for entry in listed(cloud, only_run(cloud))] == ["in/a.csv"]


def test_a_timer_set_by_another_who_died_does_not_count(
    cloud: MemoryCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dies_at(monkeypatch, cloud.upload_batches, "collect"), pytest.raises(KeyboardInterrupt):
        deliver(cloud, message("in/a.csv"))
    cloud.clock.move(1)
    deliver(cloud, message("in/a.csv"))
    cloud.clock.move(QUIET_S)
    assert timer_fires(cloud, 0) is None
    assert timer_fires(cloud, 1) is not None


def test_who_put_a_timer_off_and_died_puts_it_off_again(
    cloud: MemoryCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(cloud, message("in/a.csv"))
    cloud.clock.move(30)
    deliver(cloud, message("in/b.csv"))
    cloud.clock.move(30)
    with dies_at(monkeypatch, cloud.upload_batches, "extend"), pytest.raises(KeyboardInterrupt):
        timer_fires(cloud, 0)
    cloud.clock.move(1)
    assert timer_fires(cloud, 0) is None
    cloud.clock.move(29)
    assert timer_fires(cloud, 1) is not None  # the one of who died; both are due now
    assert timer_fires(cloud, 2) is not None
    assert only_run(cloud).trigger["count"] == "2"


def test_an_upload_comes_just_when_a_batch_is_closed(
    cloud: MemoryCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(cloud, message("in/a.csv"))
    cloud.clock.move(QUIET_S)
    close = MemoryUploadBatches.close

    def late(self: MemoryUploadBatches, name: str, batch: Any) -> None:
        monkeypatch.setattr(MemoryUploadBatches, "close", close)
        deliver(cloud, message("in/b.csv"))
        close(self, name, batch)

    monkeypatch.setattr(MemoryUploadBatches, "close", late)
    assert timer_fires(cloud) is None  # it goes on
    cloud.clock.move(QUIET_S)
    timer_fires(cloud)
    assert only_run(cloud).trigger["count"] == "2"


def test_a_batch_that_is_never_quiet_ends_all_the_same(cloud: MemoryCloud) -> None:
    for number in range(UPLOAD_BATCH_S_MAX // 50 + 2):
        deliver(cloud, message(f"in/{number}.csv"))
        cloud.clock.move(50)
        if cloud.clock.now() >= cloud.timers.timers[-1][0].at:
            timer_fires(cloud)
    assert int(only_run(cloud).trigger["count"]) >= UPLOAD_BATCH_S_MAX // 50


def test_a_batch_is_over_when_it_is_as_large_as_one_may_be(cloud: MemoryCloud) -> None:
    deliver(cloud, message("in/a.csv"))
    [known] = cloud.upload_batches.upload_batches.values()
    assert not known.is_over(QUIET_S, cloud.clock.now())
    assert replace(known, count=UPLOAD_BATCH_UPLOADS_MAX).is_over(QUIET_S, cloud.clock.now())


def test_a_timer_that_is_lost_is_set_again_by_the_next_upload(cloud: MemoryCloud) -> None:
    deliver(cloud, message("in/a.csv"))
    cloud.clock.move(QUIET_S + TIMER_LATE_S + 1)
    deliver(cloud, message("in/b.csv"))
    cloud.clock.move(QUIET_S)
    assert timer_fires(cloud, 1) is not None
    assert only_run(cloud).trigger["count"] == "2"


def test_a_batch_skips_while_a_run_is_open(cloud: MemoryCloud) -> None:
    trigger = S3Trigger(bucket="inbox", debounce_s=QUIET_S, overlap=Overlap.SKIP)
    for key in ("a", "b"):
        deliver(cloud, message(key, trigger=trigger))
        cloud.clock.move(QUIET_S)
        if key == "a":
            timer_fires(cloud)
    with pytest.raises(RunSkipped):
        timer_fires(cloud)
    only_run(cloud)


def test_a_folder_marker_is_no_upload(cloud: MemoryCloud) -> None:
    assert deliver(cloud, message("in/").replace('"size": 7', '"size": 0')) == [None]
    assert cloud.timers.timers == []


def test_a_wrong_message_fails_alone(cloud: MemoryCloud) -> None:
    good, bad = deliver(
        cloud, message("in/a.csv"), '{"pipeline": "test", "debounce": 60, "id": "x"}'
    )
    assert good is None
    assert isinstance(bad, InputError)


def test_a_batch_of_a_pipeline_that_was_taken_away_waits_until_it_is_back(
    cloud: MemoryCloud,
) -> None:
    definition = cloud.pipelines.get_pipeline("test", 1)
    deliver(cloud, message("in/a.csv"))
    cloud.pipelines.unregister("test")
    cloud.clock.move(QUIET_S)
    with pytest.raises(PipelineNotFound):
        timer_fires(cloud)
    cloud.pipelines.register(definition, cloud.clock.now())
    cloud.clock.move(TIMER_LATE_S + 1)
    deliver(cloud, message("in/b.csv"))
    cloud.clock.move(QUIET_S)
    timer_fires(cloud)
    assert only_run(cloud).trigger["count"] == "2"


def test_a_batch_that_is_no_longer_known_is_reported(cloud: MemoryCloud) -> None:
    deliver(cloud, message("in/a.csv"))
    cloud.clock.move(QUIET_S)
    timer_fires(cloud)
    cloud.runs.runs.clear()
    cloud.upload_batches.recorded.clear()
    with pytest.raises(InputError, match="the uploads of batch 0 of test#"):
        timer_fires(cloud)


def test_batches_that_change_all_the_time_are_left_to_later(
    cloud: MemoryCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faster(*_: object) -> None:
        raise RunConflict("another process")

    monkeypatch.setattr(cloud.upload_batches, "collect", faster)
    [outcome] = deliver(cloud, message("in/a.csv"))
    assert isinstance(outcome, RunConflict)
