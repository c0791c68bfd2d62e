"""The program, and pipeline files whose jobs are shell scripts."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

BATCHRELAY = (sys.executable, "-m", "batchrelay_cli")


def pipeline(folder: Path, **document: Any) -> str:
    """A pipeline file whose job definition is `sh`."""
    definition = {
        "jobDefinitionName": "sh",
        "type": "container",
        "containerProperties": {"image": "none", "command": ["true"], "vcpus": 1, "memory": 64},
    }
    whole = {
        "pipeline": "p",
        "defaults": {"jobQueue": "q", "jobDefinition": "sh"},
        "notify": [{"topicArn": "${env.topicArn}"}],
        "jobDefinitions": [definition],
        **document,
    }
    file = folder / "pipeline.json"
    file.write_text(json.dumps(whole))
    return str(file)


def shell(script: str) -> dict[str, Any]:
    return {"command": ["sh", "-c", script]}
