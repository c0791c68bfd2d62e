"""Messages of triggers become runs: at once, or as a batch of uploads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from batchrelay.domain.run import StartRequest
from batchrelay.domain.upload_batch import (
    CreatedObject,
    DebouncedTrigger,
    DebouncedUpload,
    TimerMessage,
)
from batchrelay.engine.outcome import Handled
from batchrelay.triggers.batching import UploadBatches
from batchrelay.triggers.messages import parse_trigger

Outcome = Handled | Exception | None
"""The run that was started; why none was; None if nothing is to be started (yet)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerDispatch:
    """Receives the messages of triggers."""

    upload_batches: UploadBatches
    start: Callable[[StartRequest], Handled]

    def receive(self, messages: Mapping[str, str]) -> dict[str, Outcome]:
        """The outcome of each message, by its id. Uploads of one batch are recorded together."""
        outcomes: dict[str, Outcome] = {}
        uploads: dict[DebouncedTrigger, dict[str, CreatedObject]] = defaultdict(dict)
        for message_id, body in messages.items():
            try:
                match parse_trigger(body):
                    case DebouncedUpload(trigger=trigger, upload=upload):
                        uploads[trigger][message_id] = upload
                    case TimerMessage() as timer:
                        outcomes[message_id] = self.upload_batches.receive(timer)
                    case StartRequest() as request:
                        outcomes[message_id] = self.start(request)
                    case None:
                        outcomes[message_id] = None
            except Exception as error:  # noqa: BLE001  # one message's trouble is not the others'
                outcomes[message_id] = error
        for trigger, by_message in uploads.items():
            outcomes |= dict.fromkeys(by_message, self._record(trigger, by_message))
        return outcomes

    def _record(self, trigger: DebouncedTrigger, uploads: Mapping[str, CreatedObject]) -> Outcome:
        try:
            self.upload_batches.collect(trigger, [*uploads.values()])
        except Exception as error:  # noqa: BLE001  # as above
            return error
        return None
