"""Pipelines of no-ops."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def no_ops(folder: Path, name: str, steps: Sequence[dict[str, Any]]) -> Path:
    """A file whose steps run `true`."""
    needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]
    container = {"image": "none", "command": ["true"], "resourceRequirements": needs}
    definition = {"jobDefinitionName": "noop", "type": "container"}
    document = {
        "pipeline": name,
        "defaults": {"jobQueue": "q", "jobDefinition": "noop"},
        "steps": list(steps),
        "jobDefinitions": [{**definition, "containerProperties": container}],
    }
    file = folder / f"{name}.json"
    file.write_text(json.dumps(document))
    return file


def chain(folder: Path, steps: int) -> Path:
    """Each step waits for the one before it."""
    entries: list[dict[str, Any]] = [{"jobName": "s0"}]
    entries += [
        {"jobName": f"s{n}", "dependsOn": [{"jobName": f"s{n - 1}"}]} for n in range(1, steps)
    ]
    return no_ops(folder, f"chain-{steps}", entries)


def fan_out(folder: Path, children: int) -> Path:
    """One array."""
    entry = {"jobName": "a", "arrayProperties": {"size": children}}
    return no_ops(folder, f"fan-out-{children}", [entry])
