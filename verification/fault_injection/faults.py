"""One example, one seed: it must end, and leave what it leaves without faults."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, replace
from typing import Any

from rich.console import Console

from batchrelay.aws_lambda.wiring import new_run_id
from batchrelay.domain.run import Run, RunStatus
from batchrelay.domain.variables import variables_of
from batchrelay_cli.pipeline_file.read import PipelineFile, read
from batchrelay_cli.stack.client import Stack, local_client_factory
from batchrelay_cli.verbs.run import LocalRun
from batchrelay_local.launch import LocalCloud
from tests.stack import ROOT
from verification.crash_matrix.machine import Machine

EXAMPLES = ROOT / "examples"
FAULT_PROFILE = (
    "event_dropped=0.3,event_duplicated=0.3,event_delayed=0.3,delay_s_max=0.3,"
    "submit_ambiguous=0.1,submit_throttled=0.05,host_lost=0.1"
)
"""30 % of the events dropped, 30 % doubled, 30 % late and so out of order; 10 % of SubmitJob
answered by 500 after it was accepted, 5 % by 429; a tenth of the attempts lost with their host."""

RETRIES = {"attempts": 10}
"""What a step needs to outlive lost hosts; a tenth of a tenth of … of the jobs do not."""

PARAMS: dict[str, dict[str, str]] = {
    "word-count": {"source": str(EXAMPLES / "word-count/texts")},
    "array-workflow": {},
    "manifest": {"source": str(EXAMPLES / "manifest/texts")},
    "chunked": {"files": "210"},
    "dynamic-queue": {},
    "checkpoint": {},
    "incremental": {"source": str(EXAMPLES / "incremental/texts")},
    "sizes": {},
    "tree-aggregate": {"results": "201"},
    "sweep": {},
}


@dataclass(frozen=True, kw_only=True)
class Ending:
    """What a run left."""

    run: Run
    output: str
    """The text of the last step's output; empty where it has none."""
    jobs: int
    """Distinct jobNames that were submitted."""
    reconciliations: int


def play(example: str, seed: int | None) -> Ending:
    """Play an example under the faults of a seed; None is without faults."""
    file = _hardened(read(EXAMPLES / example / "pipeline.yaml"))
    chaos = "" if seed is None else f"seed={seed},{FAULT_PROFILE}"
    cloud = LocalCloud.start(directory=EXAMPLES / example, chaos=chaos)
    try:
        machine = Machine(cloud)
        session = LocalRun.prepare(cloud, file, Console(file=io.StringIO()))
        params = session._uploaded(PARAMS[example])
        played = machine.play(new_run_id(), None, pipeline=file.pipeline.name, params=params)
        stack = Stack(make_client=local_client_factory(cloud.environment), outputs=cloud.outputs)
        return Ending(
            run=played.run,
            output=_output(stack, played.run),
            jobs=_jobs(stack, played.run),
            reconciliations=sum(handler == "reconcile" for handler, _ in played.invocations),
        )
    finally:
        cloud.stop()


def check(undisturbed: Ending, ending: Ending) -> None:
    """Raises: AssertionError."""
    assert ending.run.status is RunStatus.SUCCEEDED, ending.run.steps
    steps = {name: (s.status, s.items, s.children) for name, s in ending.run.steps.items()}
    assert steps == {
        name: (s.status, s.items, s.children) for name, s in undisturbed.run.steps.items()
    }
    assert ending.jobs == undisturbed.jobs, (
        f"{ending.jobs} effective jobs, {undisturbed.jobs} without faults"
    )
    assert ending.output == undisturbed.output, (ending.output, undisturbed.output)


def _hardened(file: PipelineFile) -> PipelineFile:
    steps = tuple(
        replace(step, request={**step.request, "retryStrategy": RETRIES})
        for step in file.pipeline.steps
    )
    return replace(file, pipeline=replace(file.pipeline, steps=steps))


def _output(stack: Stack, run: Run) -> str:
    """Without what differs from run to run: its id."""
    uris = [
        variables_of(run)[f"steps.{step.name}.output"]
        for step in run.pipeline.order
        if step.output is not None and "${item" not in step.output
    ]
    if not uris or uris[-1].endswith("/"):
        return ""
    bucket, _, key = uris[-1].removeprefix("s3://").partition("/")
    text = stack.s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    return re.sub(f"{run.id}|{bucket}", "…", text)


def _jobs(stack: Stack, run: Run) -> int:
    """Jobs that took effect: duplicate jobs that were terminated, and children, aside."""
    names: set[Any] = set()
    for queue in stack.batch.describe_job_queues()["jobQueues"]:
        pages = stack.batch.get_paginator("list_jobs").paginate(
            jobQueue=queue["jobQueueName"],
            filters=[{"name": "JOB_NAME", "values": [f"br-{run.id}-*"]}],
        )
        for page in pages:
            for job in page["jobSummaryList"]:
                if job["status"] == "SUCCEEDED":
                    assert job["jobName"] not in names, f"{job['jobName']} succeeded twice"
                    names.add(job["jobName"])
    return len(names)
