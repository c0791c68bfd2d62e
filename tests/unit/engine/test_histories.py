"""A run that an older version began ends well under this one, from whatever state it was in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batchrelay.adapters.memory import MemoryJob
from batchrelay.codec import decode_pipeline, decode_run, encode_run
from batchrelay.codec.upgrades import SCHEMA
from batchrelay.domain.effects import Prepare
from batchrelay.domain.failures import ChildFailure
from batchrelay.domain.pending_effects import is_open
from batchrelay.domain.redrive import RedriveOrder
from batchrelay.domain.run import Run, RunStatus
from batchrelay.domain.run_queue import RunQueue
from batchrelay.domain.step_state import JobOutcome, Part, StepStatus
from batchrelay.domain.values import JobKey
from tests.builders import MemoryCloud
from tests.stack import ROOT
from verification.histories.record import record

HISTORIES = sorted((ROOT / "verification/histories").glob("schema-*.json"))


def states(kind: str = "") -> Iterator[Any]:
    for path in HISTORIES:
        history = json.loads(path.read_text())
        if kind and kind not in history:  # a version that could not stop a run, or let it wait
            continue
        count = len((history[kind] if kind else history)["states"])
        yield from (
            pytest.param(path, number, id=f"{path.stem}-{number}") for number in range(count)
        )


@pytest.mark.parametrize(("path", "number"), list(states()))
def test_a_run_of_an_older_version_ends_well(path: Path, number: int) -> None:
    ended = _replayed(json.loads(path.read_text()), number)
    assert ended.status is RunStatus.SUCCEEDED
    steps = ended.pipeline.steps
    assert [ended.state(step.name).children for step in steps] == [1, 3, 25_000, 1]


@pytest.mark.parametrize(("path", "number"), list(states("stopped")))
def test_a_run_that_an_older_version_stopped_ends(path: Path, number: int) -> None:
    """Past its deadline by now, whatever it did."""
    history = json.loads(path.read_text())["stopped"]
    ended = _replayed(history, number)
    assert ended.status is RunStatus.FAILED
    assert ended.stop is not None
    assert ended.stop.reason == "the run's timeout of 60 s has passed"


@pytest.mark.parametrize(("path", "number"), list(states("queued")))
def test_a_run_that_waited_under_an_older_version_ends_well(path: Path, number: int) -> None:
    history = json.loads(path.read_text())["queued"]
    assert _replayed(history, number).status is RunStatus.SUCCEEDED


@pytest.mark.parametrize(("path", "number"), list(states("retried")))
def test_a_run_whose_failed_item_ran_again_under_an_older_version_ends_well(
    path: Path, number: int
) -> None:
    history = json.loads(path.read_text())["retried"]
    ended = _replayed(history, number)
    assert ended.status is RunStatus.SUCCEEDED
    assert ended.state("fan").succeeded == 3


@pytest.mark.parametrize(("path", "number"), list(states("redriven")))
def test_a_run_that_was_redriven_under_an_older_version_ends_well(path: Path, number: int) -> None:
    """One that was stored before it was redriven is redriven now."""
    history = json.loads(path.read_text())["redriven"]
    assert _replayed(history, number, is_redriven=True).status is RunStatus.SUCCEEDED


@pytest.mark.parametrize(("path", "number"), list(states("finally")))
def test_a_run_whose_finally_step_an_older_version_stopped_ends(path: Path, number: int) -> None:
    """Jobs that were not stopped yet when it was stored succeed."""
    history = json.loads(path.read_text())["finally"]
    ended = _replayed(history, number)
    is_cancelled = StepStatus.CANCELLED in {state.status for state in ended.steps.values()}
    assert ended.status is (RunStatus.CANCELLED if is_cancelled else RunStatus.SUCCEEDED)
    assert ended.state("clean").status.is_terminal


@pytest.mark.parametrize(("path", "number"), list(states("canary")))
def test_a_run_whose_canary_failed_under_an_older_version_ends(path: Path, number: int) -> None:
    """FAILED once that was known, although its jobs succeed from now on."""
    ended = _replayed(json.loads(path.read_text())["canary"], number)
    fan = ended.state("fan")
    assert (ended.status is RunStatus.FAILED) is (fan.early_stop is not None)
    assert fan.stopped == (0 if fan.early_stop is None else 2)


def _replayed(history: Any, number: int, *, is_redriven: bool = False) -> Run:
    definition = decode_pipeline(history["pipeline"], 1)
    run = decode_run(history["states"][number], definition, 7)
    cloud = MemoryCloud(definition)
    cloud.runs.runs[run.id] = run
    cloud.runs.open_ids[run.id] = None
    cloud.runs.run_queues["test"] = RunQueue(pipeline="test", holder="run0", waiting=(run.id,))
    cloud.objects.objects |= {uri: body.encode() for uri, body in history["objects"].items()}
    cloud.jobs.jobs |= dict(_jobs(run))
    ended = _play_on(cloud, run)
    if is_redriven and ended.status is RunStatus.FAILED:
        cloud.engine.redrive(run.id, RedriveOrder())
        ended = _play_on(cloud, run)
    assert not is_open(ended)
    assert decode_run(encode_run(ended), definition, ended.version) == ended
    return ended


def _play_on(cloud: MemoryCloud, run: Run) -> Run:
    for _ in range(12):
        for job in list(cloud.jobs.jobs.values()):
            cloud.jobs.end(job.job_id, JobOutcome.SUCCEEDED)
        cloud.clock.move(10_000)
        cloud.engine.reconcile(run.id)
        while cloud.preparations.requested:
            wanted = cloud.preparations.requested.pop()
            assert isinstance(wanted, Prepare)
            cloud.engine.prepare(run.id, wanted.step, wanted.round)
    return cloud.runs.load(run.id)


def _jobs(run: Run) -> Iterator[tuple[str, MemoryJob]]:
    for step in run.pipeline.steps:
        state = run.state(step.name)
        rounds = (*state.earlier_rounds, state.parts)
        for round_number, parts in enumerate(rounds):
            for number, part in enumerate(parts):
                if part.job_id is not None:
                    key = JobKey(run_id=run.id, label=step.label, round=round_number, part=number)
                    yield part.job_id, _job(key, part, part.job_id)


def _job(key: JobKey, part: Part, job_id: str) -> MemoryJob:
    """As AWS Batch has it: a part that failed has a child that did."""
    job = MemoryJob(
        job_id=job_id, queue="queue", request={"jobName": key.name, "jobQueue": "queue"}
    )
    if part.outcome is JobOutcome.FAILED:
        job.outcome = JobOutcome.FAILED
        job.failures = {1: ChildFailure(index=1, job_id=f"{job_id}:1", exit_code=1)}
    return job


def test_this_version_is_recorded() -> None:
    """A change of what is stored needs a schema, an upgrade and a history of its own."""
    [latest] = [path for path in HISTORIES if path.stem == f"schema-{SCHEMA}"]
    assert json.loads(latest.read_text()) == json.loads(json.dumps(record()))
