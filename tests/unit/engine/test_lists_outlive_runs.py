"""No run is open when the lists that it reads expire: the template's rule, and reconcile."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from batchrelay.aws_lambda.settings import Settings
from batchrelay.aws_lambda.wiring import engine
from batchrelay.domain.pipeline import Overlap
from batchrelay.domain.run import RunStatus, StartRequest
from tests.builders import MemoryCloud, pipeline, step
from tests.stack import resource, template

RECONCILE_EVERY = timedelta(minutes=template()["Parameters"]["ReconcileMinutes"]["MaxValue"])


def settings(days: int) -> Settings:
    return Settings(
        table="t",
        bucket="b",
        topic_arn="a",
        prepare_queue_url="p",
        trigger_queue_url="q",
        run_ttl_days=days,
    )


def test_lists_are_kept_for_as_long_as_the_functions_know() -> None:
    variables = template()["Globals"]["Function"]["Environment"]["Variables"]
    assert variables["BATCHRELAY_RUN_TTL_DAYS"] == {"Ref": "RunTtlDays"}
    rules = resource("Bucket")["LifecycleConfiguration"]["Rules"]
    expiring = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "Prefix" in rule}
    assert expiring == {key: {"Ref": "RunTtlDays"} for key in ("runs/", "uploads/")}


def test_the_functions_have_a_bound_and_the_smallest_is_a_day() -> None:
    parameter = template()["Parameters"]["RunTtlDays"]
    assert engine(settings(parameter["Default"])).open_days_max == 89
    assert engine(settings(parameter["MinValue"])).open_days_max == 1


@pytest.mark.parametrize("days", [2, 14, 90, 365])
@pytest.mark.parametrize("waits", [False, True])
def test_a_run_is_stopped_before_its_lists_can_expire(days: int, waits: bool) -> None:
    """A job may be RUNNABLE for months, and a run may wait in the run queue for as long."""
    cloud = MemoryCloud(pipeline(step("a")))
    runs = replace(cloud.engine, open_days_max=settings(days).open_days_max)
    if waits:
        first = StartRequest(run_id="first", pipeline="test", version=1, overlap=Overlap.QUEUE)
        runs.start(first)
        cloud.clock.move(60)
    overlap = Overlap.QUEUE if waits else Overlap.PARALLEL
    begun = runs.start(StartRequest(run_id="run1", pipeline="test", version=1, overlap=overlap)).run
    assert begun.status is (RunStatus.QUEUED if waits else RunStatus.RUNNING)
    expiry = begun.started_at + timedelta(days=days)  # S3 waits until the midnight after
    while (run := runs.reconcile("run1").run).stop is None:
        assert cloud.clock.now() < begun.started_at + timedelta(days=days - 1)
        cloud.clock.move(RECONCILE_EVERY.total_seconds())
        assert cloud.clock.now() < expiry
    assert run.stop.reason == (
        f"the run was open for {days - 1} days, and its lists expire soon: raise RunTtlDays"
    )
    assert run.status is (RunStatus.FAILED if waits else RunStatus.CANCELLING)
