"""The page about simulated runs prints what the command prints."""

from __future__ import annotations

import re
import shlex

import pytest
from click.testing import CliRunner

from batchrelay_cli.main import cli
from tests.stack import ROOT

PAGE = ROOT / "docs/how-to/simulate-a-run.md"


def test_the_command_of_the_page_prints_what_stands_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    block = re.search(r"```console\n\$ batchrelay (.*?)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert block is not None
    done = CliRunner().invoke(cli, shlex.split(block[1]), env={"COLUMNS": "100"})
    assert done.exit_code == 0, done.output
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    assert lines == block[2].splitlines()
