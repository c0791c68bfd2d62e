"""Why a run's items failed: as collected, and as AWS Batch says where nothing was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from batchrelay.api import failures
from batchrelay.api.failures import FailureReader
from batchrelay.domain.errors import Ambiguous, Denied
from batchrelay.domain.failures import ChildFailure, RetryFailed, Tolerate
from batchrelay.domain.pipeline import Step
from batchrelay.domain.run import StartRequest
from batchrelay.domain.step_state import JobOutcome
from batchrelay.domain.values import causes_uri, failures_uri
from tests.builders import MemoryCloud, key, pipeline, step
from tests.unit.preparation.collected import LIST, OOM, Collected, child


def reader(cloud: MemoryCloud) -> FailureReader:
    return FailureReader(objects=cloud.objects, jobs=cloud.jobs, logs=cloud.logs)


def of_step(cloud: MemoryCloud, name: str = "a") -> Any:
    run = cloud.runs.load("run1")
    return reader(cloud).of_step(run, run.pipeline.step(name))


def of_run(cloud: MemoryCloud) -> Any:
    return reader(cloud).of_run(cloud.runs.load("run1"))


def started(*steps: Step) -> MemoryCloud:
    cloud = MemoryCloud(pipeline(*steps))
    cloud.engine.start(StartRequest(run_id="run1", pipeline="test", version=1))
    return cloud


def job_of(cloud: MemoryCloud, label: str = "a", part: int = 0) -> str:
    name = key(label, part).name
    [job_id] = [job.job_id for job in cloud.jobs.jobs.values() if job.name == name]
    return job_id


def end(cloud: MemoryCloud, *failed: ChildFailure, label: str = "a", part: int = 0) -> str:
    """An array fails: these children did."""
    job_id = job_of(cloud, label, part)
    own = [
        ChildFailure(
            index=f.index, job_id=f"{job_id}:{f.index}", exit_code=f.exit_code, reason=f.reason
        )
        for f in failed
    ]
    cloud.jobs.end(job_id, JobOutcome.FAILED, "Array Child Job failed", failures=own)
    cloud.clock.move(10)
    cloud.engine.reconcile("run1")
    return job_id


def test_collected_causes_are_those_of_the_file() -> None:
    one = Collected(step("a", file=LIST, tolerate=Tolerate(count=3)))
    job_id = job_of(one.cloud)
    one.cloud.logs.lines[f"{job_id}:7"] = ("50 %\rbegin\r", "x" * 1_000)
    one.end("a", child(7, 137, OOM), child(2))
    one.prepare()
    document = of_step(one.cloud)
    assert document == {
        "step": "a", "status": "PARTIAL", "round": 0, "counted": "items", "total": 10,
        "reason": one.run.state("a").reason, "failed": 2, "stopped": 0,
        "again": 0,
        "failures": failures_uri(one.run.state("a").failures),
        "notes": [],
        "causes": [
            {
                "class": "OutOfMemory", "exitCode": 137, "reason": OOM, "count": 1, "again": 0,
                "sample": {
                    "number": 7, "jobId": f"{job_id}:7", "round": 0, "index": 7,
                    "log": ["begin", "x" * failures.LINE_CHARS_MAX],
                },
            },
            {
                "class": "ExitCode", "exitCode": 1, "reason": None, "count": 1, "again": 0,
                "sample": {
                    "number": 2, "jobId": f"{job_id}:2", "round": 0, "index": 2, "log": [],
                },
            },
        ],
    }  # fmt: skip
    assert of_run(one.cloud) == {"runId": "run1", "status": "PARTIAL", "steps": [document]}


def test_a_round_at_work_shows_the_failures_that_it_runs_again() -> None:
    one = Collected(step("a", file=LIST, retry_failed=RetryFailed(rounds=1)))
    one.end("a", child(2), child(7))
    one.prepare()
    document = of_step(one.cloud)
    assert (document["failed"], document["again"], document["round"]) == (2, 2, 0)
    assert document["notes"] == ["round 1 is at work: what fails in it is added when it ends"]
    one.end("a", child(1), round_number=1)
    one.prepare()
    [sample] = [cause["sample"] for cause in of_step(one.cloud)["causes"]]
    assert (sample["number"], sample["round"], sample["index"]) == (7, 1, 1)


def test_a_step_that_collects_nothing_is_asked_of_aws_batch() -> None:
    cloud = started(step("a", size=10), step("b", "a"))
    cloud.logs.lines[f"{job_of(cloud)}:4"] = ("no such file",)
    job_id = end(cloud, child(4, 2, "Task 4 failed"), child(5, 2, "Task 5 failed"), child(9, 1))
    document = of_step(cloud)
    assert (document["counted"], document["total"], document["failures"]) == ("children", 10, None)
    assert document["causes"][0] == {
        "class": "ExitCode", "exitCode": 2, "reason": "Task 4 failed", "count": 2, "again": 0,
        "sample": {
            "number": 4, "jobId": f"{job_id}:4", "round": 0, "index": 4, "log": ["no such file"],
        },
    }  # fmt: skip
    assert [(cause["count"], cause["exitCode"]) for cause in document["causes"]] == [(2, 2), (1, 1)]
    assert [entry["step"] for entry in of_run(cloud)["steps"]] == ["a"], "b never began"


def test_the_sample_of_a_chunk_is_what_its_worker_did_not_record_as_done() -> None:
    one = Collected(step("a", file=LIST, chunk=5))
    record = {"items": [{"n": 5, "ok": True}, {"n": 6, "ok": False, "code": 1}]}
    uri = "s3://the-bucket/runs/run1/a/r0/results/0000001.json"
    one.cloud.objects.objects[uri] = json.dumps(record).encode()
    end(one.cloud, child(1))
    [cause] = of_step(one.cloud)["causes"]
    assert cause["sample"]["number"] == 6


def test_what_has_failed_of_a_job_at_work_is_shown() -> None:
    cloud = started(step("a", size=10))
    [job] = cloud.jobs.jobs.values()
    job.failed = 1
    cloud.clock.move(400)
    cloud.engine.reconcile("run1")
    assert of_run(cloud)["steps"][0]["status"] == "ACTIVE"


def test_a_child_that_was_stopped_has_not_failed() -> None:
    cloud = started(step("a", size=10))
    cloud.engine.cancel("run1", "enough")
    job_id = job_of(cloud)
    stopped = "batchrelay: enough"
    own = [
        ChildFailure(index=n, job_id=f"{job_id}:{n}", exit_code=1, reason=reason)
        for n, reason in enumerate(("no such file", stopped, stopped))
    ]
    cloud.jobs.jobs[job_id].outcome = None
    cloud.jobs.end(job_id, JobOutcome.FAILED, stopped, failures=own)
    run = cloud.runs.load("run1")
    part = replace(run.state("a").parts[0], outcome=None, failed=3)
    document: Any = reader(cloud).of_step(
        run.with_step("a", replace(run.state("a"), parts=(part,))), run.pipeline.step("a")
    )
    assert [cause["reason"] for cause in document["causes"]] == ["no such file"]


def test_a_step_that_never_had_a_job_has_its_reason() -> None:
    one = Collected(step("a", file="s3://b/absent.json"))
    document = of_step(one.cloud)
    assert (document["status"], document["causes"], document["notes"]) == ("FAILED", [], [])
    assert "there is no such object" in document["reason"]


def test_a_refused_job_is_a_cause_without_a_sample() -> None:
    cloud = started(step("b", size=2), step("a", "b", size=30))
    cloud.jobs.end(job_of(cloud, "b"), JobOutcome.SUCCEEDED)

    def refuse(request: Any) -> str:
        raise Denied("no such queue")

    cloud.jobs.submit = refuse  # type: ignore[method-assign]
    cloud.clock.move(10)
    cloud.engine.reconcile("run1")
    state = cloud.runs.load("run1").state("a")
    [cause] = of_step(cloud)["causes"]
    assert cause == {
        "class": "NotSubmitted", "exitCode": None, "reason": state.reason, "count": 30, "again": 0,
        "sample": None,
    }  # fmt: skip


def test_children_behind_a_failed_step_are_upstream_failures_of_their_own_step() -> None:
    cloud = started(step("a", size=4), step("b", "a", size=4, n_to_n_needs=frozenset({"a"})))
    end(cloud, child(3))
    end(cloud, child(3, None, "Dependent Job failed"), label="b")
    classes = [[cause["class"] for cause in s["causes"]] for s in of_run(cloud)["steps"]]
    assert classes == [["ExitCode"], ["Upstream"]]


# --- what is gone, and what is too much


def test_causes_that_expired_are_asked_of_aws_batch() -> None:
    one = Collected(step("a", file=LIST, tolerate=Tolerate(count=3)))
    one.end("a", child(7), child(2))
    one.prepare()
    del one.cloud.objects.objects[causes_uri(one.run.state("a").failures)]
    document = of_step(one.cloud)
    assert document["notes"][0].startswith("its causes are no longer in S3")
    assert (document["counted"], document["failed"]) == ("children", 2)
    one.cloud.jobs.forget(job_of(one.cloud))
    document = of_step(one.cloud)
    assert (document["causes"], len(document["notes"])) == ([], 2)
    assert "it keeps ended jobs for seven days" in document["notes"][1]
    assert document["reason"] == "2 × ExitCode (exit code 1)"


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"null", b'{"round": 0, "items": 1, "causes": [7]}', b'{"causes": []}'],
)
def test_causes_that_a_job_overwrote_are_asked_of_aws_batch(body: bytes) -> None:
    one = Collected(step("a", file=LIST, tolerate=Tolerate(count=3)))
    one.end("a", child(7))
    one.prepare()
    one.cloud.objects.objects[causes_uri(one.run.state("a").failures)] = body
    assert of_step(one.cloud)["failed"] == 1


@pytest.mark.parametrize(
    ("error", "note"),
    [
        (Ambiguous("timed out"), "AWS Batch gave no complete answer"),
        (Denied("not authorised"), "AWS Batch could not be asked: not authorised"),
    ],
)
def test_what_was_listed_before_a_lost_answer_is_shown(error: Exception, note: str) -> None:
    cloud = started(step("a", size=10))
    end(cloud, child(4))
    listed = list(cloud.jobs.failed_children(job_of(cloud)))

    def broken(job_id: str) -> Iterator[ChildFailure]:
        yield from listed
        raise error

    cloud.jobs.failed_children = broken  # type: ignore[method-assign]
    document = of_step(cloud)
    assert document["failed"] == 1
    assert document["notes"][0].startswith(note)


def test_no_more_children_are_listed_than_a_person_waits_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(failures, "CHILDREN_MAX", 3)
    cloud = started(step("a", size=10))
    end(cloud, *map(child, range(5)))
    document = of_step(cloud)
    assert document["failed"] == 3
    [note] = document["notes"]
    assert note.startswith("AWS Batch was asked for the first 3 failed children of a job: if")


def test_a_run_with_too_many_failures_names_the_steps_that_were_not_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bounds = {"children": 3, "logs": 1, "chars": 600}
    monkeypatch.setattr(failures._Request, "__init__", lambda one: one.__dict__.update(bounds))
    cloud = started(step("a", size=10), step("b", size=10), step("c", size=10))
    for label in "abc":
        end(cloud, *map(child, range(5)), label=label)
    first, second, third = of_run(cloud)["steps"]
    assert (first["failed"], second["failed"], third["failed"]) == (3, 0, 0)
    assert second["notes"] == [
        "not looked at, because there is too much to show at once: ask for this step alone"
    ]
    assert third["notes"] == second["notes"]


def test_a_run_without_failures_has_none() -> None:
    cloud = started(step("a", size=10))
    assert of_run(cloud) == {"runId": "run1", "status": "RUNNING", "steps": []}
    document = of_step(cloud)
    assert (document["causes"], document["failed"], document["round"]) == ([], 0, None)
    assert json.dumps(document)


def test_a_note_names_failures_that_succeeded_later() -> None:
    one = Collected(step("a", file=LIST, retry_failed=RetryFailed(rounds=1)))
    one.end("a", child(7))
    one.prepare()
    one.end("a", round_number=1)
    document = of_step(one.cloud)
    assert (document["status"], document["failed"], document["again"]) == ("SUCCEEDED", 1, 1)
    assert document["notes"] == [
        "round 1 ended well: every item that failed before has succeeded since"
    ]


def test_a_redrive_of_some_classes_counts_those() -> None:
    one = Collected(step("a", file=LIST, tolerate=Tolerate(count=3)))
    one.end("a", child(7, 137, OOM), child(2), child(3))
    one.prepare()
    a = one.run.pipeline.step("a")

    def count(*classes: str) -> tuple[int, int] | None:
        return reader(one.cloud).to_redrive(one.run, a, frozenset(classes))

    assert (count(), count("OutOfMemory"), count("ExitCode:1"), count("SpotInterruption")) == (
        (3, 0),
        (1, 0),
        (2, 0),
        (0, 0),
    )


def test_which_failures_have_a_class_is_found_out_by_the_redrive_of_a_step_without_causes() -> None:
    cloud = started(step("a", size=10))
    end(cloud, child(2))
    run = cloud.runs.load("run1")
    a = run.pipeline.step("a")
    assert reader(cloud).to_redrive(run, a, frozenset()) == (run.state("a").failed, 0)
    assert reader(cloud).to_redrive(run, a, frozenset({"ExitCode"})) is None
