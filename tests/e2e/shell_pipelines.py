"""The program, pipeline files whose jobs are shell scripts, and what the word count counts."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.stack import ROOT

BATCHRELAY = (sys.executable, "-m", "batchrelay_cli")
WORD_COUNT = str(ROOT / "examples/word-count/pipeline.yaml")


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


def texts(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        (folder / f"a b+c%20é {number}.txt").write_text("lamp lamp Lamp the of it\n")
    return folder
