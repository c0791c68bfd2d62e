"""The causes of failures: their counts, their samples, and the ends of logs."""

from __future__ import annotations

from dataclasses import replace
from typing import NoReturn

import pytest

from batchrelay.adapters.memory.logs import MemoryLogs
from batchrelay.domain.errors import Refused
from batchrelay.domain.events import SubmissionRefused
from batchrelay.domain.failures import Cause, FailureClass, Tolerate
from batchrelay.domain.step_state import StepStatus
from batchrelay.domain.transitions import advance
from batchrelay.preparation.failures import causes
from batchrelay.preparation.failures.collector import with_sample_of
from tests.builders import at, key, step
from tests.unit.preparation.collected import Collected, child
from tests.unit.preparation.failures.retried import a


def test_each_cause_has_one_sample_with_the_end_of_its_log() -> None:
    one = Collected(a())
    name = key("a").name
    [job_id] = [job.job_id for job in one.cloud.jobs.jobs.values() if job.name == name]
    one.cloud.logs.lines[f"{job_id}:2"] = (
        *map(str, range(29)),
        "S3 403 for key 17",
        "",
        "[batchrelay] 1 of 1 item failed",
    )
    one.end("a", child(2, 1, "Task 2 failed"), child(3, 1, "Task 3 failed"), child(5, 2))
    one.prepare()
    assert one.causes() == [
        {
            "class": "ExitCode", "exitCode": 1, "reason": "Task 2 failed", "count": 2, "again": 2,
            "sample": {
                "number": 2, "job": f"{job_id}:2",
                "log": [
                    *map(str, range(12, 29)), "S3 403 for key 17", "",
                    "[batchrelay] 1 of 1 item failed",
                ],
            },
        },
        {
            "class": "ExitCode", "exitCode": 2, "reason": "", "count": 1, "again": 1,
            "sample": {"number": 5, "job": f"{job_id}:5", "log": []},
        },
    ]  # fmt: skip
    assert one.run.state("a").reason == (
        "2 × ExitCode (exit code 1): S3 403 for key 17, 1 × ExitCode (exit code 2)"
    )


class _Refusing(dict[str, tuple[str, ...]]):
    """Logs that CloudWatch refuses to give."""

    def get(self, *_: object) -> NoReturn:
        raise Refused("the log stream is gone")


def test_a_log_that_is_refused_leaves_its_cause_without_one() -> None:
    one = Collected(a())
    one.cloud.logs.lines = _Refusing()
    one.end("a", child(2))
    one.prepare()
    [cause] = one.causes()
    assert cause["sample"]["log"] == []
    assert [part.size for part in one.run.state("a").parts] == [1]


def _cause(named: FailureClass, exit_code: int | None, sample: str) -> Cause:
    return Cause(
        named=named, exit_code=exit_code, reason="gone", count=1, sample_number=3, sample_job=sample
    )


@pytest.mark.parametrize("named", [FailureClass.STOPPED, FailureClass.UPSTREAM])
def test_the_log_of_what_did_not_fail_of_its_own_is_not_read(named: FailureClass) -> None:
    logs = MemoryLogs()
    logs.lines["job:3"] = ("it went well until it was stopped",)
    assert causes.with_log(logs, _cause(named, None, "job:3")).log == ()
    assert causes.with_log(logs, _cause(FailureClass.EXIT_CODE, 1, "job:3")).log != ()


def test_a_cause_keeps_its_earlier_sample_and_takes_no_other_ones() -> None:
    earlier = [_cause(FailureClass.EXIT_CODE, code, f"job:{code}") for code in (1, 2)]
    found = with_sample_of(_cause(FailureClass.EXIT_CODE, 2, "later:0"), earlier)
    assert found.sample_job == "job:2"
    found = with_sample_of(_cause(FailureClass.EXIT_CODE, 4, "later:0"), earlier)
    assert found.sample_job == "later:0"


def test_the_rarer_causes_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(causes, "CAUSES_MAX", 2)
    one = Collected(a())
    one.end("a", child(0), child(1), child(2, 2), child(3, 2), child(4, 3), child(5, 4))
    one.prepare()
    counts = [(cause["reason"], cause["count"], cause["sample"] is None) for cause in one.causes()]
    assert counts == [("", 2, False), ("", 2, False), ("2 rarer causes", 2, True)]


def test_a_refused_job_has_the_sentence_of_aws_batch_as_its_cause() -> None:
    one = Collected(step("a", size=3, tolerate=Tolerate(count=3)))
    [job_id] = one.cloud.jobs.jobs
    part = replace(one.run.state("a").parts[0], job_id=None, since=at(0))
    state = replace(one.run.state("a"), status=StepStatus.SUBMITTING, parts=(part,))
    refusal = SubmissionRefused(at=at(20), key=key("a"), reason="no such queue: x")
    run = advance(one.run.with_step("a", state), refusal)
    one.cloud.runs.runs["run1"] = run
    one.cloud.engine.prepare("run1", "a", 1)
    assert [cause["reason"] for cause in one.causes()] == ["no such queue: x"]
    assert one.run.state("a").status is StepStatus.PARTIAL
    assert job_id in one.cloud.jobs.jobs
