"""What triggers say becomes runs: at once, or as a burst."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from batchrelay.domain.upload_batch import QuietTrigger, QuietUpload, Ring, Wish
from batchrelay.engine.engine import Handled
from batchrelay.triggers.batching import Bursts

Outcome = Handled | Exception | None
"""The run that was started; why none was; None if nothing is to be started (yet)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggering:
    """Hears the messages of triggers."""

    parse: Callable[[str], Wish]
    bursts: Bursts

    def hear(self, messages: Mapping[str, str]) -> dict[str, Outcome]:
        """What came of each message, by its id. Uploads of one burst are noted together."""
        outcomes: dict[str, Outcome] = {}
        collected: dict[QuietTrigger, dict[str, QuietUpload]] = defaultdict(dict)
        for message_id, body in messages.items():
            try:
                said = self.parse(body)
                if isinstance(said, QuietUpload):
                    collected[said.trigger][message_id] = said
                elif isinstance(said, Ring):
                    outcomes[message_id] = self.bursts.hear(said)
                elif said is not None:
                    outcomes[message_id] = self.bursts.engine.start(said)
                else:
                    outcomes[message_id] = None
            except Exception as error:  # noqa: BLE001  # one message's trouble is not the others'
                outcomes[message_id] = error
        for trigger, told in collected.items():
            outcomes |= dict.fromkeys(told, self._noted(trigger, told))
        return outcomes

    def _noted(self, trigger: QuietTrigger, told: Mapping[str, QuietUpload]) -> Outcome:
        try:
            self.bursts.collect(trigger, [said.upload for said in told.values()])
        except Exception as error:  # noqa: BLE001  # as above
            return error
        return None
