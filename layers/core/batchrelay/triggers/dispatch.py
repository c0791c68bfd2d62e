"""What triggers say becomes runs: at once, or as a burst."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from batchrelay.domain.upload_batch import (
    DebouncedTrigger,
    DebouncedUpload,
    TimerMessage,
    TriggerCommand,
)
from batchrelay.engine.engine import Handled
from batchrelay.triggers.batching import UploadBatches

Outcome = Handled | Exception | None
"""The run that was started; why none was; None if nothing is to be started (yet)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggering:
    """Hears the messages of triggers."""

    parse: Callable[[str], TriggerCommand]
    upload_batches: UploadBatches

    def receive(self, messages: Mapping[str, str]) -> dict[str, Outcome]:
        """What came of each message, by its id. Uploads of one burst are noted together."""
        outcomes: dict[str, Outcome] = {}
        collected: dict[DebouncedTrigger, dict[str, DebouncedUpload]] = defaultdict(dict)
        for message_id, body in messages.items():
            try:
                said = self.parse(body)
                if isinstance(said, DebouncedUpload):
                    collected[said.trigger][message_id] = said
                elif isinstance(said, TimerMessage):
                    outcomes[message_id] = self.upload_batches.receive(said)
                elif said is not None:
                    outcomes[message_id] = self.upload_batches.engine.start(said)
                else:
                    outcomes[message_id] = None
            except Exception as error:  # noqa: BLE001  # one message's trouble is not the others'
                outcomes[message_id] = error
        for trigger, job_terminated in collected.items():
            outcomes |= dict.fromkeys(job_terminated, self._noted(trigger, job_terminated))
        return outcomes

    def _noted(
        self, trigger: DebouncedTrigger, job_terminated: Mapping[str, DebouncedUpload]
    ) -> Outcome:
        try:
            self.upload_batches.collect(trigger, [said.upload for said in job_terminated.values()])
        except Exception as error:  # noqa: BLE001  # as above
            return error
        return None
