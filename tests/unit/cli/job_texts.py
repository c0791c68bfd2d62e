"""Pipeline files of a test, from a few fields of their steps and job definitions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from batchrelay_cli.pipeline_file.problems import PipelineFileError
from batchrelay_cli.pipeline_file.read import read

NEEDS = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]


def step(name: str = "a", **more: Any) -> dict[str, Any]:
    return {"jobName": name, "jobQueue": "q", "jobDefinition": "d", **more}


def definition(container: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    own = {"image": "i", "command": ["true"], "resourceRequirements": NEEDS, **(container or {})}
    return {"jobDefinitionName": "d", "type": "container", "containerProperties": own, **more}


def needs(vcpu: str, memory: str, **more: str) -> dict[str, Any]:
    amounts = {"VCPU": vcpu, "MEMORY": memory, **more}
    listed = [{"type": kind, "value": value} for kind, value in amounts.items()]
    return {"resourceRequirements": listed}


def fargate(*amounts: str, **more: str) -> dict[str, Any]:
    return definition(needs(*amounts, **more), platformCapabilities=["FARGATE"])


def problems(folder: Path, *steps: dict[str, Any], **more: Any) -> list[str]:
    file = folder / "pipeline.json"
    file.write_text(json.dumps({"pipeline": "p", "steps": steps, **more}))
    try:
        read(file)
    except PipelineFileError as error:
        return [problem.message for problem in error.problems]
    return []
