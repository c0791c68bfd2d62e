"""An assistant's session: `batchrelay mcp` over its standard input and output, on a local cloud."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from tests.conftest import write

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("stays")]
CHECKED = """
pipeline: checked
params: {limit: {type: integer, default: 20}}
defaults: {jobQueue: CheckedQueue}
steps:
  - jobName: compare
    jobDefinition: compare
    parameters: {Limit: "${params.limit}"}
    flow: {forEach: {items: ["7", "30"]}}
jobDefinitions:
  - jobDefinitionName: compare
    type: container
    containerProperties:
      image: i
      command: [batchrelay-worker, run, --, sh, -c, '[ "$1" -le "$2" ] || { printf "%s is over\\\\033[2J\\\\n" "$1"; exit 3; }', sh, "{item}", "Ref::Limit"]
      resourceRequirements: [{type: VCPU, value: "1"}, {type: MEMORY, value: "64"}]
"""  # noqa: E501  # a command is one line


class Session:
    """One server and its client."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def answer(self, tool: str, **arguments: Any) -> Mapping[str, Any]:
        result = await self.client.call_tool(tool, arguments)
        assert not result.is_error, result.content
        return dict(result.structured_content or {})

    async def refusal(self, tool: str, **arguments: Any) -> str:
        result = await self.client.call_tool(tool, arguments)
        assert result.is_error, result.structured_content
        return str(getattr(result.content[0], "text", ""))


def server(*options: str) -> StdioServerParameters:
    aws = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    program = ["-m", "batchrelay_cli", "mcp", *options]
    return StdioServerParameters(command=sys.executable, args=program, env=aws)


def test_a_session_starts_a_run_and_finds_out_why_an_item_failed(tmp_path: Path) -> None:
    asyncio.run(_session(write(tmp_path, CHECKED)))


async def _session(file: str) -> None:
    async with Client(server("--allow", "start,register", "--allow", "redrive")) as client:
        session = Session(client)
        planned = await session.answer("plan_pipeline", file=file)
        assert [step["name"] for step in planned["steps"]] == ["compare"]
        registered = await session.answer("register_pipeline", file=file)
        assert "pipeline checked: new" in registered["changes"]
        started = await session.answer("start_run", pipeline="checked", key="k")
        again = await session.answer("start_run", pipeline="checked", key="k")
        assert (started["isNew"], again["isNew"]) == (True, False)
        run_id = started["run"]["runId"]
        assert (await session.answer("list_runs", pipeline="checked"))["runs"][0]["runId"] == run_id
        run = await session.answer("wait_for_run", run=run_id, timeout_s=50)
        assert (run["status"], run["isOpen"]) == ("FAILED", False)
        [step] = (await session.answer("run_failures", run=run_id))["steps"]
        assert [(cause["count"], cause["exitCode"]) for cause in step["causes"]] == [(1, 3)]
        log = await session.answer("child_log", run=run_id, step="compare", number=1)
        assert "30 is over\\x1b[2J" in log["lines"]
        report = await session.answer("run_report", run=run_id)
        assert report["steps"][0]["measured"]["states"]
        again_run = await session.answer("redrive_run", run=run_id, params={"limit": 100})
        assert again_run["isOpen"]
        ended = await session.answer("wait_for_run", run=run_id, timeout_s=50)
        assert ended["status"] == "SUCCEEDED"
        assert "there is no run absent" in await session.refusal("run_status", run="absent")
        assert "cancel_run" in await session.refusal("cancel_run", run=run_id, reason="r")


HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


def process(*options: str) -> subprocess.Popen[str]:
    """A server without a client of the SDK."""
    return subprocess.Popen(
        [sys.executable, "-m", "batchrelay_cli", "mcp", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def send(server_process: subprocess.Popen[str], message: Mapping[str, Any]) -> None:
    assert server_process.stdin is not None
    server_process.stdin.write(json.dumps(message) + "\n")
    server_process.stdin.flush()


def test_a_signal_ends_it_while_its_client_keeps_standard_input_open() -> None:
    with process() as one:
        send(one, HELLO)
        assert one.stdout is not None and one.stderr is not None  # noqa: PT018  # for mypy
        assert one.stdout.readline()
        one.send_signal(signal.SIGTERM)
        try:
            assert one.wait(timeout=5) == 130
        finally:
            one.kill()
        assert one.stderr.read() == "interrupted\n"


def test_a_client_that_has_gone_is_no_error() -> None:
    with process() as one:
        assert one.stdin is not None and one.stdout is not None and one.stderr is not None  # noqa: PT018  # for mypy
        one.stdout.close()
        send(one, HELLO)
        one.stdin.close()
        assert one.wait(timeout=10) == 0
        assert one.stderr.read() == ""
