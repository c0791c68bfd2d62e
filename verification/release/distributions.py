"""The wheels and source distributions: what the index would say of them, and their versions.

batchrelay and its worker have one version, for both contain the worker. batch-local has its own.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from packaging.utils import parse_sdist_filename, parse_wheel_filename

import batch_local
import batchrelay_worker

ROOT = Path(__file__).resolve().parents[2]
TWINE = ROOT / ".tools/twine/bin/twine"
VERSIONS = {
    "batch-local": batch_local.__version__,
    "batchrelay": batchrelay_worker.__version__,
    "batchrelay-worker": batchrelay_worker.__version__,
}


def built(folder: Path) -> list[Path]:
    """A wheel and an sdist of each distribution."""
    for project in (ROOT, ROOT / "worker", ROOT / "batch-local"):
        command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
        subprocess.run(command, cwd=project, check=True, capture_output=True)
    return sorted(folder.iterdir())


def problems(files: Iterable[Path], version_of: Mapping[str, str]) -> list[str]:
    """What twine finds, and every version but the one of its distribution."""
    paths = [*files]
    ended = subprocess.run(
        [TWINE, "check", "--strict", *paths], capture_output=True, text=True, check=False
    )
    lines = [] if ended.returncode == 0 else (ended.stdout + ended.stderr).splitlines()
    versions = ((path.name, *_distribution(path)) for path in paths)
    return lines + [
        f"{file} has the version {version}, not {version_of[name]}"
        for file, name, version in versions
        if version != version_of[name]
    ]


def _distribution(path: Path) -> tuple[str, str]:
    """The name and the version that a file has in its own name."""
    parse = parse_wheel_filename if path.suffix == ".whl" else parse_sdist_filename
    name, version, *_ = parse(path.name)
    return name, str(version)
