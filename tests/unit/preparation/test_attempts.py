"""Preparations that die, always or now and then: they end their step, or go on where they were."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from batchrelay.codec import decode_run, encode_run
from batchrelay.domain.effects import Prepare
from batchrelay.domain.errors import Throttled
from batchrelay.domain.limits import (
    PREPARE_ATTEMPTS_MAX,
    PREPARE_GRACE_S,
    PREPARE_REQUESTS_MAX,
    REASON_CHARS_MAX,
)
from batchrelay.domain.pipeline import ListFile
from batchrelay.domain.run import Run, RunStatus, StartRequest
from batchrelay.domain.step_state import NO_ATTEMPTS, Attempts, StepStatus
from tests.builders import T0, MemoryCloud, pipeline, step

LINES = b"".join(b"%d\n" % number for number in range(4_500))
FOREVER_S = 30 * 86_400


class Killed(BaseException):
    """The process ends here, and saves nothing."""


class Poisoned:
    """A run whose list does something to every attempt to read it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *troubles: BaseException | None) -> None:
        fan = step("a", for_each=ListFile(file="s3://b/f"))
        self.cloud = MemoryCloud(pipeline(fan, step("z", "a")))
        self.cloud.objects.objects["s3://b/f"] = LINES
        self.attempts = 0
        self._troubles = list(troubles)
        self._read = self.cloud.objects.read
        monkeypatch.setattr(self.cloud.objects, "read", self.read)
        self.cloud.engine.start(StartRequest(run_id="run1", pipeline="test", version=1))

    def read(self, uri: str) -> Any:
        if uri == "s3://b/f":
            trouble = self._troubles[min(self.attempts, len(self._troubles) - 1)]
            self.attempts += 1
            if trouble is not None:
                raise trouble
        return self._read(uri)

    @property
    def run(self) -> Run:
        return self.cloud.runs.load("run1")

    def deliver(self, **options: Any) -> None:
        """Every request of a preparation, as the handler performs it."""
        asked = self.cloud.preparations
        wanted = list(zip(asked.requested, asked.resumes, strict=True))
        asked.requested.clear()
        asked.resumes.clear()
        for prepare, resume in wanted:
            assert isinstance(prepare, Prepare)
            self.prepare(prepare, resume, **options)

    def prepare(self, prepare: Prepare, resume: str = "", **options: Any) -> None:
        try:
            self.cloud.engine.prepare("run1", prepare.step, prepare.round, resume=resume, **options)
        except (Killed, Throttled, MemoryError, KeyError):
            return

    def play(self, *, delivered: bool = True) -> float:
        """Reconciles every five minutes until the step has ended; after how many seconds."""
        waited = 0
        while self.run.state("a").status is StepStatus.PREPARING and waited < FOREVER_S:
            if delivered:
                self.deliver()
            self.cloud.clock.move(300)
            waited += 300
            self.cloud.engine.reconcile("run1")
        return waited


def test_a_preparation_that_is_always_killed_fails_its_step_within_hours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    poisoned = Poisoned(monkeypatch, Killed())
    waited = poisoned.play()
    state = poisoned.run.state("a")
    assert state.status is StepStatus.FAILED
    assert state.reason == "not prepared in 5 attempts, the last: killed, out of memory or of time"
    assert poisoned.attempts == PREPARE_ATTEMPTS_MAX + 1  # of the first, nothing was written
    assert waited == (PREPARE_ATTEMPTS_MAX + 1) * PREPARE_GRACE_S
    assert (state.attempts, poisoned.run.status) == (NO_ATTEMPTS, RunStatus.FAILED)
    assert poisoned.run.state("z").status is StepStatus.SKIPPED


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (Throttled("SlowDown"), "Throttled: SlowDown"),
        (MemoryError(), "out of memory"),
        (KeyError("what the item holds"), "KeyError"),
        (Throttled("x" * 1_000), "Throttled: xxx"),
    ],
)
def test_a_preparation_that_always_breaks_fails_its_step_with_the_last_reason(
    monkeypatch: pytest.MonkeyPatch, trouble: Exception, reason: str
) -> None:
    poisoned = Poisoned(monkeypatch, Killed(), trouble)
    poisoned.deliver()
    poisoned.cloud.clock.move(PREPARE_GRACE_S)
    poisoned.cloud.engine.reconcile("run1")
    poisoned.deliver()
    state = poisoned.run.state("a")
    assert (state.status, state.reason[: len(reason)]) == (StepStatus.PREPARING, reason)
    assert "holds" not in state.reason
    poisoned.play()
    state = poisoned.run.state("a")
    assert state.status is StepStatus.FAILED
    assert state.reason.startswith(f"not prepared in 5 attempts, the last: {reason}")
    assert len(state.reason) <= REASON_CHARS_MAX


def test_a_preparation_that_works_at_last_leaves_nothing_of_its_attempts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    poisoned = Poisoned(monkeypatch, Killed(), Killed(), Throttled("SlowDown"), Killed(), None)
    poisoned.play()
    state = poisoned.run.state("a")
    assert (state.status, state.children) == (StepStatus.ACTIVE, 4_500)
    assert (state.attempts, state.resume, state.reason) == (NO_ATTEMPTS, "", "")


def test_the_good_path_writes_no_more_than_its_result(monkeypatch: pytest.MonkeyPatch) -> None:
    poisoned = Poisoned(monkeypatch, None)
    before = poisoned.run.version
    poisoned.deliver()
    assert poisoned.run.version == before + 2  # Prepared, and the submission that follows from it


def test_a_message_that_comes_again_is_an_attempt_more(monkeypatch: pytest.MonkeyPatch) -> None:
    poisoned = Poisoned(monkeypatch, Killed())
    poisoned.deliver(is_repeated=True)
    assert poisoned.run.state("a").attempts == Attempts(begun=1, is_underway=True)


def test_requests_that_waited_long_and_come_at_once_are_one_attempt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Other preparations were before them: that is no reason to fail."""
    poisoned = Poisoned(monkeypatch, *[Killed()] * 13, None)
    for _ in range(12):
        poisoned.cloud.clock.move(PREPARE_GRACE_S)
        poisoned.cloud.engine.reconcile("run1")
    assert poisoned.run.state("a").attempts == Attempts(requests=12)
    waited_until = poisoned.cloud.clock.now()
    poisoned.cloud.clock.move(PREPARE_GRACE_S - 1)
    poisoned.deliver()
    state = poisoned.run.state("a")
    assert state.attempts == Attempts(requests=12, begun=1, is_underway=True)
    assert state.since == waited_until + timedelta(seconds=PREPARE_GRACE_S - 1)
    poisoned.play()
    assert poisoned.run.state("a").status is StepStatus.ACTIVE


def test_a_preparation_that_never_begins_fails_its_step_after_a_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    poisoned = Poisoned(monkeypatch, None)
    waited = poisoned.play(delivered=False)
    assert waited == (PREPARE_REQUESTS_MAX + 1) * PREPARE_GRACE_S
    reason = "not prepared: requested 72 times, and no attempt has ended"
    assert poisoned.run.state("a").reason == reason


def goes_on(poisoned: Poisoned) -> str:
    """One attempt that runs out of time at once; where it put down what it had."""
    poisoned.deliver(time_left=lambda: 50.0)
    resume = poisoned.run.state("a").resume
    assert resume
    return resume


def test_progress_begins_the_count_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four killed attempts, progress, four killed attempts, progress, …: it ends well."""
    killed = [Killed()] * PREPARE_ATTEMPTS_MAX
    poisoned = Poisoned(monkeypatch, *[*killed, None] * 4)
    places = []
    for _ in range(4):
        for _ in killed:
            poisoned.deliver()
            poisoned.cloud.clock.move(PREPARE_GRACE_S)
            poisoned.cloud.engine.reconcile("run1")
        places.append(goes_on(poisoned))
        assert poisoned.run.state("a").attempts == NO_ATTEMPTS
    assert len(set(places)) == 4
    poisoned.deliver()
    assert poisoned.run.state("a").children == 4_500


def test_reconcile_asks_for_it_where_it_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    poisoned = Poisoned(monkeypatch, None)
    resume = goes_on(poisoned)
    assert poisoned.cloud.preparations.resumes == [resume]
    poisoned.cloud.preparations.requested.clear()  # the message is lost
    poisoned.cloud.preparations.resumes.clear()
    poisoned.cloud.clock.move(PREPARE_GRACE_S)
    poisoned.cloud.engine.reconcile("run1")
    assert poisoned.cloud.preparations.resumes == [resume]


def test_a_request_that_another_attempt_has_overtaken_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    poisoned = Poisoned(monkeypatch, None)
    [first] = poisoned.cloud.preparations.requested
    goes_on(poisoned)
    run, attempts = poisoned.run, poisoned.attempts
    assert isinstance(first, Prepare)
    poisoned.prepare(first, is_repeated=True)
    assert (poisoned.run, poisoned.attempts) == (run, attempts)


def test_attempts_are_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    poisoned = Poisoned(monkeypatch, None)
    goes_on(poisoned)
    poisoned.cloud.clock.move(PREPARE_GRACE_S)
    poisoned.cloud.engine.reconcile("run1")
    run = poisoned.run
    assert run.state("a").attempts == Attempts(requests=1)
    stored = json.loads(json.dumps(encode_run(run)))
    assert decode_run(stored, run.pipeline, run.version) == run
    assert run.started_at == T0
