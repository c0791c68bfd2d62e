"""What two scanners say of the templates: cfn-lint of their source, checkov of what they become."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tests.policies import expanded
from tests.stack import QUICKSTART, ROOT, template
from verification.audit.accepted import Finding


def cfn_lint(program: Path) -> list[Finding]:
    """With its informational rules. One finding for each resource and rule."""
    sources = [str(ROOT / "template.yaml"), str(QUICKSTART)]
    command = [str(program), "--include-checks", "I", "--format", "json", "--", *sources]
    found: list[dict[str, Any]] = json.loads(_output(command))
    return [
        Finding(
            rule=entry["Rule"]["Id"],
            of=str((entry["Location"]["Path"] or ["", "template"])[1]),
            message=entry["Message"],
        )
        for entry in found
    ]


def checkov(program: Path) -> list[Finding]:
    """Of the expanded template, whose roles are looked at as SAM makes them, and of the nested."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "template.json"
        file.write_text(json.dumps(expanded(template())))
        command = [str(program), "--file", str(file), str(QUICKSTART)]
        command += ["--framework", "cloudformation"]
        command += ["--compact", "--quiet", "--skip-download", "--output", "json"]
        document: dict[str, Any] = json.loads(_output(command))
    return [
        Finding(rule=entry["check_id"], of=entry["resource"], message=entry["check_name"])
        for entry in document["results"]["failed_checks"]
    ]


def _output(command: list[str]) -> str:
    """Both scanners end with another code if they find something."""
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if not ended.stdout.strip():
        raise RuntimeError(f"{command[0]} printed nothing: {ended.stderr.strip()[-500:]}")
    return ended.stdout
