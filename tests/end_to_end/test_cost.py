"""What a step costs in calls, counted: docs/reference/cost.md has it in dollars."""

from __future__ import annotations

from collections import Counter

import pytest

from batchrelay.domain.pipeline import Pipeline, Step
from tests.crashes.machine import machine

pytestmark = pytest.mark.cloud
STEPS = 6
_REQUEST = {"jobQueue": "q", "jobDefinition": "noop:1"}


def test_a_transition_of_a_chain_is_one_read_two_writes_and_one_submission() -> None:
    """Beside the definition, which a process reads once: here every invocation is a new one."""
    steps = tuple(
        Step(name=f"s{n}", needs=(f"s{n - 1}",) if n else (), request=_REQUEST)
        for n in range(STEPS)
    )
    with machine() as on:
        on.runs.put_pipeline(Pipeline(name="chain", version=1, steps=steps))
        played = on.play("chain1", None, pipeline="chain")
    handlers = Counter(handler for handler, _ in played.invocations)
    assert handlers == {"start_run": 1, "on_job_event": STEPS}, "one invocation for each end"
    definition = 1
    for handler, ended in played.invocations[:-1]:
        calls = Counter(ended.calls)
        reads = calls.pop("dynamodb.GetItem")
        assert reads == definition + (handler == "on_job_event")
        assert calls == {"dynamodb.PutItem": 2, "batch.SubmitJob": 1}
    last = Counter(played.invocations[-1][1].calls)
    assert last == {"dynamodb.GetItem": definition + 1, "dynamodb.PutItem": 1}
