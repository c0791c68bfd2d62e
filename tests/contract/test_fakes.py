"""The contracts against the fakes that ship with the core."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from batchrelay.adapters.memory import (
    MemoryJobs,
    MemoryNotices,
    MemoryObjects,
    MemoryPipelineStore,
    MemoryPreparations,
    MemoryRunStore,
    MemoryTimers,
    MemoryUploadBatches,
)
from batchrelay.domain.effects import ContinueRun
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
                "notice_id": notice.id,
                **notice.attributes,
            }

        return last


class TestMemoryJobs(suite.JobsContract):
    @pytest.fixture
    def queue(self) -> str:
        return "queue"

    @pytest.fixture
    def jobs(self) -> MemoryJobs:
        return MemoryJobs()

    @pytest.fixture
    def request_of(self) -> Callable[[str], Mapping[str, Json]]:
        return lambda name: {"jobName": name, "jobQueue": "queue", "jobDefinition": "d"}

    @pytest.fixture
    def derive(self) -> Callable[[Callable[[], bool]], None]:
        return lambda _: None
