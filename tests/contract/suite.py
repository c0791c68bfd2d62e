"""What every adapter of a port must do; each is run against fakes, moto and the local cloud."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from batchrelay.codec import encode_pipeline
from batchrelay.domain.consumable_resources import ConsumableResource, resources_prefix
from batchrelay.domain.effects import ContinueRun, Prepare, WriteReport
from batchrelay.domain.errors import (
    InvalidItems,
    InvalidPipeline,
    JobForgotten,
    PipelineNotFound,
    RunConflict,
    RunExists,
    RunNotFound,
)
from batchrelay.domain.events import (
    JobFailed,
    JobSubmitted,
    NoticeSent,
    RunDequeued,
    RunEndPublished,
)
from batchrelay.domain.failures import ChildFailure
from batchrelay.domain.job_detail import Capacity
from batchrelay.domain.notices import Notice
from batchrelay.domain.pipeline import (
    ListFile,
    ListFormat,
    NoticeRule,
    Overlap,
    Param,
    Pipeline,
    S3Trigger,
    ScheduleTrigger,
    Step,
)
from batchrelay.domain.run import Run, RunStatus
from batchrelay.domain.run_cost import RunCost
from batchrelay.domain.run_queue import RunQueue
from batchrelay.domain.state_change import StateChange
from batchrelay.domain.step_state import JobOutcome
from batchrelay.domain.transitions import advance, new_run
from batchrelay.domain.upload_batch import (
    CreatedObject,
    DebouncedTrigger,
    TimerMessage,
    UploadBatch,
)
from batchrelay.domain.values import Json
from batchrelay.ports import (
    ConsumableResources,
    EventBus,
    JobDetails,
    Jobs,
    Logs,
    ManyObjects,
    Notices,
    Objects,
    PipelineStore,
    Preparations,
    Presigner,
    Registered,
    RunStore,
    Timers,
    UploadBatchStore,
)
from tests.builders import ENVIRONMENT, T0, at, fold, key, pipeline, step

EVERYTHING = Pipeline(
    name="everything",
    version=3,
    params=(Param(name="source", description="a folder"), Param(name="x", default="")),
    steps=(
        step("List", request={"parameters": {"x": "é ☃"}}, output="s3://b/${params.x}"),
        Step(
            name="Fan",
            needs=("List",),
            request={"jobQueue": "q", "jobDefinition": "d", "tags": {"a": "b"}},
            for_each=ListFile(file="s3://b/plan.json", format=ListFormat.JSON, items="Items"),
        ),
        step("Wide", size=25_000),
    ),
    notify=(NoticeRule(topic="${env.topicArn}", on=frozenset({"FAILED"}), link=""),),
    triggers=(
        S3Trigger(bucket="inbox", prefix="a/"),
        S3Trigger(bucket="inbox", debounce_s=60, overlap=Overlap.QUEUE),
        ScheduleTrigger(expression="rate(1 day)", overlap=Overlap.CANCEL_RUNNING),
    ),
    timeout_s=3_600,
)


def run_of(run_id: str) -> Run:
    queued = new_run(
        run_id=run_id,
        pipeline=EVERYTHING,
        params={"source": "s3://b/", "x": ""},
        environment=ENVIRONMENT,
        at=T0,
        trigger={"bucket": "b", "key": "a/é"},
        overlap=Overlap.QUEUE,
    )
    return advance(queued, RunDequeued(at=T0))


def ended(run: Run) -> Run:
    """The run after everything went wrong, and that was reported."""
    for part in range(3):
        event = JobFailed(
            at=at(1),
            key=replace(key("wide", part), run_id=run.id),
            job_id=f"job-{part}",
            succeeded=1,
            failed=2,
            reason="exit code 1",
        )
        run = fold(run, event)
    first = JobFailed(
        at=at(2),
        key=replace(key("list"), run_id=run.id),
        job_id="job-9",
        succeeded=0,
        failed=1,
        reason="",
    )
    run = fold(run, first)
    run = fold(run, NoticeSent(at=at(3), rule=0))
    return advance(run, RunEndPublished(at=at(3), redrive=0))


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


class ObjectsContract:
    def test_an_object_is_read_as_it_was_written(self, objects: Objects, bucket: str) -> None:
        uri = f"s3://{bucket}/a b+c%20é.txt"
        upload = objects.upload(uri)
        for chunk in (b"one\n", b"", b"two\n"):
            upload.write(chunk)
        upload.complete()
        assert b"".join(objects.read(uri)) == b"one\ntwo\n"

    def test_an_object_larger_than_a_part_is_written_whole(
        self, objects: Objects, bucket: str
    ) -> None:
        uri = f"s3://{bucket}/large"
        chunk = bytes(range(256)) * 4_096  # 1 MiB
        upload = objects.upload(uri)
        for _ in range(17):
            upload.write(chunk)
        upload.complete()
        assert b"".join(objects.read(uri)) == chunk * 17

    @pytest.mark.parametrize("pause", [0, 3, 9, 17])
    def test_an_upload_is_taken_up_where_it_was_put_down(
        self, objects: Objects, bucket: str, pause: int
    ) -> None:
        uri = f"s3://{bucket}/paused"
        upload = objects.upload(uri)
        chunks = [bytes([number]) * 1_048_576 for number in range(17)]
        for chunk in chunks[:pause]:
            upload.write(chunk)
        upload = objects.upload(uri, json.loads(json.dumps(upload.suspend())))
        for chunk in chunks[pause:]:
            upload.write(chunk)
        upload.complete()
        assert b"".join(objects.read(uri)) == b"".join(chunks)

    def test_objects_are_listed_by_key_behind_a_key(self, objects: Objects, bucket: str) -> None:
        names = ["a b+c%20é.txt", "a/", "b&<>.txt", "z\u2028.txt", "Ä.txt", "a/b.txt"]
        for name in names:
            upload = objects.upload(f"s3://{bucket}/list/{name}")
            upload.write(name.encode())
            upload.complete()
        expected = [(f"list/{name}", len(name.encode())) for name in sorted(names, key=str.encode)]
        assert list(objects.list(f"s3://{bucket}/list/", "")) == expected
        assert list(objects.list(f"s3://{bucket}/list/", expected[2][0])) == expected[3:]
        assert list(objects.list(f"s3://{bucket}/nothing", "")) == []

    def test_many_objects_are_read_in_their_order(self, objects: ManyObjects, bucket: str) -> None:
        for number in range(30):
            upload = objects.upload(f"s3://{bucket}/many/{number}")
            upload.write(b"%d" % number)
            upload.complete()
        names = [f"s3://{bucket}/many/{number}" for number in (*range(29, -1, -1), "absent")]
        bodies = [b"%d" % number for number in range(29, -1, -1)]
        assert list(objects.read_all(names)) == [*bodies, None]

    def test_a_range_of_an_object_is_read_with_its_last_byte(
        self, objects: ManyObjects, bucket: str
    ) -> None:
        upload = objects.upload(f"s3://{bucket}/range")
        upload.write(b"0123456789")
        upload.complete()
        assert objects.read_range(f"s3://{bucket}/range", 2, 4) == b"234"
        assert objects.read_range(f"s3://{bucket}/range", 8, 20) == b"89"
        for name, first in (("range", 10), ("absent", 0)):
            with pytest.raises(InvalidItems):
                objects.read_range(f"s3://{bucket}/{name}", first, 12)

    def test_a_small_object_is_written_whole_and_replaces_the_one_before(
        self, objects: ManyObjects, bucket: str
    ) -> None:
        for body in (b"<p>one", "<p>two é".encode()):
            objects.put(f"s3://{bucket}/page.html", body, "text/html; charset=utf-8")
            assert b"".join(objects.read(f"s3://{bucket}/page.html")) == body

    @pytest.mark.parametrize("megabytes", [0, 9])
    def test_a_failed_write_leaves_no_object(
        self, objects: Objects, bucket: str, megabytes: int
    ) -> None:
        uri = f"s3://{bucket}/half"
        upload = objects.upload(uri)
        for _ in range(megabytes):
            upload.write(b"x" * 1_048_576)
        upload.abort()
        with pytest.raises(InvalidItems, match="there is no such object"):
            list(objects.read(uri))


class PreparationsContract:
    def test_a_request_arrives(
        self, preparations: Preparations, arrived: Callable[[], tuple[str, str | None]]
    ) -> None:
        preparations.request(Prepare(run_id="one", step="Fan é", round=2, since=T0))
        assert arrived() == ("one", "Fan é, round 2")

    def test_a_request_to_go_on_with_a_run_arrives(
        self, preparations: Preparations, arrived: Callable[[], tuple[str, str | None]]
    ) -> None:
        preparations.request(ContinueRun(run_id="one", since=T0))
        assert arrived() == ("one", None)

    def test_a_request_of_a_report_arrives(
        self, preparations: Preparations, arrived: Callable[[], tuple[str, str | None]]
    ) -> None:
        preparations.request(WriteReport(run_id="one", redrive=2, since=T0))
        assert arrived() == ("one", "report 2")


class NoticesContract:
    def test_a_notice_arrives_with_its_id(
        self, notices: Notices, topic: str, received_notice: Callable[[], dict[str, str]]
    ) -> None:
        notices.publish(
            Notice(
                topic=topic,
                id="one-0-succeeded",
                subject="p SUCCEEDED",
                message="Output: s3://b/é",
                attributes={"batchrelay.runId": "one", "batchrelay.run": '{"a":"\\u00e9"}'},
            )
        )
        assert received_notice() == {
            "subject": "p SUCCEEDED",
            "message": "Output: s3://b/é",
            "batchrelay.noticeId": "one-0-succeeded",
            "batchrelay.runId": "one",
            "batchrelay.run": '{"a":"\\u00e9"}',
        }


class EventBusContract:
    def test_the_end_of_a_run_arrives(
        self, event_bus: EventBus, received_event: Callable[[], dict[str, Any]]
    ) -> None:
        event_bus.publish(StateChange(time=T0, detail='{"runId":"one","redrive":0}'))
        assert received_event() == {
            "source": "batchrelay",
            "detail-type": "batchrelay Run State Change",
            "detail": {"runId": "one", "redrive": 0},
        }


class PresignerContract:
    def test_a_url_names_the_object_and_its_time(self, presigner: Presigner) -> None:
        url = presigner.presigned("s3://some-bucket/a/b c.csv", 3_600)
        assert url.startswith("http")
        assert "some-bucket" in url
        assert "X-Amz-Expires=3600" in url

    def test_what_is_no_object_has_no_url(self, presigner: Presigner) -> None:
        with pytest.raises(InvalidItems):
            presigner.presigned("s3://some-bucket/", 60)


def submitted(jobs: Jobs, *requests: Mapping[str, Json]) -> list[str]:
    """The job ids of requests that are all accepted."""
    answers = jobs.submit_all(requests)
    job_ids = [answer for answer in answers if isinstance(answer, str)]
    assert len(job_ids) == len(requests), answers
    return job_ids


class JobsContract:
    """`request` makes a SubmitJob request of a name that this AWS Batch accepts."""

    def test_a_job_is_found_by_its_exact_name_oldest_first(
        self, jobs: Jobs, request_of: Callable[[str], Mapping[str, Json]], queue: str
    ) -> None:
        name = "br-find-a-r0-p0"
        names = (name, name + "0", name.upper())
        first, *_ = submitted(jobs, *map(request_of, names))
        [second] = submitted(jobs, request_of(name))
        assert jobs.find(queue, name) == (first, second)
        assert jobs.find(queue, "br-find-b-r0-p0") == ()

    def test_a_job_queue_of_the_account_is_listed(self, jobs: Jobs, queue: str) -> None:
        [found] = [known for known in jobs.queues() if known.name == queue]
        assert found.arn.endswith(f":job-queue/{queue}")
        assert found.state == "ENABLED"

    def test_unknown_jobs_are_left_out(
        self, jobs: Jobs, request_of: Callable[[str], Mapping[str, Json]]
    ) -> None:
        [job_id] = submitted(jobs, request_of("br-describe-a-r0-p0"))
        described = jobs.describe(["absent", job_id, *(f"none-{n}" for n in range(150))])
        assert [report.job_id for report in described] == [job_id]

    def test_a_terminated_job_fails_with_the_reason(
        self,
        jobs: Jobs,
        request_of: Callable[[str], Mapping[str, Json]],
        derive: Callable[[Callable[[], bool]], None],
    ) -> None:
        [job_id] = submitted(jobs, request_of("br-stop-a-r0-p0"))
        assert jobs.terminate([job_id, "absent"], "enough") == (job_id, "absent")
        derive(lambda: jobs.describe([job_id])[0].outcome is not None)
        [report] = jobs.describe([job_id])
        assert (report.outcome, report.failed) == (JobOutcome.FAILED, 1)
        assert report.reason.startswith("enough")

    def test_the_failed_children_of_an_array_are_named(self, jobs: Jobs, ended: Ended) -> None:
        job_id = ended("br-failed-a-r0-p0", (0, 3, 0, 75))
        failures = sorted(jobs.failed_children(job_id), key=lambda failure: failure.index)
        assert failures == [
            ChildFailure(index=1, job_id=f"{job_id}:1", exit_code=3, reason=EXITED),
            ChildFailure(index=3, job_id=f"{job_id}:3", exit_code=75, reason=EXITED),
        ]
        [report] = jobs.describe([job_id])
        assert (report.succeeded, report.failed) == (2, 2)

    def test_a_plain_job_that_failed_is_one_child(self, jobs: Jobs, ended: Ended) -> None:
        job_id = ended("br-failed-b-r0-p0", (3,))
        [failure] = jobs.failed_children(job_id)
        assert failure == ChildFailure(index=0, job_id=job_id, exit_code=3, reason=EXITED)

    @pytest.mark.parametrize("exit_codes", [(0,), (0, 0)])
    def test_what_succeeded_has_no_failed_children(
        self, jobs: Jobs, ended: Ended, exit_codes: tuple[int, ...]
    ) -> None:
        job_id = ended(f"br-failed-c{len(exit_codes)}-r0-p0", exit_codes)
        assert list(jobs.failed_children(job_id)) == []

    def test_a_job_that_is_not_there_is_forgotten(self, jobs: Jobs) -> None:
        with pytest.raises(JobForgotten, match="no longer knows job absent"):
            list(jobs.failed_children("absent"))

    def test_the_children_of_an_array_are_described_in_their_order(
        self, jobs: JobDetails, ended: Ended, queue: str
    ) -> None:
        job_id = ended("br-details-a-r0-p0", (0, 3, 0, 75))
        ids = [job_id, f"{job_id}:3", "absent", *(f"none-{n}" for n in range(150)), f"{job_id}:0"]
        array, failed, succeeded = jobs.details(ids)
        assert (array.job_id, array.size, array.status) == (job_id, 4, "FAILED")
        assert (failed.job_id, failed.size, failed.status) == (f"{job_id}:3", 0, "FAILED")
        assert (failed.exit_code, failed.reason) == (75, EXITED)
        assert (succeeded.job_id, succeeded.status) == (f"{job_id}:0", "SUCCEEDED")
        assert {detail.queue for detail in (array, failed, succeeded)} == {queue}

    def test_a_plain_job_is_described_without_children(
        self, jobs: JobDetails, ended: Ended
    ) -> None:
        [detail] = jobs.details([ended("br-details-b-r0-p0", (3,))])
        assert (detail.size, detail.status, detail.exit_code) == (0, "FAILED", 3)
        assert (detail.attempts, detail.earlier_s) == (1, 0)

    def test_a_job_queue_has_the_capacity_of_its_compute_environments(
        self, jobs: JobDetails, ended: Ended, queue: str
    ) -> None:
        ended("br-details-c-r0-p0", (0,))
        assert jobs.capacities([queue, "absent"]) == {queue: Capacity()}


Ended = Callable[[str, tuple[int, ...]], str]
"""The id of a job that has ended: its name, and the exit codes of its children."""

EXITED = "Essential container in task exited"


class LogsContract:
    """`printed` is the id of a job that has printed these lines, and ended."""

    def test_the_last_lines_are_read_in_their_order(
        self, logs: Logs, printed: Callable[[tuple[str, ...]], str]
    ) -> None:
        job_id = printed(("one", "two", "three"))
        assert logs.tail(job_id, 2) == ("two", "three")
        assert logs.tail(job_id, 9) == ("one", "two", "three")

    def test_a_job_that_printed_nothing_has_no_lines(
        self, logs: Logs, printed: Callable[[tuple[str, ...]], str]
    ) -> None:
        assert logs.tail(printed(()), 9) == ()

    def test_a_job_that_is_not_there_has_no_lines(self, logs: Logs) -> None:
        assert logs.tail("absent", 9) == ()


def as_dict(body: str) -> dict[str, str]:
    """An SNS envelope, flat."""
    envelope = json.loads(body)
    attributes = {name: a["Value"] for name, a in envelope["MessageAttributes"].items()}
    return {"subject": envelope["Subject"], "message": envelope["Message"], **attributes}


class ConsumableResourcesContract:
    """What is created once may be created, and deleted, as often as one likes."""

    def test_a_resource_is_there_once_however_often_it_is_made(
        self, resources: ConsumableResources, run_id: str
    ) -> None:
        prefix = resources_prefix(run_id)
        first = ConsumableResource(name=f"{prefix}0-Fan", units=2)
        for _ in range(2):
            resources.ensure(first)
        resources.ensure(ConsumableResource(name=f"{prefix}1-fan", units=3))
        assert sorted(resources.names(prefix)) == [f"{prefix}0-Fan", f"{prefix}1-fan"]
        assert resources.names(f"{prefix}0-F") == (first.name,)
        assert resources.names(f"{prefix}0-f") == ()

    def test_what_is_gone_may_be_deleted(self, resources: ConsumableResources, run_id: str) -> None:
        prefix = resources_prefix(run_id)
        resources.ensure(ConsumableResource(name=f"{prefix}0-fan", units=2))
        for _ in range(2):
            resources.delete(f"{prefix}0-fan")
        assert resources.names(prefix) == ()
