"""The result record of a child: what became of each item. It is the checkpoint too.

{"schema": 1, "child": 7, "attempt": 1, "done": true, "items": [{"n": 700, "ok": true, "s": 1.25,
"tries": 1, "code": 0}, …]}; `skipped` where the output was there, `why` where something failed.
"""

from __future__ import annotations

import json
import time
from typing import Any

from batchrelay_worker.aws import Aws
from batchrelay_worker.errors import ServiceError
from batchrelay_worker.items import Child

SCHEMA = 1
CHECKPOINT_S = 1.0
"""Seconds between two checkpoints: an item that takes longer is never done twice."""


class Record:
    """What became of the items of a child so far."""

    def __init__(self, child: Child, aws: Aws) -> None:
        self._child = child
        self._aws = aws
        self._uri = f"{child.results}{child.number:07d}.json" if child.results else ""
        self.items: dict[int, dict[str, Any]] = {}
        self._saved_at = time.monotonic()
        self._changed = False

    def resume(self, *, with_failed: bool) -> int:
        """Take up what an earlier attempt of this child left; how many items it did.

        Its failed items are done again, but for those of a queue, whose messages are gone.
        """
        if not self._uri or self._child.attempt < 2:
            return 0
        try:
            document = json.loads(self._aws.get(self._uri))
        except ServiceError as error:
            if error.status == 404:
                return 0
            raise
        kept = [entry for entry in document["items"] if entry["ok"] or with_failed]
        self.items = {entry["n"]: entry for entry in kept}
        return sum(bool(entry["ok"]) for entry in kept)

    def is_done(self, number: int) -> bool:
        """Whether an item has ended well."""
        return number in self.items and bool(self.items[number]["ok"])

    def note(self, number: int, entry: dict[str, Any]) -> None:
        """An item has ended; kept at once, or with the next one if they are quick."""
        self.items[number] = {"n": number, **entry}
        self._changed = True
        if time.monotonic() - self._saved_at > CHECKPOINT_S:
            self.save()

    def save(self, *, done: bool = False) -> None:
        """Write the record, if there is something new to say."""
        if not self._uri or not (self._changed or done):
            return
        document = {
            "schema": SCHEMA,
            "child": self._child.number,
            "attempt": self._child.attempt,
            "done": done,
            "items": list(self.items.values()),
        }
        self._aws.put(self._uri, json.dumps(document, separators=(",", ":")).encode())
        self._saved_at = time.monotonic()
        self._changed = False

    @property
    def failed(self) -> int:
        """Items that failed."""
        return sum(not entry["ok"] for entry in self.items.values())

    @property
    def exit_code(self) -> int:
        """The one that all failed items share, so that evaluateOnExit can tell; else 1."""
        failed = (entry for entry in self.items.values() if not entry["ok"])
        codes = {int(entry.get("code", 1)) for entry in failed}
        return codes.pop() if len(codes) == 1 else 1
