"""The handlers as Lambda has them, with an engine in memory."""

from __future__ import annotations

import os
from functools import partial
from itertools import count
from types import SimpleNamespace

import pytest

from batchrelay.api.failures import FailureReader
from batchrelay.api.progress import Looks
from batchrelay.api.service import Api
from batchrelay.engine.budgets import resume
from tests.builders import MemoryCloud
from tests.stack import template

_SET = template()["Globals"]["Function"]["Environment"]["Variables"]
os.environ.update({name: _SET[name] for name in _SET if isinstance(_SET[name], str)})

from functions.api import app as api  # noqa: E402
from functions.on_job_event import app as on_job_event  # noqa: E402  # Powertools reads the environment
from functions.prepare import app as prepare  # noqa: E402
from functions.reconcile import app as reconcile  # noqa: E402
from functions.start_run import app as start_run  # noqa: E402

__all__ = ["CONTEXT", "api", "on_job_event", "prepare", "reconcile", "serve", "start_run"]

CONTEXT = SimpleNamespace(
    function_name="f",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:us-east-1:1:function:f",
    aws_request_id="id",
    get_remaining_time_in_millis=lambda: 300_000,
)


def serve(cloud: MemoryCloud, monkeypatch: pytest.MonkeyPatch) -> Api:
    """Let every handler work on a cloud in memory; the API that they answer with."""
    for app in (on_job_event, prepare, reconcile, start_run):
        monkeypatch.setattr(app, "lambda_engine", lambda: cloud.engine)
    for app in (on_job_event, prepare, start_run):
        monkeypatch.setattr(app, "lambda_deliveries", lambda: cloud.deliveries)
    monkeypatch.setattr(start_run, "lambda_trigger_dispatch", lambda: cloud.triggers)
    ids = (f"run{number}" for number in count(100))
    looks = Looks(jobs=cloud.jobs, clock=cloud.clock)
    asked = Api(
        run_store=cloud.runs,
        pipeline_store=cloud.pipelines,
        start_run=cloud.engine.start,
        cancel_run=cloud.engine.cancel,
        redrive_run=cloud.engine.redrive,
        check_redrive=cloud.engine.check_redrive,
        resume_run=partial(resume, cloud.engine),
        looks=looks,
        failure_reader=FailureReader(objects=cloud.objects, jobs=cloud.jobs, logs=cloud.logs),
        new_run_id=lambda: next(ids),
    )
    monkeypatch.setattr(api, "lambda_api", lambda: asked)
    return asked
