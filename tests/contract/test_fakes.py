"""The contracts against the fakes that ship with the core."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from batchrelay.adapters.memory import (
    MemoryConsumableResources,
    MemoryEventBus,
    MemoryJobs,
    MemoryLogs,
    MemoryNotices,
    MemoryObjects,
    MemoryPipelineStore,
    MemoryPreparations,
    MemoryRunStore,
    MemoryTimers,
    MemoryUploadBatches,
)
from batchrelay.domain.effects import ContinueRun, MeasureCost, WriteReport
from batchrelay.domain.failures import ChildFailure
from batchrelay.domain.job_queues import JobQueue
from batchrelay.domain.state_change import DETAIL_TYPE, SOURCE
from batchrelay.domain.step_state import JobOutcome
from batchrelay.domain.upload_batch import TimerMessage
from batchrelay.domain.values import Json
from tests.contract import suite


class _MemoryStore(MemoryRunStore, MemoryPipelineStore):
    def __init__(self) -> None:
        MemoryRunStore.__init__(self)
        MemoryPipelineStore.__init__(self)


class TestMemoryStore(suite.PipelineStoreContract, suite.RunStoreContract):
    @pytest.fixture
    def store(self) -> _MemoryStore:
        return _MemoryStore()


class TestMemoryUploadBatches(suite.UploadBatchStoreContract):
    @pytest.fixture
    def upload_batches(self) -> MemoryUploadBatches:
        return MemoryUploadBatches()


class TestMemoryTimers(suite.TimersContract):
    @pytest.fixture
    def timers(self) -> MemoryTimers:
        return MemoryTimers()

    @pytest.fixture
    def next_timer(self, timers: MemoryTimers) -> Callable[[], TimerMessage | None]:
        return lambda: timers.timers[0][0]


class TestMemoryObjects(suite.ObjectsContract):
    @pytest.fixture
    def bucket(self) -> str:
        return "bucket"

    @pytest.fixture
    def objects(self) -> MemoryObjects:
        return MemoryObjects()


class TestMemoryPreparations(suite.PreparationsContract):
    @pytest.fixture
    def preparations(self) -> MemoryPreparations:
        return MemoryPreparations()

    @pytest.fixture
    def arrived(self, preparations: MemoryPreparations) -> Callable[[], tuple[str, str | None]]:
        def last() -> tuple[str, str | None]:
            [effect] = preparations.requested
            if isinstance(effect, ContinueRun):
                return effect.run_id, None
            if isinstance(effect, WriteReport):
                return effect.run_id, f"report {effect.redrive}"
            if isinstance(effect, MeasureCost):
                return effect.run_id, f"measurement {effect.number}"
            return effect.run_id, f"{effect.step}, round {effect.round}"

        return last


class TestMemoryNotices(suite.NoticesContract):
    @pytest.fixture
    def topic(self) -> str:
        return "arn:aws:sns:us-east-1:1:topic"

    @pytest.fixture
    def notices(self) -> MemoryNotices:
        return MemoryNotices()

    @pytest.fixture
    def received_notice(self, notices: MemoryNotices) -> Callable[[], dict[str, str]]:
        def last() -> dict[str, str]:
            [notice] = notices.published
            return {
                "subject": notice.subject,
                "message": notice.message,
                "batchrelay.noticeId": notice.id,
                **notice.attributes,
            }

        return last


class TestMemoryEventBus(suite.EventBusContract):
    @pytest.fixture
    def event_bus(self) -> MemoryEventBus:
        return MemoryEventBus()

    @pytest.fixture
    def received_event(self, event_bus: MemoryEventBus) -> Callable[[], dict[str, Any]]:
        def last() -> dict[str, Any]:
            [change] = event_bus.published
            detail = json.loads(change.detail)
            return {"source": SOURCE, "detail-type": DETAIL_TYPE, "detail": detail}

        return last


class TestMemoryPresigner(suite.PresignerContract):
    @pytest.fixture
    def presigner(self) -> MemoryObjects:
        return MemoryObjects()


class TestMemoryJobs(suite.JobsContract):
    @pytest.fixture
    def queue(self) -> str:
        return "queue"

    @pytest.fixture
    def jobs(self, queue: str) -> MemoryJobs:
        arn = f"arn:aws:batch:us-east-1:000000000000:job-queue/{queue}"
        return MemoryJobs(job_queues=[JobQueue(name=queue, arn=arn, state="ENABLED")])

    @pytest.fixture
    def request_of(self) -> Callable[[str], Mapping[str, Json]]:
        return lambda name: {"jobName": name, "jobQueue": "queue", "jobDefinition": "d"}

    @pytest.fixture
    def derive(self) -> Callable[[Callable[[], bool]], None]:
        return lambda _: None

    @pytest.fixture
    def ended(self, jobs: MemoryJobs) -> suite.Ended:
        def end(name: str, exit_codes: tuple[int, ...]) -> str:
            size = len(exit_codes)
            array = {"arrayProperties": {"size": size}} if size > 1 else {}
            job_id = jobs.submit({"jobName": name, "jobQueue": "queue", **array})
            failures = [
                ChildFailure(
                    index=index,
                    job_id=f"{job_id}:{index}" if array else job_id,
                    exit_code=code,
                    reason=suite.EXITED,
                )
                for index, code in enumerate(exit_codes)
                if code
            ]
            outcome = JobOutcome.FAILED if failures else JobOutcome.SUCCEEDED
            jobs.end(job_id, outcome, failures=failures)
            return job_id

        return end

    @pytest.mark.parametrize("size", [None, 3])
    def test_every_child_of_a_job_that_failed_as_a_whole_failed_for_its_reason(
        self, jobs: MemoryJobs, size: int | None
    ) -> None:
        array = {} if size is None else {"arrayProperties": {"size": size}}
        job_id = jobs.submit({"jobName": "a", "jobQueue": "queue", **array})
        assert list(jobs.failed_children(job_id)) == []
        jobs.terminate([job_id], "enough")
        failures = list(jobs.failed_children(job_id))
        ids = [job_id] if size is None else [f"{job_id}:{index}" for index in range(size)]
        assert [(failure.index, failure.job_id) for failure in failures] == list(enumerate(ids))
        assert {failure.reason for failure in failures} == {"enough"}

    def test_a_forgotten_job_is_not_described_and_its_id_is_not_given_again(
        self, jobs: MemoryJobs
    ) -> None:
        job_id = jobs.submit({"jobName": "a", "jobQueue": "queue"})
        jobs.forget(job_id)
        assert jobs.describe([job_id]) == ()
        assert jobs.submit({"jobName": "a", "jobQueue": "queue"}) != job_id


class TestMemoryLogs(suite.LogsContract):
    @pytest.fixture
    def logs(self) -> MemoryLogs:
        return MemoryLogs()

    @pytest.fixture
    def printed(self, logs: MemoryLogs) -> Callable[[tuple[str, ...]], str]:
        def put(lines: tuple[str, ...]) -> str:
            logs.lines["job:7"] = lines
            return "job:7"

        return put


class TestMemoryConsumableResources(suite.ConsumableResourcesContract):
    @pytest.fixture
    def resources(self) -> MemoryConsumableResources:
        return MemoryConsumableResources()

    @pytest.fixture
    def run_id(self) -> str:
        return "run1"
