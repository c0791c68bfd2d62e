"""Many steps that end at once, and one that joins them: how long runs take, and who conflicts.

`python -m benchmarks.contention STEPS TRIALS` prints a line for each trial, then the median and the
longest; its exit code is 1 if a trial took more than twice the median, or left a dead letter. A run
has at most 499 steps and the join: more steps are runs side by side, on the same cloud.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from batchrelay.domain.limits import STEPS_MAX
from batchrelay_cli.pipeline_file.read import PipelineFile, read
from batchrelay_cli.verbs.run import LocalRun
from batchrelay_local.launch import LocalCloud
from benchmarks.batch import client

QUEUES = ("JobEventDeadLettersUrl", "PrepareDeadLettersUrl", "TriggerDeadLettersUrl")


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What one run took."""

    seconds: float
    writes: int
    """PutItem of the functions: saves of runs, and those that were refused."""
    conflicts: int
    dead_letters: int


def graph(folder: Path, steps: int) -> PipelineFile:
    """Plain no-ops without needs, and a step that needs them all."""
    names = [f"s{number}" for number in range(steps)]
    entries: list[dict[str, Any]] = [{"jobName": name} for name in names]
    entries.append({"jobName": "join", "dependsOn": [{"jobName": name} for name in names]})
    needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]
    container = {"image": "none", "command": ["true"], "resourceRequirements": needs}
    noop = {"jobDefinitionName": "n", "type": "container", "containerProperties": container}
    document = {
        "pipeline": "wide",
        "defaults": {"jobQueue": "q", "jobDefinition": "n"},
        "steps": entries,
        "jobDefinitions": [noop],
    }
    file = folder / "wide.json"
    file.write_text(json.dumps(document))
    return read(file)


def trial(file: PipelineFile, runs: int) -> Trial:
    """Runs on a cloud of their own. Nothing reconciles: what is lost stays lost."""
    cloud = LocalCloud.start(directory=file.path.resolve().parent)
    try:
        sessions = [LocalRun.prepare(cloud, file, Console(quiet=True)) for _ in range(runs)]
        with ThreadPoolExecutor(runs) as pool:
            played = [pool.submit(session.play, {}, reconcile=False) for session in sessions]
            all_ended = [each.result() for each in played]
        assert {ended["status"] for ended in all_ended} == {"SUCCEEDED"}, all_ended
        writes = cloud.calls().get("dynamodb.PutItem", 0)
        began = min(datetime.fromisoformat(ended["startedAt"]) for ended in all_ended)
        took = max(datetime.fromisoformat(ended["endedAt"]) for ended in all_ended) - began
        return Trial(
            seconds=took.total_seconds(),
            writes=writes,
            conflicts=_conflicts(client(cloud, "logs")),
            dead_letters=sum(_messages(cloud, cloud.outputs[name]) for name in QUEUES),
        )
    finally:
        cloud.stop()


def _conflicts(logs: Any) -> int:
    groups = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]
    lines = (
        event["message"]
        for group in groups
        for page in logs.get_paginator("filter_log_events").paginate(
            logGroupName=group["logGroupName"]
        )
        for event in page["events"]
    )
    metrics = (json.loads(line) for line in lines if '"Conflicts"' in line)
    return int(sum(sum(document.get("Conflicts", ())) for document in metrics))


def _messages(cloud: LocalCloud, url: str) -> int:
    sqs = client(cloud, "sqs")
    names = ["ApproximateNumberOfMessages"]
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return int(answer[names[0]])


def main() -> int:
    """A line for each trial."""
    steps, trials = (int(argument) for argument in sys.argv[1:3])
    with tempfile.TemporaryDirectory() as folder:
        runs = -(-steps // (STEPS_MAX - 1))
        file = graph(Path(folder), steps // runs)
        done: list[Trial] = []
        for number in range(trials):
            done.append(trial(file, runs))
            last = done[-1]
            print(
                f"{number + 1:3}  {last.seconds:6.1f} s  {last.conflicts} conflicts  "
                f"{last.dead_letters} dead letters",
                flush=True,
            )
    median = statistics.median(each.seconds for each in done)
    longest = max(each.seconds for each in done)
    print(f"median {median:.1f} s, longest {longest:.1f} s, {longest / median:.2f} x the median")
    return int(longest > 2 * median or any(each.dead_letters for each in done))


if __name__ == "__main__":
    sys.exit(main())
