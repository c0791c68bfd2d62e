"""Known vulnerabilities of what the lock files name, by pip-audit."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from verification.audit.accepted import Finding


class NotChecked(Exception):
    """The database could not be asked, or does not know a package."""


def findings(program: Path, lock: Path) -> list[Finding]:
    """Of one lock file. Raises: NotChecked."""
    command = [str(program), "--format", "json", "--progress-spinner", "off"]
    command += ["--disable-pip", "--require-hashes", "--requirement", str(lock)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    return read(ended.stdout, ended.stderr)


def read(output: str, errors: str) -> list[Finding]:
    """Raises: NotChecked, also where only some packages could not be looked up."""
    try:
        dependencies: list[dict[str, Any]] = json.loads(output)["dependencies"]
    except ValueError:
        last = (errors.strip().splitlines() or ["it printed nothing"])[-1]
        raise NotChecked(f"pip-audit ended without an answer: {last}") from None
    unknown = [entry["name"] for entry in dependencies if "skip_reason" in entry]
    if unknown:
        count = f"{len(unknown)} of {len(dependencies)} packages"
        raise NotChecked(f"the vulnerability database was not reached for {count}: {unknown[0]} …")
    return [
        Finding(rule=vuln["id"], of=entry["name"], message=f"{entry['name']} {entry['version']}")
        for entry in dependencies
        for vuln in entry["vulns"]
    ]
