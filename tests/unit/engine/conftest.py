"""A performer of effects whose jobs are a test's own."""

from __future__ import annotations

import pytest

from batchrelay.adapters.memory import (
    MemoryClock,
    MemoryConsumableResources,
    MemoryEventBus,
    MemoryNotices,
    MemoryObjects,
    MemoryPreparations,
    MemoryQueues,
)
from batchrelay.engine.effects import Performer
from tests.unit.engine.performing import NOW, Jobs


@pytest.fixture
def jobs() -> Jobs:
    return Jobs()


@pytest.fixture
def performer(jobs: Jobs) -> Performer:
    return Performer(
        jobs=jobs,
        notices=MemoryNotices(),
        event_bus=MemoryEventBus(),
        presigner=MemoryObjects(),
        queues=MemoryQueues(),
        consumable_resources=MemoryConsumableResources(),
        preparations=MemoryPreparations(),
        clock=MemoryClock(time=NOW),
    )
