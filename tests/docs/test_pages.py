"""Pages and code agree: what a page names is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.stack import ROOT

CORE = ROOT / "layers/core/batchrelay"
CELL = re.compile(r"^\| \d+ \| `([\w/.]+\.(?:py|yaml))`(?:, (.+?))? \|", re.MULTILINE)


def definitions(path: Path) -> set[str]:
    """Functions and classes of a file; methods as `Class.method`."""
    names = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            members = [member for member in node.body if isinstance(member, ast.FunctionDef)]
            names |= {f"{node.name}.{member.name}" for member in members}
    return names


def test_the_walk_of_an_event_names_files_and_functions_that_are_there() -> None:
    page = (ROOT / "docs/explanation/architecture.md").read_text()
    stops = CELL.findall(page)
    assert len(stops) == 17
    for name, functions in stops:
        path = ROOT / name if (ROOT / name).exists() else CORE / name
        text = path.read_text()
        for function in re.findall(r"`([\w.]+)`", functions):
            if path.suffix == ".py":
                assert function in definitions(path), f"{name}: {function}"
            else:
                assert f"\n  {function}:" in text, f"{name}: {function}"


def test_every_log_message_of_the_troubleshooting_page_is_logged() -> None:
    page = (ROOT / "docs/troubleshooting.md").read_text()
    functions = "".join(path.read_text() for path in (ROOT / "functions").rglob("*.py"))
    logged = set(re.findall(r'logger\.\w+\(\s*"([a-z ]+)"', functions))
    assert len(logged) > 10
    named = {
        "effects reconciled",
        "malformed event",
        "run not advanced",
        "trigger started nothing",
        "message not handled",
        "run skipped",
        "start refused",
    }
    assert all(f"`{message}`" in page for message in named)
    assert named <= logged
