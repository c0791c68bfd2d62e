"""What every adapter of a port must do; each is run against fakes, moto and the local cloud."""

from __future__ import annotations

from tests.contract.suite.jobs import (
    EXITED,
    ConsumableResourcesContract,
    Ended,
    JobsContract,
    LogsContract,
    as_dict,
    submitted,
)
from tests.contract.suite.objects import (
    EventBusContract,
    NoticesContract,
    ObjectsContract,
    PreparationsContract,
    PresignerContract,
)
from tests.contract.suite.runs import EVERYTHING, ended, run_of
from tests.contract.suite.stores import (
    PipelineStoreContract,
    RunStoreContract,
    Store,
    TimersContract,
    UploadBatchStoreContract,
    created,
)

__all__ = [
    "EVERYTHING",
    "EXITED",
    "ConsumableResourcesContract",
    "Ended",
    "EventBusContract",
    "JobsContract",
    "LogsContract",
    "NoticesContract",
    "ObjectsContract",
    "PipelineStoreContract",
    "PreparationsContract",
    "PresignerContract",
    "RunStoreContract",
    "Store",
    "TimersContract",
    "UploadBatchStoreContract",
    "as_dict",
    "created",
    "ended",
    "run_of",
    "submitted",
]
