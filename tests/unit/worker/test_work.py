"""A child does its own items, or takes them from a queue, and says what became of them."""

from __future__ import annotations

import json
import struct
import threading
import time
from typing import Any

import pytest

from batchrelay_worker.errors import ServiceError, StopRequested
from batchrelay_worker.items import Child, Item
from batchrelay_worker.program import Stopping
from batchrelay_worker.work import Work
from tests.unit.worker.services import MemoryAws

QUEUE, DEAD = "https://sqs/q", "https://sqs/q-dead"
RECORD = "s3://b/results/0000000.json"
WELL: dict[str, Any] = {"ok": True, "s": 1.25, "tries": 1, "code": 0}
FAILED: dict[str, Any] = {"ok": False, "s": 0.5, "tries": 1, "code": 9, "why": "exit code 9"}
COUNTS = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]


class Programs:
    """What becomes of each item is prepared; None: SIGTERM comes."""

    def __init__(self, entries: list[dict[str, Any] | None]) -> None:
        self.entries = entries
        self.items: list[Item] = []
        self.waits = 0

    def run(self, item: Item) -> dict[str, Any]:
        self.items.append(item)
        entry = self.entries.pop(0) if self.entries else WELL
        if entry is None:
            raise StopRequested
        return entry

    def wait(self) -> None:
        self.waits += 1


class Bench:
    """A child, the services, its programs and what it logged."""

    def __init__(
        self, capsys: pytest.CaptureFixture[str], values: list[Any], **fields: Any
    ) -> None:
        chunk = fields.get("chunk", 1)
        lines = [json.dumps(value).encode() + b"\n" for value in values]
        offsets = [len(b"".join(lines[:end])) for end in range(0, len(lines) + chunk, chunk)]
        self.aws = MemoryAws(
            {
                "s3://b/m.jsonl": b"".join(lines),
                "s3://b/m.offsets": b"".join(struct.pack("<Q", offset) for offset in offsets),
            }
        )
        whole = Child(0, 0, 1, "s3://b/m.jsonl", "s3://b/results/", "", 1)
        self.child = whole._replace(**fields)
        self.programs = Programs([])
        self.stopping = Stopping()
        self._capsys = capsys

    def run(self) -> int:
        programs: Any = self.programs
        return Work(self.child, self.aws, programs, self.stopping).run()

    @property
    def log(self) -> list[str]:
        return self._capsys.readouterr().err.splitlines()

    @property
    def record(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.aws.objects[RECORD])
        return document

    def counts(self, *pairs: tuple[int, int]) -> None:
        """What SQS says of its queues, one answer after the other."""
        self.aws.answers["GetQueueAttributes"] = [
            {"Attributes": dict(zip(COUNTS, map(str, pair), strict=True))} for pair in pairs
        ]

    def messages(self, *rows: int) -> None:
        self.aws.answers["ReceiveMessage"] = [
            {"Messages": [{"Body": str(row), "ReceiptHandle": f"receipt {row}"}]} for row in rows
        ]

    @property
    def queue_calls(self) -> list[tuple[Any, ...]]:
        return [call for call in self.aws.calls if call[0][0].isupper()]


# --- a slice


def test_a_child_does_its_slice(capsys: pytest.CaptureFixture[str]) -> None:
    bench = Bench(capsys, ["a", "b", "c"], chunk=3)
    assert bench.run() == 0
    assert bench.programs.items == [Item(0, "a"), Item(1, "b"), Item(2, "c")]
    assert bench.record == {
        "schema": 1,
        "child": 0,
        "attempt": 1,
        "done": True,
        "items": [{"n": number, **WELL} for number in range(3)],
    }
    assert bench.log == [
        "[batchrelay] item 0 (1 of 3) done in 1.2 s",
        "[batchrelay] item 1 (2 of 3) done in 1.2 s",
        "[batchrelay] item 2 (3 of 3) done in 1.2 s",
    ]


def test_a_child_of_one_item_logs_nothing_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    bench = Bench(capsys, ["a"])
    assert (bench.run(), bench.log) == (0, [])


def test_a_failed_item_is_named_and_its_code_is_the_childs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bench = Bench(capsys, ["a", "b", "c"], chunk=3)
    skipped = {"ok": True, "skipped": True, "s": 0.0, "tries": 0}
    bench.programs.entries = [skipped, FAILED, {**FAILED, "tries": 2, "why": "signal 9"}]
    assert bench.run() == 9
    assert bench.log == [
        "[batchrelay] item 0 (1 of 3) is there already",
        "[batchrelay] item 1 (2 of 3) failed: exit code 9",
        "[batchrelay] item 2 (3 of 3) failed after 2 tries: signal 9",
        "[batchrelay] 2 of 3 items failed; the first of them, item 1: exit code 9",
    ]
    assert bench.record["done"] is True


def test_a_second_attempt_does_what_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    bench = Bench(capsys, ["a", "b"], chunk=2, attempt=2)
    items = [{"n": 0, **WELL}, {"n": 1, **FAILED}]
    bench.aws.objects[RECORD] = json.dumps({"items": items}).encode()
    assert bench.run() == 0
    assert bench.programs.items == [Item(1, "b")]
    assert bench.log == [
        "[batchrelay] attempt 2: 1 item was done before",
        "[batchrelay] item 1 (2 of 2) done in 1.2 s",
    ]


def test_a_second_attempt_that_finds_nothing_done_says_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bench = Bench(capsys, ["a"], attempt=2)
    assert (bench.run(), bench.log) == (0, [])


def test_sigterm_keeps_what_is_done_and_waits_for_the_program(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bench = Bench(capsys, ["a", "b", "c"], chunk=3)
    bench.programs.entries = [WELL, None]
    assert bench.run() == 143
    assert bench.programs.waits == 1
    assert (bench.record["done"], bench.record["items"]) == (False, [{"n": 0, **WELL}])
    assert bench.queue_calls == []
    assert bench.log[-1] == "[batchrelay] SIGTERM: keeping what is done"


def test_a_record_that_cannot_be_written_at_sigterm_is_no_other_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bench = Bench(capsys, ["a", "b"], chunk=2)
    bench.programs.entries = [WELL, None]
    bench.aws.refusals["put"] = 500
    assert bench.run() == 143
    assert bench.log[-1] == "[batchrelay] no checkpoint: put: 500 Refused"


# --- a queue


def received(url: str = QUEUE) -> tuple[str, str, dict[str, Any]]:
    return "ReceiveMessage", url, {"MaxNumberOfMessages": 1, "WaitTimeSeconds": 2}


def counted(url: str = QUEUE) -> tuple[str, str, dict[str, Any]]:
    return "GetQueueAttributes", url, {"AttributeNames": COUNTS}


def deleted(row: int) -> tuple[str, str, dict[str, Any]]:
    return "DeleteMessage", QUEUE, {"ReceiptHandle": f"receipt {row}"}


def test_a_worker_takes_messages_until_none_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    bench = Bench(capsys, ["a", "b"], queue=QUEUE)
    bench.messages(1, 0)
    bench.counts((0, 0))
    assert bench.run() == 0
    assert bench.programs.items == [Item(1, "b"), Item(0, "a")]
    assert bench.queue_calls == [
        received(),
        deleted(1),
        received(),
        deleted(0),
        received(),
        counted(),
    ]
    assert bench.log == [
        "[batchrelay] item 1 (1 of 1) done in 1.2 s",
        "[batchrelay] item 0 (1 of 1) done in 1.2 s",
    ]


def test_the_record_is_written_before_the_message_is_deleted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bench = Bench(capsys, ["a"], queue=QUEUE)
    bench.messages(0)
    bench.counts((0, 0))
    bench.run()
    assert bench.aws.calls.index(("put", RECORD)) < bench.aws.calls.index(deleted(0))


def test_a_message_whose_item_fails_becomes_a_dead_letter(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bench = Bench(capsys, ["a", "b"], queue=QUEUE, chunk=2)
    bench.programs.entries = [FAILED, WELL]
    bench.messages(0)
    bench.counts((0, 0))
    assert bench.run() == 9
    dead_letter = ("SendMessage", DEAD, {"MessageBody": "0"})
    assert bench.queue_calls == [received(), dead_letter, deleted(0), received(), counted()]


@pytest.mark.parametrize(
    ("attempt", "counts", "looks"),
    [(1, [(1, 0), (0, 1)], 2), (2, [(1, 0), (0, 1), (0, 0), (0, 0), (0, 0), (0, 0)], 6)],
)
def test_only_a_second_attempt_waits_for_what_others_have(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    attempt: int,
    counts: list[tuple[int, int]],
    looks: int,
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    bench = Bench(capsys, ["a"], queue=QUEUE, attempt=attempt)
    bench.counts(*counts)
    assert bench.run() == 0
    assert len([call for call in bench.queue_calls if call[0] == "GetQueueAttributes"]) == looks


def test_dead_letters_fail_a_worker_that_was_started_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    bench = Bench(capsys, ["a"], queue=QUEUE, attempt=2)
    bench.counts((0, 0), (0, 0), (2, 1))
    assert (bench.run(), waits) == (1, [1])
    assert bench.queue_calls == [received(), counted(), counted(DEAD), counted(DEAD)]
    assert bench.log == [
        "[batchrelay] 3 messages are dead letters: the items failed, or ended workers"
    ]


def test_dead_letters_are_looked_for_three_times(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    bench = Bench(capsys, ["a"], queue=QUEUE, attempt=2)
    bench.counts((0, 0), (0, 0), (0, 0), (0, 0))
    assert (bench.run(), waits, bench.log) == (0, [1, 1], [])


def test_a_dead_letter_queue_that_cannot_be_read_fails_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bench = Bench(capsys, ["a"], queue=QUEUE, attempt=2)
    bench.counts((0, 0))
    call = bench.aws.sqs

    def refused(action: str, url: str, **fields: Any) -> dict[str, Any]:
        if url == DEAD:
            raise ServiceError("400 NonExistentQueue", 400, "NonExistentQueue")
        return call(action, url, **fields)

    bench.aws.sqs = refused  # type: ignore[method-assign]
    assert bench.run() == 0
    assert bench.log == ["[batchrelay] the dead-letter queue cannot be read: 400 NonExistentQueue"]


def test_failed_items_of_an_earlier_attempt_count(capsys: pytest.CaptureFixture[str]) -> None:
    bench = Bench(capsys, ["a"], queue=QUEUE, attempt=2)
    bench.aws.objects[RECORD] = json.dumps({"items": [{"n": 0, **FAILED}]}).encode()
    bench.counts((0, 0), (1, 0))
    assert bench.run() == 9
    assert bench.log == ["[batchrelay] 1 of 1 item failed, item 0: exit code 9"]


def test_a_message_is_given_back_at_sigterm(capsys: pytest.CaptureFixture[str]) -> None:
    bench = Bench(capsys, ["a"], queue=QUEUE)
    bench.programs.entries = [None]
    bench.messages(0)
    assert bench.run() == 143
    given_back = {"ReceiptHandle": "receipt 0", "VisibilityTimeout": 0}
    assert bench.queue_calls == [received(), ("ChangeMessageVisibility", QUEUE, given_back)]


def test_a_message_that_cannot_be_given_back_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    bench = Bench(capsys, ["a"], queue=QUEUE)
    bench.programs.entries = [None]
    bench.messages(0)
    bench.aws.refusals["ChangeMessageVisibility"] = 400
    assert bench.run() == 143
    assert bench.log[-1] == (
        "[batchrelay] the message's time could not be changed: ChangeMessageVisibility: 400 Refused"
    )


def test_a_message_that_is_done_is_not_given_back(capsys: pytest.CaptureFixture[str]) -> None:
    bench = Bench(capsys, ["a", "b"], queue=QUEUE)
    bench.messages(0)
    receive = bench.aws.sqs

    def stops_after_one(action: str, url: str, **fields: Any) -> dict[str, Any]:
        answer = receive(action, url, **fields)
        bench.stopping.is_requested = action == "DeleteMessage"
        return answer

    bench.aws.sqs = stops_after_one  # type: ignore[method-assign]
    assert bench.run() == 143
    assert bench.queue_calls == [received(), deleted(0)]


def test_a_message_that_is_done_is_no_longer_kept(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[dict[str, Any]] = []

    class Thread:
        def __init__(self, **fields: Any) -> None:
            threads.append({**fields, "started": False})

        def start(self) -> None:
            threads[-1]["started"] = True

    monkeypatch.setattr(threading, "Thread", Thread)
    bench = Bench(capsys, ["a"], queue=QUEUE)
    bench.programs.entries = [None]
    bench.messages(0)
    assert bench.run() == 143
    (thread,) = threads
    receipt, ended = thread["args"]
    assert (thread["started"], thread["daemon"], thread["target"].__name__) == (True, True, "_keep")
    assert (receipt, ended.is_set()) == ("receipt 0", True)
