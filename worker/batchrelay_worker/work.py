"""Does a child's items: its own slice, or what it pulls from the queue."""

from __future__ import annotations

import threading
import time
from typing import Any, Iterable

from batchrelay_worker.aws import Aws
from batchrelay_worker.errors import ServiceError, StopRequested, WorkerError
from batchrelay_worker.items import Child, Item, items_of, row_items
from batchrelay_worker.log import log_line
from batchrelay_worker.program import Program, Stopping
from batchrelay_worker.record import Record

STOPPED = 143
"""Exit code after SIGTERM: 128 + 15, as a shell has it."""

EXTEND_S, VISIBILITY_S = 40, 120
"""A message that is being worked on is kept from the others for so long, and again in time."""

POLL_S = 2
"""Seconds of a long poll: how much later than the last item a worker ends."""

DEAD = "-dead"
"""Behind a queue's URL: its dead letters. Items that failed are put there; messages whose workers
died three times go there by themselves."""

DEAD_LOOKS = 3
"""Looks at the number of dead letters, a second apart."""

_COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


class Work:
    """One child at work."""

    def __init__(self, child: Child, aws: Aws, program: Program, stopping: Stopping) -> None:
        self._child = child
        self._aws = aws
        self._program = program
        self._stopping = stopping
        self._record = Record(child, aws)
        self._receipt = ""

    def run(self) -> int:
        """Do everything; the exit code: 0, the failed items' own, 143 after SIGTERM."""
        done_count = self._record.resume(with_failed=bool(self._child.queue))
        if done_count:
            items = "item was" if done_count == 1 else "items were"
            log_line(f"attempt {self._child.attempt}: {done_count} {items} done before")
        try:
            dead_count = self._from_queue() if self._child.queue else self._slice()
        except StopRequested:
            return self._stop()
        self._record.save(done=True)
        failed_count = self._record.failed
        if failed_count:
            number, why = self._record.first_failure
            total = len(self._record.items)
            log_line(f"{_share(failed_count, total)}, item {number}: {why}")
        elif dead_count:
            are = "message is a dead letter" if dead_count == 1 else "messages are dead letters"
            log_line(f"{dead_count} {are}: the items failed, or ended workers")
        return self._record.exit_code if failed_count or dead_count else 0

    def _slice(self) -> int:
        self._do(items_of(self._child, self._aws))
        return 0

    def _do(self, items: Iterable[Item]) -> None:
        todo = list(items)
        for position, item in enumerate(todo, start=1):
            if self._record.is_done(item.number):
                continue
            entry = self._program.run(item)
            self._record.note(item.number, entry)
            self._log_item(item, entry, f"{position} of {len(todo)}")

    def _log_item(self, item: Item, entry: dict[str, Any], place: str) -> None:
        if entry.get("skipped"):
            log_line(f"item {item.number} ({place}) is there already")
        elif not entry["ok"]:
            tries = f" after {entry['tries']} tries" if entry["tries"] > 1 else ""
            log_line(f"item {item.number} ({place}) failed{tries}: {entry['why']}")
        elif self._child.chunk > 1 or self._child.queue:
            log_line(f"item {item.number} ({place}) done in {entry['s']:.1f} s")

    def _stop(self) -> int:
        """The machine is about to go: keep what is done, then wait for the program's own end.

        Its item is not taken for done even if it ends with 0: many programs answer SIGTERM so.
        """
        log_line("SIGTERM: keeping what is done")
        self._record.try_to_save()
        self._program.wait()
        if self._receipt:  # another worker may have it at once
            self._change_visibility(self._aws, self._receipt, 0)
        return STOPPED

    # --- the queue

    def _from_queue(self) -> int:
        """Pull until nothing is left; how many are dead letters."""
        self._record.begin()
        while True:
            self._stopping.check()
            message = self._receive()
            if message is not None:
                self._do_message(message)
            elif self._is_drained():
                return self._poisoned()

    def _receive(self) -> dict[str, Any] | None:
        answer = self._aws.sqs(
            "ReceiveMessage",
            self._child.queue,
            MaxNumberOfMessages=1,
            WaitTimeSeconds=POLL_S,
        )
        messages: list[dict[str, Any]] = answer.get("Messages") or []
        return messages[0] if messages else None

    def _do_message(self, message: dict[str, Any]) -> None:
        self._receipt = message["ReceiptHandle"]
        is_over = threading.Event()
        keeper = threading.Thread(target=self._keep, args=(self._receipt, is_over), daemon=True)
        keeper.start()
        items = list(row_items(self._child, int(message["Body"]), self._aws))
        try:
            self._do(items)
        finally:
            is_over.set()
        self._record.save()  # before the message is deleted
        if not all(self._record.is_done(item.number) for item in items):
            self._aws.sqs("SendMessage", self._child.queue + DEAD, MessageBody=message["Body"])
        self._aws.sqs("DeleteMessage", self._child.queue, ReceiptHandle=self._receipt)
        self._receipt = ""

    def _keep(self, receipt: str, is_over: threading.Event) -> None:
        aws = Aws(self._aws.environment)  # connections are not shared among threads
        while not is_over.wait(EXTEND_S):
            self._change_visibility(aws, receipt, VISIBILITY_S)

    def _change_visibility(self, aws: Aws, receipt: str, seconds: int) -> None:
        try:
            aws.sqs(
                "ChangeMessageVisibility",
                self._child.queue,
                ReceiptHandle=receipt,
                VisibilityTimeout=seconds,
            )
        except WorkerError as error:
            log_line(f"the message's time could not be changed: {error}")

    def _is_drained(self) -> bool:
        """Whether nothing is left for this worker.

        What others are working on comes back only if they die, and then AWS Batch starts them
        again: only such a second attempt waits for it.
        """
        visible, in_flight = self._counts(self._child.queue)
        return visible == 0 and (in_flight == 0 or self._child.attempt < 2)

    def _counts(self, url: str) -> list[int]:
        answer = self._aws.sqs("GetQueueAttributes", url, AttributeNames=list(_COUNTS))
        return [int(answer["Attributes"][name]) for name in _COUNTS]

    def _poisoned(self) -> int:
        """Dead letters, where a worker died: who was not started again has none to answer for.

        Asked for a while: SQS counts late.
        """
        letters, looks = 0, DEAD_LOOKS if self._child.attempt > 1 else 0
        try:
            while looks and not letters:
                letters, looks = sum(self._counts(self._child.queue + DEAD)), looks - 1
                if looks and not letters:
                    self._stopping.interruptible(lambda: time.sleep(1))
        except ServiceError as error:
            log_line(f"the dead-letter queue cannot be read: {error}")
        return letters


def _share(failed: int, total: int) -> str:
    """`1 of 3 items failed`, and what leads to the first of several."""
    share = f"{failed} of {total} {'item' if total == 1 else 'items'} failed"
    return share if failed == 1 else f"{share}; the first of them"
