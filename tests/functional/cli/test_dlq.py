"""Dead letters: shown without being lost, and sent again to where they came from."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.conftest import client_of
from tests.e2e.command_line import batchrelay
from verification.crash_matrix.machine import machine

pytestmark = pytest.mark.cloud


def test_dead_letters_are_shown_and_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with machine() as on:  # no handler takes what is sent again
        for name, value in on.environment.items():
            monkeypatch.setenv(name, value)
        sqs = client_of(on.cloud, "sqs")
        event = {"detail": {"jobName": "br-r-s-r0-p0", "status": "SUCCEEDED"}}
        preparation = {"run_id": "r", "step": "s", "round": 0}
        for output, body in (
            ("JobEventDeadLettersUrl", json.dumps(event)),
            ("JobEventDeadLettersUrl", "no json"),
            ("PrepareDeadLettersUrl", json.dumps(preparation)),
        ):
            sqs.send_message(QueueUrl=on.cloud.outputs[output], MessageBody=body)

        def dlq(*arguments: str) -> Any:
            result = batchrelay("dlq", *arguments)
            assert result.exit_code == 0, result.output
            return result.output

        monkeypatch.setattr("batchrelay_cli.verbs.dlq.SHOWN_S", 2)
        unknown = batchrelay("dlq", "--stack", "absent")
        assert unknown.exit_code == 2
        assert "absent" in unknown.output
        shown = dlq()
        assert "job-events    br-r-s-r0-p0 SUCCEEDED" in shown
        assert "job-events    not what was expected: no json" in shown
        assert "preparations  run r, step s" in shown
        assert "3 dead letters: shown; --replay sends them again" in shown
        time.sleep(2.2)
        assert len(json.loads(dlq("--replay", "--output", "json"))) == 3
        assert dlq() == "0 dead letters\n"
        came_back = sqs.receive_message(
            QueueUrl=on.cloud.outputs["PrepareQueueUrl"], MaxNumberOfMessages=10
        )["Messages"]
        assert [json.loads(message["Body"]) for message in came_back] == [preparation]
