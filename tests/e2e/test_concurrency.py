"""32 handlers at once, with the real adapters: no double winner, no lost update."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from batchrelay.aws_lambda.settings import Settings
from batchrelay.aws_lambda.wiring import engine
from batchrelay.domain.events import JobSucceeded
from batchrelay.domain.pipeline import Pipeline, Step
from batchrelay.domain.run import RunStatus, StartRequest
from batchrelay.domain.values import JobKey
from batchrelay.engine.engine import Engine
from verification.crash_matrix.machine import Machine, machine

pytestmark = pytest.mark.cloud
HANDLERS = 32
_REQUEST = {"jobQueue": "q", "jobDefinition": "noop:1"}


@pytest.fixture(scope="module")
def on() -> Iterator[Machine]:
    with machine() as running:
        yield running


@pytest.fixture
def engines(on: Machine, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Engine]:
    return engines_of(on, monkeypatch)


def engines_of(on: Machine, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Engine]:
    """An engine of its own for each handler: nothing is shared but the cloud."""
    for name, value in on.environment.items():
        monkeypatch.setenv(name, value)
    known = threading.local()
    making = threading.Lock()

    def one() -> Engine:
        if not hasattr(known, "engine"):
            with making:  # boto3's session is not made for threads, its clients are
                known.engine = engine(Settings.read())
                for part in (known.engine.runs, known.engine.jobs, known.engine.notices):
                    _ = part._client
                _ = known.engine.jobs._submitter
        found: Engine = known.engine
        return found

    return one


def succeeded(run: Any, step: str) -> JobSucceeded:
    job_id = run.state(step).parts[0].job_id
    key = JobKey(run_id=run.id, label=step, round=0, part=0)
    return JobSucceeded(at=datetime.now(UTC), key=key, job_id=job_id)


def test_many_handlers_on_one_run(on: Machine, engines: Callable[[], Engine]) -> None:
    """32 steps end at once, each delivered to two handlers; the join is submitted once."""
    wide = tuple(Step(name=f"s{number}", request=_REQUEST) for number in range(HANDLERS))
    join = Step(name="join", needs=tuple(step.name for step in wide), request=_REQUEST)
    on.runs.put_pipeline(Pipeline(name="wide", version=1, steps=(*wide, join)))
    engines().start(StartRequest(run_id="onerun", pipeline="wide", version=1))
    run = engines().continue_run("onerun").run
    events = [succeeded(run, step.name) for step in wide] * 2
    together = threading.Barrier(HANDLERS)

    def handle(number: int) -> None:
        own = engines()
        together.wait(timeout=30)
        for event in events[number::HANDLERS]:
            own.handle(run.id, [event])

    with ThreadPoolExecutor(HANDLERS) as pool:
        list(pool.map(handle, range(HANDLERS)))
    run = on.runs.load(run.id)
    assert all(run.state(step.name).status == "SUCCEEDED" for step in wide)
    assert run.version <= 1 + 1 + 2 * HANDLERS + 4, "writes that won, and no more"
    assert [len(jobs) for name, jobs in on.jobs("onerun").items() if "-join-" in name] == [1]
    engines().handle(run.id, [succeeded(on.runs.load(run.id), "join")])
    assert on.runs.load(run.id).status is RunStatus.SUCCEEDED


def test_many_handlers_on_many_runs(on: Machine, engines: Callable[[], Engine]) -> None:
    """200 runs of two steps, each event delivered twice, to any handler that is free."""
    runs = 200
    steps = (Step(name="a", request=_REQUEST), Step(name="b", needs=("a",), request=_REQUEST))
    on.runs.put_pipeline(Pipeline(name="two", version=1, steps=steps))

    def start(number: int) -> Any:
        order = StartRequest(run_id=f"many{number}", pipeline="two", version=1)
        return engines().start(order).run

    def deliver(run: Any, step: str) -> None:
        engines().handle(run.id, [succeeded(run, step)])

    with ThreadPoolExecutor(HANDLERS) as pool:
        begun = list(pool.map(start, range(runs)))
        list(pool.map(lambda run: deliver(run, "a"), begun * 2))
        later = list(pool.map(lambda run: on.runs.load(run.id), begun))
        list(pool.map(lambda run: deliver(run, "b"), later * 2))
        ended = list(pool.map(lambda run: on.runs.load(run.id), begun))
    assert Counter(run.status for run in ended) == {RunStatus.SUCCEEDED: runs}
    queue = (
        on.client("batch")
        .get_paginator("list_jobs")
        .paginate(jobQueue="q", filters=[{"name": "JOB_NAME", "values": ["br-many*"]}])
    )
    names = Counter(job["jobName"] for page in queue for job in page["jobSummaryList"])
    assert len(names) == 2 * runs
    assert set(names.values()) == {1}


def test_submissions_beyond_the_accounts_rate_are_submitted_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """150 runs start at once where 50 requests a second are allowed, all together."""
    runs = 150

    @dataclass
    class LaterClock:
        later: timedelta

        def now(self) -> datetime:
            return datetime.now(UTC) + self.later

    with machine(assume="quota=shared") as throttled:
        engines = engines_of(throttled, monkeypatch)
        step = Step(name="a", request=_REQUEST)
        throttled.runs.put_pipeline(Pipeline(name="one", version=1, steps=(step,)))

        def start(number: int) -> None:
            engines().start(StartRequest(run_id=f"rate{number}", pipeline="one", version=1))

        with ThreadPoolExecutor(HANDLERS) as pool:
            list(pool.map(start, range(runs)))
        open_count = runs
        for reconcile in range(1, 40):
            clock = LaterClock(timedelta(seconds=1_000 * reconcile))
            reconciler = replace(engines(), clock=clock)
            for run_id in list(throttled.runs.open_runs()):
                with suppress(ClientError):  # its own reads were throttled: the next reconcile
                    reconciler.reconcile(run_id)
            open_count = len(list(throttled.runs.open_runs()))
            if not open_count:
                break
        assert not open_count
        ended = [throttled.runs.load(f"rate{number}").status for number in range(runs)]
        time.sleep(1.1)
        names = Counter(name for n in range(runs) for name in _names(throttled, f"rate{n}"))
    assert set(ended) == {RunStatus.SUCCEEDED}
    assert len(names) == runs
    assert set(names.values()) == {1}


def _names(on: Machine, run_id: str) -> list[str]:
    return [name for name, jobs in on.jobs(run_id).items() for _ in jobs]
