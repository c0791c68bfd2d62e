"""The pipeline file of each work."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from benchmarks.peers.work import Kind, Work

LIST = "s3://${env.bucket}/list.txt"


def write_pipeline(work: Work, folder: Path, chunk: int) -> Path:
    """The file, in the folder of the run."""
    document = {
        "pipeline": work.kind,
        "defaults": {"jobQueue": "q", "jobDefinition": "job"},
        "steps": steps(work, str(folder / "job"), chunk),
        "jobDefinitions": [_definition()],
    }
    file = folder / "pipeline.json"
    file.write_text(json.dumps(document))
    return file


def steps(work: Work, job: str, chunk: int) -> list[dict[str, Any]]:
    """A step for a fan-out, one for each link of a chain, three for a word count."""
    if work.kind is Kind.FAN_OUT:
        child = 'exec "$0" no-op "$AWS_BATCH_JOB_ARRAY_INDEX"'
        array = {"arrayProperties": {"size": work.size}}
        return [{"jobName": "child", **_command("sh", "-c", child, job), **array}]
    if work.kind is Kind.CHAIN:
        return [
            {
                "jobName": f"s{number}",
                **_command(job, "no-op", str(number)),
                **({"dependsOn": [{"jobName": f"s{number - 1}"}]} if number else {}),
            }
            for number in range(work.size)
        ]
    listing = '"$0" list && exec batchrelay-worker put "$1" "$2"'
    listed = str(Path(job).with_name("list.txt"))
    return [
        {"jobName": "list", **_command("sh", "-c", listing, job, listed, LIST)},
        {
            "jobName": "count",
            "dependsOn": [{"jobName": "list"}],
            **_command("batchrelay-worker", "run", "--", job, "count", "{item}"),
            "flow": {"forEach": {"file": LIST}, "chunk": chunk},
        },
        {"jobName": "merge", "dependsOn": [{"jobName": "count"}], **_command(job, "merge")},
    ]


def _command(*words: str) -> dict[str, Any]:
    return {"containerOverrides": {"command": [*words]}}


def _definition() -> dict[str, Any]:
    """Half of this machine for each child, so that two run at a time."""
    cores = max((os.cpu_count() or 1) // 2, 1)
    needs = [{"type": "VCPU", "value": str(cores)}, {"type": "MEMORY", "value": "64"}]
    return {
        "jobDefinitionName": "job",
        "type": "container",
        "containerProperties": {
            "image": "none",
            "command": ["true"],
            "resourceRequirements": needs,
        },
    }
