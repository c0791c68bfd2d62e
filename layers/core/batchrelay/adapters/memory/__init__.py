"""The world in memory: a fake of every port, for tests, the simulation and a user's own tests.

They keep the promises of the real ones, and no more: a save is conditional, a submission is not
idempotent, a listing knows only names.
"""

from __future__ import annotations

from batchrelay.adapters.memory.backoff import MemoryBackoff
from batchrelay.adapters.memory.clock import MemoryClock
from batchrelay.adapters.memory.consumable_resources import MemoryConsumableResources
from batchrelay.adapters.memory.deliveries import MemoryDeliveries
from batchrelay.adapters.memory.event_bus import MemoryEventBus
from batchrelay.adapters.memory.jobs import MemoryJob, MemoryJobs
from batchrelay.adapters.memory.logs import MemoryLogs
from batchrelay.adapters.memory.notices import MemoryNotices
from batchrelay.adapters.memory.objects import MemoryObjects, MemoryUpload
from batchrelay.adapters.memory.pipeline_store import MemoryPipelineStore
from batchrelay.adapters.memory.preparations import MemoryPreparations
from batchrelay.adapters.memory.queues import MemoryQueues
from batchrelay.adapters.memory.run_store import MemoryRunStore
from batchrelay.adapters.memory.timers import MemoryTimers
from batchrelay.adapters.memory.upload_batches import MemoryUploadBatches

__all__ = [
    "MemoryBackoff",
    "MemoryClock",
    "MemoryConsumableResources",
    "MemoryDeliveries",
    "MemoryEventBus",
    "MemoryJob",
    "MemoryJobs",
    "MemoryLogs",
    "MemoryNotices",
    "MemoryObjects",
    "MemoryPipelineStore",
    "MemoryPreparations",
    "MemoryQueues",
    "MemoryRunStore",
    "MemoryTimers",
    "MemoryUpload",
    "MemoryUploadBatches",
]
