"""Runs of a pipeline that has everything."""

from __future__ import annotations

from dataclasses import replace

from batchrelay.domain.events import (
    JobFailed,
    NoticeSent,
    RunDequeued,
    RunEndPublished,
)
from batchrelay.domain.pipeline import (
    ListFile,
    ListFormat,
    NoticeRule,
    Overlap,
    Param,
    Pipeline,
    S3Trigger,
    ScheduleTrigger,
    Step,
)
from batchrelay.domain.run import Run
from batchrelay.domain.transitions import advance, new_run
from tests.builders import ENVIRONMENT, T0, at, fold, key, step

EVERYTHING = Pipeline(
    name="everything",
    version=3,
    params=(Param(name="source", description="a folder"), Param(name="x", default="")),
    steps=(
        step("List", request={"parameters": {"x": "é ☃"}}, output="s3://b/${params.x}"),
        Step(
            name="Fan",
            needs=("List",),
            request={"jobQueue": "q", "jobDefinition": "d", "tags": {"a": "b"}},
            for_each=ListFile(file="s3://b/plan.json", format=ListFormat.JSON, items="Items"),
        ),
        step("Wide", size=25_000),
    ),
    notify=(NoticeRule(topic="${env.topicArn}", on=frozenset({"FAILED"}), link=""),),
    triggers=(
        S3Trigger(bucket="inbox", prefix="a/"),
        S3Trigger(bucket="inbox", debounce_s=60, overlap=Overlap.QUEUE),
        ScheduleTrigger(expression="rate(1 day)", overlap=Overlap.CANCEL_RUNNING),
    ),
    timeout_s=3_600,
)


def run_of(run_id: str) -> Run:
    queued = new_run(
        run_id=run_id,
        pipeline=EVERYTHING,
        params={"source": "s3://b/", "x": ""},
        environment=ENVIRONMENT,
        at=T0,
        trigger={"bucket": "b", "key": "a/é"},
        overlap=Overlap.QUEUE,
    )
    return advance(queued, RunDequeued(at=T0))


def ended(run: Run) -> Run:
    """The run after everything went wrong, and that was reported."""
    for part in range(3):
        event = JobFailed(
            at=at(1),
            key=replace(key("wide", part), run_id=run.id),
            job_id=f"job-{part}",
            succeeded=1,
            failed=2,
            reason="exit code 1",
        )
        run = fold(run, event)
    first = JobFailed(
        at=at(2),
        key=replace(key("list"), run_id=run.id),
        job_id="job-9",
        succeeded=0,
        failed=1,
        reason="",
    )
    run = fold(run, first)
    run = fold(run, NoticeSent(at=at(3), rule=0))
    return advance(run, RunEndPublished(at=at(3), redrive=0))
