"""A message that is worked on stays invisible to the others, for as long as it takes."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from batchrelay_worker import work
from batchrelay_worker.errors import WorkerError
from batchrelay_worker.items import Child
from batchrelay_worker.program import Program, Stopping
from batchrelay_worker.work import Work


class Sqs:
    """SQS, as the keeper of a message uses it."""

    calls: list[tuple[str, dict[str, Any]]] = []  # noqa: RUF012  # every keeper makes its own

    def __init__(self, environment: Any = None) -> None:
        self.environment = environment or {}

    def sqs(self, action: str, _: str, **fields: Any) -> dict[str, Any]:
        Sqs.calls.append((action, fields))
        if len(Sqs.calls) == 2:
            raise WorkerError("500 for a moment")
        return {}


def test_its_time_is_extended_until_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    Sqs.calls.clear()
    monkeypatch.setattr(work, "EXTEND_S", 0.02)
    monkeypatch.setattr(work, "Aws", Sqs)
    aws: Any = Sqs()
    stopping = Stopping()
    program = Program(
        ["true"], attempts=1, backoff_s=0, skip_existing="", aws=aws, stopping=stopping
    )
    child = Child(0, 0, 1, "", "", "https://queue", 1)
    ended = threading.Event()
    keeper = Work(child, aws, program, stopping)
    thread = threading.Thread(target=keeper._keep, args=("receipt", ended))
    thread.start()
    deadline = time.monotonic() + 10
    while len(Sqs.calls) < 4:
        assert time.monotonic() < deadline, "one failure must not end it"
        time.sleep(0.01)
    ended.set()
    thread.join()
    wanted = {"ReceiptHandle": "receipt", "VisibilityTimeout": 120}
    assert Sqs.calls[0] == ("ChangeMessageVisibility", wanted)
