"""Simulated runs of small pipelines, as a program is given them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from batchrelay_cli.main import cli

AT_ONCE = ("--start", "0s", "--event-delay", "0s")
"""Nothing takes time but the jobs."""


def definition(name: str = "d", vcpus: str = "1", **more: Any) -> dict[str, Any]:
    requirements = [{"type": "VCPU", "value": vcpus}, {"type": "MEMORY", "value": "1024"}]
    container = {"image": "i", "command": ["true"], "resourceRequirements": requirements}
    return {
        "jobDefinitionName": name,
        "type": "container",
        "containerProperties": container,
        **more,
    }


def written(folder: Path, *steps: Mapping[str, Any], **top: Any) -> str:
    """A pipeline file of these steps."""
    document = {
        "pipeline": "played",
        "defaults": {"jobQueue": "Q", "jobDefinition": "d"},
        "steps": steps,
        "jobDefinitions": [definition()],
        **top,
    }
    file = folder / "pipeline.json"
    file.write_text(json.dumps(document))
    return str(file)


def simulate(file: str, *options: str) -> Result:
    return CliRunner().invoke(cli, ["simulate", file, *options], env={"COLUMNS": "120"})


def simulated(file: str, *options: str) -> Any:
    """The document of a run that was played."""
    result = simulate(file, *options, "--output", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def array(name: str, size: int, **more: Any) -> dict[str, Any]:
    return {"jobName": name, "arrayProperties": {"size": size}, **more}
