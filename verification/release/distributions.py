"""The wheels and source distributions: what the index would say of them, and their versions."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from packaging.utils import parse_sdist_filename, parse_wheel_filename

ROOT = Path(__file__).resolve().parents[2]
TWINE = ROOT / ".tools/twine/bin/twine"


def built(folder: Path) -> list[Path]:
    """A wheel and an sdist of both distributions."""
    for project in (ROOT, ROOT / "worker"):
        command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
        subprocess.run(command, cwd=project, check=True, capture_output=True)
    return sorted(folder.iterdir())


def problems(files: Iterable[Path], version: str) -> list[str]:
    """What twine finds, and every version but the one."""
    paths = [*files]
    ended = subprocess.run(
        [TWINE, "check", "--strict", *paths], capture_output=True, text=True, check=False
    )
    lines = [] if ended.returncode == 0 else (ended.stdout + ended.stderr).splitlines()
    versions = {path.name: _version(path) for path in paths}
    return lines + [
        f"{name} has the version {found}, not {version}"
        for name, found in versions.items()
        if found != version
    ]


def _version(path: Path) -> str:
    parse = parse_wheel_filename if path.suffix == ".whl" else parse_sdist_filename
    return str(parse(path.name)[1])
