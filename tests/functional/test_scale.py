"""The program behind the page about scale, in its short form."""

from __future__ import annotations

from batchrelay_cli.simulate.agenda import START_MS, Agenda
from verification.scale.__main__ import pipeline, played, spread
from verification.scale.limits import PATIENCE_MS, SUBMITS_PER_S, Pool, SubmitQuota


def test_submit_job_takes_a_second_at_once_and_then_its_rate() -> None:
    quota = SubmitQuota()
    times = [quota.accepted_at(START_MS) for _ in range(1_000)]
    accepted = [at - START_MS for at in times if at is not None]
    assert accepted[:SUBMITS_PER_S] == [0] * SUBMITS_PER_S
    assert accepted[-1] == PATIENCE_MS
    assert len(accepted) == SUBMITS_PER_S * (1 + PATIENCE_MS // 1_000)
    assert quota.throttled == 1_000 - len(accepted)


def test_a_queue_waits_for_its_window_or_a_full_batch_and_has_so_many_invocations() -> None:
    agenda, taken = Agenda(), []

    def handle(messages: object) -> int:
        taken.append((agenda.now_ms - START_MS, messages))
        return 5_000

    pool: Pool[int] = Pool(agenda, at_once=2, batch=3, window_ms=1_000, handle=handle)
    for number in range(7):
        pool.put(number)
    while agenda.next_ms() is not None:
        agenda.step()
    assert taken == [(0, [0, 1, 2]), (0, [3, 4, 5]), (5_000, [6])]
    assert (pool.invocations, pool.most_at_once, pool.busy_ms) == (3, 2, 15_000)


def test_runs_that_start_together_wait_for_submit_job_and_others_do_not() -> None:
    chain = pipeline(2, chained=True)
    together = played("together", chain, [0] * 250, "10s")
    apart = played("apart", chain, spread(20, 60), "10s")
    assert (together.runs, together.jobs, together.first) == (250, 500, "SubmitJob")
    assert (apart.runs, apart.throttled) == (20, 0)
    assert apart.median_s < apart.alone_s + 1 < together.longest_s
