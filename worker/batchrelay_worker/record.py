"""The result record of a child: what became of each item. It is the checkpoint too.

{"schema": 1, "child": 7, "attempt": 1, "done": true, "items": [{"n": 700, "ok": true, "s": 1.25,
"tries": 1, "code": 0, "cpu": 1.1, "rss": 20480}, …], "usage": {…}}; `skipped` where the output was
there, `why` where something failed, `usage` in ECS: docs/reference/manifest.md.
"""

from __future__ import annotations

import json
import time
from typing import Any

from batchrelay_worker.aws import Aws
from batchrelay_worker.errors import ServiceError, WorkerError
from batchrelay_worker.items import Child
from batchrelay_worker.log import log_line
from batchrelay_worker.usage import Usage

SCHEMA = 1
SEGMENT_ITEMS = 500
"""Items of one object of a record: about 50 KB."""

CHECKPOINT_S = 1.0
"""Seconds between two checkpoints: an item that takes longer is never done twice."""


class Record:
    """What became of the items of a child so far.

    A long record is kept in several objects, NUMBER.json, NUMBER-1.json, …: to write all of it
    again after each item of a queue would be bytes with the square of the items.
    """

    def __init__(self, child: Child, aws: Aws) -> None:
        self._child = child
        self._aws = aws
        self._usage = Usage(aws.environment)
        self.items: dict[int, dict[str, Any]] = {}
        self._segment = 0
        self._segment_items: dict[int, dict[str, Any]] = {}
        self._saved_at = time.monotonic()
        self._has_changes = False

    def resume(self, *, with_failed: bool) -> int:
        """Take up what an earlier attempt of this child left; how many items it did.

        Its failed items are done again, but for those of a queue, whose messages are gone.
        """
        if not self._child.results or self._child.attempt < 2:
            return 0
        while True:
            entries = self._stored(self._segment)
            if entries is None:
                break
            entries_to_keep = [entry for entry in entries if entry["ok"] or with_failed]
            self._segment_items = {entry["n"]: entry for entry in entries_to_keep}
            self.items.update(self._segment_items)
            self._segment += 1
        self._segment = max(0, self._segment - 1)
        return sum(bool(entry["ok"]) for entry in self.items.values())

    def begin(self) -> None:
        """Say that this worker of a queue keeps a record: without one, what it did is not known."""
        if self._child.results and not self.items:
            self._has_changes = True
            self.try_to_save()

    def _stored(self, segment: int) -> list[dict[str, Any]] | None:
        try:
            document = json.loads(self._aws.get(self._uri(segment)))
        except ServiceError as error:
            if error.status == 404:
                return None
            if error.status == 403:  # what S3 says of an absent object to those who must not list
                log_line(f"{error}: taken for absent; with s3:ListBucket it would be sure")
                return None
            raise
        return list(document["items"])

    def _uri(self, segment: int) -> str:
        suffix = f"-{segment}" if segment else ""
        return f"{self._child.results}{self._child.number:07d}{suffix}.json"

    def is_done(self, number: int) -> bool:
        """Whether an item has ended well."""
        return number in self.items and bool(self.items[number]["ok"])

    def note(self, number: int, entry: dict[str, Any]) -> None:
        """An item has ended; kept at once, or with the next one if they are quick."""
        if len(self._segment_items) >= SEGMENT_ITEMS:
            self.try_to_save()
            if not self._has_changes:
                self._segment += 1
                self._segment_items = {}
        self.items[number] = self._segment_items[number] = {"n": number, **entry}
        self._has_changes = True
        if time.monotonic() - self._saved_at > CHECKPOINT_S:
            self.try_to_save()

    def try_to_save(self) -> None:
        """A checkpoint that fails is no reason to give up: the next one may not."""
        try:
            self.save()
        except WorkerError as error:
            log_line(f"no checkpoint: {error}")

    def save(self, *, done: bool = False) -> None:
        """Write the record, if there is something new to say. Raises: WorkerError."""
        if not self._child.results or not (self._has_changes or done):
            return
        document: dict[str, Any] = {
            "schema": SCHEMA,
            "child": self._child.number,
            "attempt": self._child.attempt,
            "done": done,
            "items": list(self._segment_items.values()),
        }
        usage = self._usage.so_far(is_last=done)
        if usage:
            document["usage"] = usage
        body = json.dumps(document, separators=(",", ":")).encode()
        self._aws.put(self._uri(self._segment), body)
        self._saved_at = time.monotonic()
        self._has_changes = False

    @property
    def failed(self) -> int:
        """Items that failed."""
        return sum(not entry["ok"] for entry in self.items.values())

    @property
    def first_failure(self) -> tuple[int, str]:
        """Number and reason of the first item that failed."""
        entry = next(entry for entry in self.items.values() if not entry["ok"])
        return entry["n"], str(entry["why"])

    @property
    def exit_code(self) -> int:
        """The one that all failed items share, so that evaluateOnExit can match it; else 1."""
        failures = (entry for entry in self.items.values() if not entry["ok"])
        codes = {int(entry.get("code", 1)) for entry in failures}
        return codes.pop() if len(codes) == 1 else 1
