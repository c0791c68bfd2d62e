"""What every store of pipelines, runs, upload batches and timers does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from batchrelay.codec import encode_pipeline
from batchrelay.domain.errors import (
    InvalidPipeline,
    PipelineNotFound,
    RunConflict,
    RunExists,
    RunNotFound,
)
from batchrelay.domain.events import (
    JobSubmitted,
)
from batchrelay.domain.pipeline import (
    Overlap,
)
from batchrelay.domain.run import RunStatus
from batchrelay.domain.run_cost import RunCost
from batchrelay.domain.run_queue import RunQueue
from batchrelay.domain.transitions import advance
from batchrelay.domain.upload_batch import (
    CreatedObject,
    DebouncedTrigger,
    TimerMessage,
    UploadBatch,
)
from batchrelay.ports import (
    PipelineStore,
    Registered,
    RunStore,
    Timers,
    UploadBatchStore,
)
from tests.builders import T0, at, key, pipeline, step
from tests.contract.suite.runs import EVERYTHING, ended, run_of


class PipelineStoreContract:
    def test_a_pipeline_is_read_as_it_was_put(self, store: PipelineStore) -> None:
        store.put_pipeline(EVERYTHING)
        assert store.get_pipeline("everything", 3) == EVERYTHING
        assert encode_pipeline(store.get_pipeline("everything", 3)) == encode_pipeline(EVERYTHING)

    def test_a_version_is_never_changed(self, store: PipelineStore) -> None:
        store.put_pipeline(EVERYTHING)
        with pytest.raises(RunConflict):
            store.put_pipeline(EVERYTHING)

    def test_a_long_definition_is_stored_deflated(self, store: PipelineStore) -> None:
        """500 steps of 1,000 characters are more than an item holds as they are."""
        long = pipeline(*(step(f"s{n}", request={"tags": {"t": "x" * 1_000}}) for n in range(500)))
        assert store.register(long, T0) == 1
        assert store.get_pipeline("test", 1) == long
        assert store.register(long, T0) == 1

    def test_a_definition_that_no_item_holds_is_refused_with_its_size(
        self, store: PipelineStore
    ) -> None:
        """Digits at random deflate to less than a half."""
        digits = Random(7)
        texts = (str(digits.randrange(10**2_000)) for _ in range(500))
        long = pipeline(*(step(f"s{n}", request={"tags": {"t": t}}) for n, t in enumerate(texts)))
        with pytest.raises(
            InvalidPipeline,
            match=r"pipeline test is 4\d\d,\d{3} bytes, deflated as it is stored; a definition "
            r"takes at most 390,000: put",
        ):
            store.register(long, T0)
        assert list(store.registered()) == []
        with pytest.raises(PipelineNotFound):
            store.get_pipeline("test", 1)

    def test_an_unknown_pipeline_is_not_found(self, store: PipelineStore) -> None:
        with pytest.raises(PipelineNotFound, match="absent has no version 1"):
            store.get_pipeline("absent", 1)

    @pytest.mark.parametrize("name", ["", "a b", "../x", "a\0", "x" * 129, "x" * 5_000])
    def test_what_is_no_name_is_no_pipeline(self, store: PipelineStore, name: str) -> None:
        """No key of a table is empty, or longer than 1,024 bytes."""
        for call in (
            store.registered_version,
            store.unregister,
            lambda n: store.get_pipeline(n, 1),
        ):
            with pytest.raises(PipelineNotFound) as error:
                call(name)
            assert str(error.value) == f"there is no pipeline {name[:128]}"

    def test_the_same_content_is_the_same_version(self, store: PipelineStore) -> None:
        assert store.register(EVERYTHING, T0) == 1
        assert store.register(EVERYTHING, at(9)) == 1
        assert list(store.registered()) == [Registered(name="everything", version=1, at=T0)]
        assert store.get_pipeline("everything", 1) == replace(EVERYTHING, version=1)

    def test_other_content_is_a_new_version_and_the_old_one_stays(
        self, store: PipelineStore
    ) -> None:
        store.register(EVERYTHING, T0)
        changed = replace(EVERYTHING, notify=())
        assert store.register(changed, at(1)) == 2
        assert store.registered_version("everything") == 2
        assert store.get_pipeline("everything", 1).notify != ()
        assert store.register(EVERYTHING, at(2)) == 3

    def test_an_unregistered_pipeline_is_not_found_and_registers_as_a_new_version(
        self, store: PipelineStore
    ) -> None:
        store.register(EVERYTHING, T0)
        store.unregister("everything")
        assert list(store.registered()) == []
        for call in (store.registered_version, store.unregister):
            with pytest.raises(PipelineNotFound, match="there is no pipeline everything"):
                call("everything")
        assert store.get_pipeline("everything", 1).name == "everything"
        assert store.register(EVERYTHING, at(1)) == 2


class Store(PipelineStore, RunStore):
    """Both ports, as the adapters have them."""


class RunStoreContract:
    def test_a_run_is_loaded_as_it_was_created(self, store: Store) -> None:
        store.put_pipeline(EVERYTHING)
        created = store.create(run_of("one"))
        assert created == replace(run_of("one"), version=1)
        assert store.load("one") == created

    def test_a_run_is_created_once(self, store: Store) -> None:
        store.put_pipeline(EVERYTHING)
        store.create(run_of("one"))
        with pytest.raises(RunExists):
            store.create(run_of("one"))

    def test_the_runs_of_a_pipeline_are_listed_newest_first(self, store: Store) -> None:
        store.put_pipeline(EVERYTHING)
        store.create(run_of("old"))
        newest = store.create(replace(run_of("new"), started_at=at(5)))
        cost = RunCost(usd=12.3456789, sums="vCPUs", date="2026-09-11")
        store.save(replace(ended(newest), cost=cost))
        listed = [(run.id, run.status, run.started_at) for run in store.runs_of("everything")]
        assert listed == [("new", RunStatus.FAILED, at(5)), ("old", RunStatus.RUNNING, T0)]
        assert {run.cause for run in store.runs_of("everything")} == {"s3://b/a/é"}
        assert [run.cost_usd for run in store.runs_of("everything")] == [12.345679, None]
        [new, old] = store.runs_of("everything")
        assert list(store.runs_of("everything", new.place)) == [old]
        assert list(store.runs_of("everything", old.place)) == []
        assert list(store.runs_of("absent")) == []

    def test_an_unknown_run_is_not_found(self, store: Store) -> None:
        with pytest.raises(RunNotFound, match="no run absent"):
            store.load("absent")

    def test_only_the_writer_of_the_loaded_version_wins(self, store: Store) -> None:
        store.put_pipeline(EVERYTHING)
        loaded = store.create(run_of("one"))
        event = JobSubmitted(at=at(1), key=replace(key("list"), run_id="one"), job_id="a")
        winner = store.save(advance(loaded, event))
        assert winner.version == 2
        with pytest.raises(RunConflict):
            store.save(advance(loaded, replace(event, job_id="b")))
        assert store.load("one") == winner

    def test_what_was_never_stored_cannot_be_saved(self, store: Store) -> None:
        store.put_pipeline(EVERYTHING)
        with pytest.raises(RunConflict):
            store.save(replace(run_of("one"), version=1))

    def test_open_runs_are_those_that_have_not_ended(self, store: Store) -> None:
        store.put_pipeline(EVERYTHING)
        assert list(store.open_runs()) == []
        runs = [store.create(run_of(name)) for name in ("one", "two")]
        assert sorted(store.open_runs()) == ["one", "two"]
        after = store.save(ended(runs[0]))
        assert list(store.open_runs()) == ["two"]
        assert store.load("one") == after

    def test_a_run_enters_the_run_queue_or_is_not_stored(self, store: Store) -> None:
        store.put_pipeline(EVERYTHING)
        run_queue = store.run_queue("everything")
        assert run_queue == RunQueue(pipeline="everything")
        store.create(run_of("one"), run_queue.taken("one"))
        taken = store.run_queue("everything")
        assert taken == RunQueue(pipeline="everything", holder="one", version=1)
        with pytest.raises(RunConflict):
            store.create(run_of("two"), run_queue.taken("two"))
        with pytest.raises(RunNotFound):
            store.load("two")
        with pytest.raises(RunExists):
            store.create(run_of("one"), taken.joined("one"))
        store.create(run_of("two"), taken.joined("two"))
        joined = store.run_queue("everything")
        assert joined == RunQueue(pipeline="everything", holder="one", waiting=("two",), version=2)
        store.save_run_queue(joined.passed_on())
        with pytest.raises(RunConflict):
            store.save_run_queue(joined.passed_on())
        assert store.run_queue("everything") == RunQueue(
            pipeline="everything", holder="two", version=3
        )


def created(number: int, **values: Any) -> CreatedObject:
    key = f"a/{number} é.csv"
    defaults: dict[str, Any] = {"bucket": "inbox", "key": key, "size": number, "etag": "e"}
    return CreatedObject(**(defaults | values))


class UploadBatchStoreContract:
    def test_an_upload_is_noted_once_in_whichever_batch(
        self, upload_batches: UploadBatchStore
    ) -> None:
        none = upload_batches.batch("p#t")
        assert none == UploadBatch()
        uploads = [created(number) for number in range(100)]
        upload_batches.collect("p#t", none, [*uploads[:60], uploads[0]], at(1), at(9))
        first = upload_batches.batch("p#t")
        assert first == UploadBatch(count=60, first_at=at(1), last_at=at(1), timer_at=at(9))
        upload_batches.collect("p#t", first, uploads[50:], at(2), at(9))
        upload_batches.collect("p#t", first, uploads, at(3), at(9))
        known = upload_batches.batch("p#t")
        assert known == UploadBatch(count=100, first_at=at(1), last_at=at(2), timer_at=at(9))
        listed = sorted(upload_batches.uploads("p#t", 0), key=lambda upload: upload.size)
        assert listed == uploads
        upload_batches.close("p#t", known)
        closed = upload_batches.batch("p#t")
        assert closed == UploadBatch(number=1, closed_at=at(9))
        upload_batches.collect("p#t", closed, [uploads[3], created(200)], at(4), at(12))
        assert list(upload_batches.uploads("p#t", 1)) == [created(200)]
        assert len(list(upload_batches.uploads("p#t", 0))) == len(uploads)

    def test_only_the_batch_that_was_looked_at_is_changed(
        self, upload_batches: UploadBatchStore
    ) -> None:
        upload_batches.collect("p#t", UploadBatch(), [created(1)], at(1), at(9))
        seen = upload_batches.batch("p#t")
        with pytest.raises(RunConflict):
            upload_batches.collect("p#t", UploadBatch(), [created(2)], at(2), at(10))
        upload_batches.collect("p#t", seen, [created(3)], at(2), at(9))
        with pytest.raises(RunConflict):  # uploads came meanwhile
            upload_batches.close("p#t", seen)
        upload_batches.extend("p#t", seen, at(20))
        with pytest.raises(RunConflict):
            upload_batches.extend("p#t", seen, at(30))
        upload_batches.close("p#t", upload_batches.batch("p#t"))
        late_calls: tuple[Callable[[], None], ...] = (
            lambda: upload_batches.collect("p#t", seen, [created(4)], at(3), at(9)),
            lambda: upload_batches.close("p#t", seen),
        )
        for call in late_calls:
            with pytest.raises(RunConflict):
                call()
        assert upload_batches.batch("p#t") == UploadBatch(number=1, closed_at=at(20))
        assert upload_batches.batch("p#other") == UploadBatch()


class TimersContract:
    def test_a_timer_carries_what_it_was_given(
        self, timers: Timers, next_timer: Callable[[], TimerMessage | None]
    ) -> None:
        trigger = DebouncedTrigger(pipeline="p é", id="t", debounce_s=60, overlap=Overlap.SKIP)
        timer = TimerMessage(trigger=trigger, number=3, at=at(1.125))
        timers.send(timer, 0)
        assert next_timer() == timer
