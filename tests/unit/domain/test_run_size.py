"""A run's state grows only as far as it can still be stopped and ended, and then says so."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from batchrelay.adapters.dynamodb import DynamoStore
from batchrelay.adapters.memory import MemoryRunStore
from batchrelay.codec import compact_json, decode_run, encode_run, stored_run
from batchrelay.codec.parts import packed_parts
from batchrelay.codec.stored import KEYS_BYTES
from batchrelay.domain import run_size as budget
from batchrelay.domain.errors import InvalidStart, NotDone, RunTooLarge
from batchrelay.domain.events import (
    CancelRequested,
    JobBlocked,
    JobFailed,
    JobProgressed,
    JobSubmitted,
    Prepared,
)
from batchrelay.domain.kept import Kept
from batchrelay.domain.limits import (
    DUPLICATE_JOBS_MAX,
    PARTS_MAX,
    REASON_BYTES_MAX,
    REASON_CHARS_MAX,
    RUN_BYTES_MAX,
    STATE_BYTES_MAX,
    STEPS_MAX,
)
from batchrelay.domain.pipeline import Step
from batchrelay.domain.run import DuplicateJob, Run, RunStatus, StartRequest
from batchrelay.domain.run_size import PART_BYTES, state_bytes, step_bytes
from batchrelay.domain.step_state import JobOutcome, Part, StepState, StepStatus
from batchrelay.domain.values import short, stored_text
from batchrelay.engine.duplicate_jobs import stop_unnoted
from tests.builders import ENVIRONMENT, T0, MemoryCloud, at, fold, key, pipeline, run_of, step
from verification.simulation.ending import LONGEST_REASON, cancelled
from verification.stress.never_saved import Table, begun, ended, prepare, stop

LONGEST_URI = (
    "s3://" + "b" * 63 + "/runs/" + "r" * 32 + "/" + "x" * 60 + "/r0/20260101t000000000000/"
)


def job(number: int) -> str:
    """A job id as AWS Batch makes them."""
    return str(uuid.UUID(int=random.Random(number).getrandbits(128)))


def text_bytes(run: Run) -> int:
    return len(compact_json(encode_run(run)).encode())


def wide(parts: int, name: str = "a", **more: Any) -> Run:
    """A run of one step that has so many parts, each submitted."""
    jobs = tuple(Part(size=10_000, since=T0, job_id=job(number)) for number in range(parts))
    state = StepState(status=StepStatus.ACTIVE, since=T0, children=10_000 * parts, parts=jobs)
    return replace(run_of(step(name, size=2)), steps={name: replace(state, **more)})


PARTS: Mapping[str, Part] = {
    "to be submitted": Part(size=2),
    "being submitted": Part(size=10_000, since=T0, group=99),
    "active": Part(size=10_000, since=T0, job_id=job(1), succeeded=1, failed=2, running=9_997),
    "asked to stop": Part(size=1, since=T0, job_id=job(2), is_terminate_accepted=True),
    "succeeded": Part(
        size=10_000, since=T0, job_id=job(3), outcome=JobOutcome.SUCCEEDED, succeeded=10_000
    ),
    "failed": Part(size=10_000, job_id=job(4), outcome=JobOutcome.FAILED, failed=10_000),
    "cancelled": Part(size=10_000, since=T0, outcome=JobOutcome.CANCELLED),
}


@pytest.mark.parametrize("part", PARTS.values(), ids=list(PARTS))
def test_a_part_takes_the_same_bytes_from_its_creation_to_its_end(part: Part) -> None:
    assert len(packed_parts((part,)) or "") == PART_BYTES
    run = replace(wide(1), steps={"a": StepState(status=StepStatus.ACTIVE, parts=(part,))})
    assert decode_run(encode_run(run), run.pipeline, run.version) == run


@pytest.mark.parametrize("job_id", ["job-1", job(1).upper(), job(1) + "0"])
def test_a_part_that_does_not_fit_its_record_is_stored_all_the_same(job_id: str) -> None:
    odd = Part(size=1, job_id=job_id, blocked="CAPACITY")
    run = replace(wide(1), steps={"a": StepState(status=StepStatus.ACTIVE, parts=(odd,))})
    assert packed_parts((odd,)) is None
    assert decode_run(encode_run(run), run.pipeline, run.version) == run


@pytest.mark.parametrize("status", list(StepStatus))
def test_no_state_of_a_step_takes_more_than_is_counted(status: StepStatus) -> None:
    """Every field at its largest, in every status."""
    name = "n" * 128
    counts: dict[str, Any] = {"items": 10**12, "existing": 10**12, "chunk": 10**12}
    state = StepState(
        status=status,
        since=T0,
        round=9_999,
        children=1_000_000,
        parts=(*PARTS.values(), replace(PARTS["active"], blocked='"' * 60)) * 12,
        manifest=LONGEST_URI,
        queue="https://sqs.us-east-1.amazonaws.com/000000000000/br-" + "q" * 77,
        reason=short(LONGEST_REASON),
        counted_at=T0,
        **counts,
    )
    run = run_of(step(name, size=2))
    without, with_it = replace(run, steps={}), replace(run, steps={name: state})
    taken = text_bytes(with_it) - text_bytes(without)
    assert taken <= step_bytes(run.pipeline.step(name), state)
    assert text_bytes(with_it) <= state_bytes(with_it)


def test_a_run_of_the_most_steps_fits_with_the_longest_names() -> None:
    """Each has its manifest and one job, and none has ended."""
    names = [f"{number:03}" + "n" * 125 for number in range(STEPS_MAX)]
    uri = "s3://" + "b" * 63 + "/runs/" + "r" * 21 + "/" + "x" * 60 + "/r0/20260101t000000000000/"
    parts = (Part(size=10_000, since=T0, job_id=job(1)),)
    state = StepState(status=StepStatus.ACTIVE, since=T0, parts=parts, manifest=uri)
    run = run_of(*(step(name) for name in names))
    assert state_bytes(replace(run, steps={})) <= STATE_BYTES_MAX
    assert state_bytes(replace(run, steps=dict.fromkeys(names, state))) <= STATE_BYTES_MAX


@pytest.mark.parametrize(("steps", "arrays"), [(60, 100), (STEPS_MAX, 4)])
def test_the_runs_that_the_docs_promise_fit(steps: int, arrays: int) -> None:
    """All their jobs active at once, with manifests and names of an ordinary length."""
    names = [f"an-ordinary-step-{number:03}" for number in range(steps)]
    uri = "s3://batchrelay-bucket-3a52f753bb876/runs/kb50389d0b38db26e794e46fa/{}/r0/20261121t113621522455/"
    active = wide(arrays).state("a")
    states = {name: replace(active, manifest=uri.format(name)) for name in names}
    run = run_of(*(step(name, file="s3://bucket/list.json") for name in names))
    assert state_bytes(replace(run, steps=states)) <= STATE_BYTES_MAX


def test_the_counted_size_is_the_stored_size() -> None:
    """Of a state that takes more than the limit before it is deflated, in both stores."""
    parts = tuple(Part(size=10_000, outcome=JobOutcome.CANCELLED) for _ in range(10_000))
    run = replace(wide(0), steps={"a": StepState(status=StepStatus.ACTIVE, parts=parts)})
    assert text_bytes(run) > RUN_BYTES_MAX
    assert MemoryRunStore().create(run).version == 1
    table = Table()
    DynamoStore(table="t", run_ttl_days=1, make_client=lambda _: table).create(run)
    assert 0 <= stored_run(run).size - table.largest < KEYS_BYTES


def test_no_store_takes_a_run_that_is_larger_than_an_item() -> None:
    """Thirty thousand job ids do not deflate."""
    run = wide(30_000)
    stores = (
        MemoryRunStore(),
        DynamoStore(table="t", run_ttl_days=1, make_client=lambda _: Table()),
    )
    for store in stores:
        with pytest.raises(RunTooLarge, match=r"run run1 takes \d{3},\d{3} bytes, over 400,000"):
            store.create(run)


def little_room(monkeypatch: pytest.MonkeyPatch, run: Run, more: int) -> int:
    """The run may grow by so many bytes; the limit."""
    limit = state_bytes(run) + more
    monkeypatch.setattr(budget, "STATE_BYTES_MAX", limit)
    return limit


def prepared(children: int) -> Prepared:
    uri = "s3://the-bucket/runs/run1/a/r0/20260101t000000000000/"
    return Prepared(at=at(1), step="a", round=0, items=children, children=(children,), manifest=uri)


def test_a_step_that_does_not_fit_fails_with_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_of(step("a", file="s3://b/f"), step("b", "a"))
    limit = little_room(monkeypatch, run, 1_000)
    fits = fold(run, prepared(200_000))
    assert (fits.state("a").status, len(fits.state("a").parts)) == (StepStatus.SUBMITTING, 20)
    failed = fold(run, prepared(1_000_000))
    needed = state_bytes(fits) + 80 * PART_BYTES + len("00000") - len("0000")
    state = failed.state("a")
    assert (state.status, state.parts, state.manifest) == (StepStatus.FAILED, (), None)
    assert state.reason == (
        f"with 100 jobs of this step the run's state may take {needed:,} bytes, over {limit:,}: "
        "write a larger chunk, or use several runs"
    )
    assert (failed.state("b").status, failed.status) == (StepStatus.SKIPPED, RunStatus.FAILED)


def test_the_longest_reason_for_the_size_limit_is_kept_whole() -> None:
    reason = budget.no_size_left(99_999_999, PARTS_MAX)
    assert short(reason) == reason


@pytest.mark.parametrize(
    "second",
    [step("b", size=20_000), step("b", "a", n_to_n_needs=frozenset({"a"}))],
    ids=["array", "N_TO_N"],
)
def test_a_step_that_is_ready_at_once_has_to_fit_too(
    second: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two steps of two arrays each; room for two, for three, and for all four."""
    steps = (step("a", size=20_000), second)
    waiting = replace(run_of(*steps), steps={})
    for arrays, status in ((2, "FAILED"), (3, "FAILED"), (4, "SUBMITTING")):
        limit = little_room(monkeypatch, waiting, arrays * PART_BYTES)
        run = run_of(*steps)
        assert run.state("a").status is StepStatus.SUBMITTING
        assert run.state("b").status == status
        assert (f"over {limit:,}" in run.state("b").reason) == (status == "FAILED")
        assert state_bytes(run) <= limit


def test_the_reason_of_a_blocked_job_is_left_out_at_the_size_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = wide(2)
    blocked = JobBlocked(at=at(1), key=key("a"), job_id=job(0), reason="CAPACITY")
    assert fold(run, blocked).blocked == {"a": "CAPACITY"}
    little_room(monkeypatch, run, 5)
    assert fold(run, blocked) is run


def test_a_run_from_before_that_is_too_large_does_not_grow_and_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = run_of(step("a", size=20_000), step("b", file="s3://b/f"), step("c", "a"))
    run = fold(run, *(JobSubmitted(at=at(1), key=key("a", n), job_id=job(n)) for n in (0, 1)))
    limit = little_room(monkeypatch, run, -3_000)
    grown = fold(run, replace(prepared(10**6), step="b"))
    assert f"over {limit:,}" in grown.state("b").reason
    events = [
        JobFailed(at=at(3), key=key("a", n), job_id=job(n), succeeded=0, failed=9, reason="no")
        for n in (0, 1)
    ]
    stopped = fold(grown, CancelRequested(at=at(2)), *events)
    assert stopped.status is RunStatus.CANCELLED
    assert stopped.state("c").status is StepStatus.CANCELLED


def refused(*steps: Step, params: Mapping[str, str] | None = None) -> str:
    """Why no such run starts."""
    from batchrelay.domain.start_check import check_start

    try:
        check_start(run_of(*steps, params=params))
    except InvalidStart as error:
        return str(error)
    return ""


def test_a_start_that_cannot_fit_is_refused() -> None:
    arrays = [step(f"s{number:03}", size=1_000_000) for number in range(80)]
    assert refused(*arrays[:70]) == ""
    assert "with 8,000 jobs the run's state takes 4" in refused(*arrays)
    assert refused(*arrays).endswith(
        f"over {STATE_BYTES_MAX:,}: write smaller arrays, or use several runs"
    )
    assert "write shorter parameters" in refused(step("a"), params={"p": "\x01" * 70_000})
    maybe = [replace(each, when="steps.first.status == 'SUCCEEDED'") for each in arrays]
    assert refused(step("first"), *maybe) == "", "it may skip them"


def test_a_refused_start_stores_nothing() -> None:
    cloud = MemoryCloud(pipeline(*(step(f"s{n}", size=1_000_000) for n in range(80))))
    with pytest.raises(InvalidStart, match="8,000 jobs"):
        cloud.engine.start(StartRequest(run_id="run1", pipeline="test", version=1))
    assert (cloud.runs.runs, cloud.jobs.jobs) == ({}, {})


@pytest.mark.parametrize(
    "text", ["x" * 500, "é" * 500, "😀" * 500, "\x00" * 500, '"' * 150, LONGEST_REASON, "\ud800"]
)
def test_a_reason_is_bounded_in_characters_and_bytes_and_can_be_stored(text: str) -> None:
    reason = short(text)
    assert len(reason) <= REASON_CHARS_MAX
    assert stored_text(reason) <= REASON_BYTES_MAX
    assert json.loads(json.dumps(reason, ensure_ascii=False).encode()) == reason


def test_counts_of_children_are_never_more_than_there_are() -> None:
    """A record has no place for more, and neither has the sum of a step."""
    run = wide(1)
    progress = JobProgressed(
        at=at(1), key=key("a"), job_id=job(0), succeeded=10**9, failed=-5, running=10_001
    )
    part = fold(run, progress).state("a").parts[0]
    assert (part.succeeded, part.failed, part.running) == (10_000, 0, 10_000)


def with_duplicates(run: Run, count: int) -> Run:
    return replace(
        run, duplicate_jobs=tuple(DuplicateJob(job_id=job(n + 500), since=T0) for n in range(count))
    )


def test_duplicate_jobs_are_noted_up_to_a_limit() -> None:
    run = with_duplicates(wide(1), DUPLICATE_JOBS_MAX - 1)
    full = fold(run, JobSubmitted(at=at(1), key=key("a"), job_id=job(901)))
    assert len(full.duplicate_jobs) == DUPLICATE_JOBS_MAX
    assert text_bytes(full) <= state_bytes(full) == state_bytes(run)
    assert fold(full, JobSubmitted(at=at(1), key=key("a"), job_id=job(902))) is full


def test_a_duplicate_job_without_a_note_is_stopped_at_once() -> None:
    cloud = MemoryCloud(pipeline(step("a", size=2)))
    full = with_duplicates(wide(1), DUPLICATE_JOBS_MAX)
    new = cloud.jobs.submit({"jobName": "br-run1-a-r0-p0", "jobQueue": "queue"})
    adopted, noted = job(0), job(500)
    results = [JobSubmitted(at=T0, key=key("a"), job_id=i) for i in (adopted, noted, new)]
    assert (
        stop_unnoted(cloud.jobs, replace(full, duplicate_jobs=full.duplicate_jobs[1:]), results)
        is None
    )
    assert cloud.jobs.jobs[new].outcome is None, "there is room for a note"
    assert stop_unnoted(cloud.jobs, full, results) is None
    assert cloud.jobs.jobs[new].outcome is JobOutcome.FAILED


def test_a_duplicate_job_that_cannot_be_stopped_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = MemoryCloud(pipeline(step("a", size=2)))
    monkeypatch.setattr(cloud.jobs, "terminate", lambda *_: ())
    full = with_duplicates(wide(1), DUPLICATE_JOBS_MAX)
    new = JobSubmitted(at=T0, key=key("a"), job_id=job(902))
    problem = stop_unnoted(cloud.jobs, full, [new])
    assert isinstance(problem, NotDone)
    assert job(902) in str(problem)


def test_reconcile_that_finds_more_duplicates_than_can_be_noted_leaves_none() -> None:
    """One name, many jobs: the oldest is adopted, and the others end whatever their number."""
    cloud = MemoryCloud(pipeline(step("a", size=2)))
    cloud.runs.create(run_of(step("a", size=2)))
    request = {"jobName": "br-run1-a-r0-p0", "jobQueue": "queue"}
    ids = [cloud.jobs.submit(request) for _ in range(DUPLICATE_JOBS_MAX + 20)]
    cloud.clock.move(1_000)
    run = cloud.engine.reconcile("run1").run
    assert run.state("a").parts[0].job_id == ids[0]
    assert run.duplicate_jobs == ()
    active = [job_id for job_id in ids if cloud.jobs.jobs[job_id].outcome is None]
    assert active == ids[:1]


def test_a_run_at_its_limit_is_cancelled_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """The short form of verification/stress/never_saved.py, with a tenth of the room."""
    monkeypatch.setattr(budget, "STATE_BYTES_MAX", 39_000)
    cloud, table = begun(10)
    for number in range(10):
        prepare(cloud, number, 1_000_000)
    run = cloud.engine.runs.load("run1")
    statuses = [run.state(f"step-{number:02}").status for number in range(10)]
    assert statuses.count(StepStatus.ACTIVE) == 5
    assert statuses.count(StepStatus.FAILED) == 5
    assert stop(cloud).total() == 0
    assert ended(cloud).status is RunStatus.CANCELLED
    assert table.largest <= 39_000
    assert all(each.outcome is JobOutcome.FAILED for each in cloud.jobs.jobs.values())


def test_a_full_run_of_submitted_jobs_ends_when_it_is_cancelled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = wide(100)
    little_room(monkeypatch, run, 0)
    assert cancelled(run).status is RunStatus.CANCELLED
    assert run.environment == ENVIRONMENT


def test_a_state_that_two_steps_share_is_counted_for_each() -> None:
    """What was counted is kept by step and state: all steps that wait have the same state."""
    first, long_name = step("a"), step("b" * 100, "a")
    waiting = run_of(first, long_name, step("c", "a"))
    assert waiting.state("c") is waiting.state(long_name.name)
    longer = run_of(first, long_name, step("c" * 100, "a"))
    assert state_bytes(longer) - state_bytes(waiting) == 99


def test_no_more_states_are_kept_than_a_function_has_room_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(budget, "_KEPT", Kept(3))
    runs = [wide(parts, name) for parts in (1, 5) for name in ("a", "b", "c", "d")]
    sizes = []
    for run in runs:
        sizes.append(state_bytes(run))
        assert len(budget._KEPT) <= 3
        assert all(
            len(state.parts) <= budget.PARTS_KEPT_MAX for _, state, _ in budget._KEPT.values()
        )
    assert [state_bytes(run) for run in runs] == sizes
    assert sizes[4] - sizes[0] == 4 * PART_BYTES
