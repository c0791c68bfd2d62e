"""The command line in this process, on the cloud that the environment names."""

from __future__ import annotations

import json
import time
from collections.abc import Collection
from typing import Any

from click.testing import CliRunner, Result

from batchrelay_cli.main import cli

PATIENCE_S = 60


def batchrelay(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def printed(*arguments: str) -> str:
    """What a command that succeeds writes to its standard output."""
    result = batchrelay(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def document(*arguments: str) -> Any:
    """What a command answers to a program: of a run that is open or has ended, however it did."""
    result = batchrelay(*arguments, "--output", "json")
    assert result.exit_code in (0, 1, 3, 4), result.output
    return json.loads(result.stdout)


def statuses(run_id: str) -> dict[str, str]:
    """The status of each step."""
    return {step["step"]: step["status"] for step in document("status", run_id)["steps"]}


def ended_runs(
    pipeline: str, count: int = 1, *, statuses: Collection[str] = ("SUCCEEDED",)
) -> list[Any]:
    """The runs of a pipeline, once they are so many and all have ended so."""
    began = time.monotonic()
    while True:
        runs: list[Any] = document("runs", pipeline)["runs"]
        if len(runs) == count and all(run["status"] in statuses for run in runs):
            return runs
        assert time.monotonic() - began < PATIENCE_S, runs
        time.sleep(0.2)
