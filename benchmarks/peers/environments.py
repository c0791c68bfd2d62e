"""An environment for each peer, from its lock file, by the uv of the Makefile."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path

from benchmarks.peers.runners import (
    ENVIRONMENTS,
    ROOT,
    STATE_FOLDERS,
    Runner,
    bin_of,
    first_use_of,
    variables,
)

UV = ROOT / ".tools/uv/bin/uv"
LOCKS = ROOT / "locks/peers"


class NotInstalled(Exception):
    """A peer has no environment; says why."""


def lock_of(runner: Runner) -> Path:
    """The peer's pinned packages, with hashes."""
    return LOCKS / f"{runner.lock}.lock"


def version_of(runner: Runner) -> str:
    """The version that the lock pins."""
    pattern = rf"^{re.escape(runner.package)}==([^\s\\;]+)"
    match = re.search(pattern, lock_of(runner).read_text(), re.MULTILINE)
    if match is None:
        raise NotInstalled(f"{lock_of(runner).name} does not pin {runner.package}")
    return match[1]


def install(runner: Runner) -> None:
    """Make the peer's environment, unless one of this very lock is there.

    Raises:
        NotInstalled: with the last lines of what uv printed.
    """
    lock = lock_of(runner)
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    ready = ENVIRONMENTS / runner.lock / "ready"
    if ready.exists() and ready.read_text() == digest:
        return
    python = str(bin_of(runner.lock) / "python")
    _run(
        str(UV),
        "venv",
        "-q",
        "--clear",
        "--python",
        sys.executable,
        str(ENVIRONMENTS / runner.lock),
    )
    _run(
        str(UV),
        "pip",
        "sync",
        "-q",
        "--python",
        python,
        "--compile-bytecode",
        "--require-hashes",
        str(lock),
    )
    _use_first(runner)
    ready.write_text(digest)


def _use_first(runner: Runner) -> None:
    if runner.first_use:
        folder = first_use_of(runner.lock)
        for name in STATE_FOLDERS:
            (folder / name).mkdir(parents=True)
        program, *words = runner.first_use
        _run(str(bin_of(runner.lock) / program), *words, environment=variables(runner, folder))


def _run(program: str, *words: str, environment: dict[str, str] | None = None) -> None:
    command = [program, *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no message"]
        name = f"{Path(program).name} {words[0]}"
        raise NotInstalled(f"{name}: exit {done.returncode}: {' '.join(lines[-3:])}")
