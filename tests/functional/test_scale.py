"""The program behind the page about scale, in its short form."""

from __future__ import annotations

from functools import partial

import pytest

from batchrelay.adapters.memory import MemoryObjects, MemoryQueues
from batchrelay.domain.pipeline import Pipeline
from batchrelay_cli.simulate.agenda import START_MS, Agenda
from batchrelay_cli.simulate.batch import SimulatedBatch
from batchrelay_cli.simulate.programs import Programs
from verification.scale.__main__ import (
    BEGIN_MS,
    ITEM_MS,
    PAGE,
    listed,
    pipeline,
    request,
    scenarios,
    spread,
)
from verification.scale.account import CountedBatch
from verification.scale.invocations import Invocations
from verification.scale.limits import (
    INVOCATION_MS,
    PARTITION_WRITES_PER_S,
    PATIENCE_MS,
    POLLERS,
    SUBMITS_PER_S,
    Pool,
    SubmitQuota,
    UnitQuota,
)
from verification.scale.rows import DEFINITION, Row, Scenario, played
from verification.scale.store import TimedRuns
from verification.scale.world import assumed


def test_submit_job_takes_a_second_at_once_and_then_its_rate() -> None:
    quota = SubmitQuota()
    times = [quota.accepted_at(START_MS) for _ in range(1_000)]
    accepted = [at - START_MS for at in times if at is not None]
    assert accepted[:SUBMITS_PER_S] == [0] * SUBMITS_PER_S
    assert accepted[-1] == PATIENCE_MS
    assert len(accepted) == SUBMITS_PER_S * (1 + PATIENCE_MS // 1_000)
    assert quota.throttled == 1_000 - len(accepted)


def test_a_partition_has_a_second_of_units_and_fills_at_its_rate() -> None:
    quota = UnitQuota(1_000)
    quota.take("run", 1_000, START_MS)
    assert not quota.has_room("run", START_MS)
    assert quota.has_room("another", START_MS)
    assert quota.has_room("run", START_MS + 1)
    assert quota.busiest == 1_000


def test_a_queue_fills_batches_beside_each_other_and_has_so_many_invocations() -> None:
    agenda, batches = Agenda(), []
    invocations = Invocations(agenda)

    def handle(messages: object) -> None:
        batches.append((agenda.now_ms - START_MS - INVOCATION_MS, messages))
        invocations.wait(5_000 - INVOCATION_MS)

    pool: Pool[int] = Pool(
        agenda, invocations, at_once=2, batch=3, window_ms=1_000, timeout_s=60, handle=handle
    )
    for number in range(POLLERS + 2):
        pool.put(number)
    _play(agenda)
    assert batches == [(1_000, [0, 5]), (1_000, [1, 6]), (6_000, [2, 3, 4])]
    assert (pool.invocations, pool.most_at_once, pool.busy_ms) == (3, 2, 15_000)
    assert pool.held_up == 3


def test_a_throttled_write_is_tried_again_as_botocore_does() -> None:
    agenda = Agenda()
    invocations = Invocations(agenda)
    runs = TimedRuns(agenda=agenda, invocations=invocations)
    world = Scenario(name="one", pipeline=pipeline(1, 1), delays_ms=[0]).world([0])
    run = world.runs.runs["r0"]
    runs.writes.of_partitions.take(run.id, PARTITION_WRITES_PER_S + 100, START_MS)
    invocations.begin(partial(runs.create, run), timeout_s=60)
    _play(agenda)
    assert runs.writes.throttled == 2  # after 0 and 50 ms; 150 ms later there is room
    assert agenda.now_ms - START_MS == 50 + 100 + 10


def _play(agenda: Agenda) -> None:
    while agenda.next_ms() is not None:
        agenda.step()


def test_invocations_that_write_one_run_conflict_and_try_again() -> None:
    row = _played(pipeline(40, 2), [0], child_ms=10_000)
    assert (row.jobs, row.throttled, row.store_throttled) == (80, 0, 0)
    assert row.conflicts > 0
    assert row.longest_s < 35


def test_runs_that_start_together_wait_for_their_starts_and_others_do_not() -> None:
    together = _played(pipeline(1, 2), [0] * 120, child_ms=10_000)
    apart = _played(pipeline(1, 2), spread(20, 60), child_ms=10_000)
    assert (together.runs, together.jobs, together.first) == (120, 240, "starts of runs")
    assert (apart.runs, apart.throttled, apart.first) == (20, 0, "–")
    assert apart.median_s < apart.alone_s + 1 < together.longest_s


def test_runs_of_many_steps_wait_for_submit_job() -> None:
    assert _played(pipeline(40, 1), [0] * 15, child_ms=10_000).first == "SubmitJob"


@pytest.mark.parametrize(("chunk", "parts", "waves"), [(1, 3, 25), (100, 1, 1)])
def test_a_long_list_takes_its_pages_and_then_its_waves(chunk: int, parts: int, waves: int) -> None:
    row = played(listed(chunk, 1_000, items=25_000))
    assert (row.jobs, row.children) == (parts, 25_000 // chunk)
    assert row.first == ("vCPUs" if waves > 1 else "–")
    assert 3 <= row.prepared_s <= row.submitted_s < 8
    work_s = waves * (BEGIN_MS + chunk * ITEM_MS) / 1_000
    assert work_s <= row.longest_s - row.prepared_s < work_s + 5


def test_children_that_are_counted_end_when_those_of_the_local_aws_batch_do() -> None:
    sizes = (10, 7, 25, 2)
    ends: list[list[int | None]] = []
    for kind, more in ((SimulatedBatch, {}), (CountedBatch, {"vcpus": 8, "child_ms": 3_000})):
        agenda, scenario = Agenda(), assumed(3_000, 8)
        programs = Programs(agenda, scenario, MemoryObjects(), MemoryQueues())
        batch = kind(
            agenda=agenda,
            scenario=scenario,
            programs=programs,
            definitions=[DEFINITION],
            on_end=lambda _: None,
            **more,
        )
        environment = {"environment": [{"name": "BATCHRELAY_STEP", "value": "s"}]}
        batch.submit_all(
            [
                {**request(size), "jobName": f"j{size}", "containerOverrides": environment}
                for size in sizes
            ]
        )
        _play(agenda)
        ends.append([job.stopped_at and job.stopped_at - START_MS for job in batch.jobs])
    assert ends[0] == ends[1] == [6_000, 9_000, 18_000, 18_000]


def test_the_page_has_a_row_of_each_scenario() -> None:
    page = PAGE.read_text()
    assert [s.name for s in scenarios() if page.count(f"\n| {s.name} | ") < 2] == []


def _played(of: Pipeline, delays_ms: list[int], child_ms: int) -> Row:
    return played(Scenario(name="", pipeline=of, delays_ms=delays_ms, child_ms=child_ms))
