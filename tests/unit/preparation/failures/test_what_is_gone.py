"""Jobs that AWS Batch has forgotten, and lists that are gone or damaged."""

from __future__ import annotations

import pytest

from batchrelay.domain.failures import RetryFailed
from batchrelay.domain.step_state import StepStatus
from tests.builders import step
from tests.unit.preparation.collected import Collected, child
from tests.unit.preparation.failures.retried import RETRY, a


def test_children_of_a_job_that_aws_batch_has_forgotten_are_lost_and_run_again() -> None:
    one = Collected(step("a", size=3, retry_failed=RETRY))
    one.end("a", child(1))
    [job_id] = one.cloud.jobs.jobs
    one.cloud.jobs.forget(job_id)
    one.prepare()
    assert one.file("numbers.txt") == b"         0\n         1\n         2\n"
    assert [cause["class"] for cause in one.causes()] == ["Lost"]


def test_a_manifest_that_is_gone_is_the_reason_of_the_failure() -> None:
    one = Collected(a())
    one.end("a", child(1))
    uri = f"{one.run.state('a').manifest}items.jsonl"
    del one.cloud.objects.objects[uri]
    one.prepare()
    state = one.run.state("a")
    assert state.status is StepStatus.FAILED
    reason = f"Array Child Job failed; its failures cannot be collected: {uri}"
    assert state.reason.startswith(reason)


@pytest.mark.parametrize("body", [b"x\n", b"12345678901\n", b"-1\n", "²\n".encode()])
def test_numbers_that_are_none_are_the_reason_of_the_failure(body: bytes) -> None:
    one = Collected(a(retry_failed=RetryFailed(rounds=2)))
    one.end("a", child(1))
    one.prepare()
    one.cloud.objects.objects[one.run.state("a").failures + "numbers.txt"] = body
    one.end("a", child(0), round_number=1)
    one.prepare()
    assert "is no number of an item" in one.run.state("a").reason
