"""Every package that is installed from an index is pinned, with the hashes that it may have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_PINNED = re.compile(r"[A-Za-z0-9._-]+(\[[\w,-]+\])?==[^\s;]+( ;[^\\]*)?")
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def problems(lock: Path) -> list[str]:
    """What could be installed as something else than it was when the file was made."""
    return [f"{lock.name}: {problem}" for problem in _problems(lock.read_text())]


def _problems(text: str) -> Iterator[str]:
    lines = [
        line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")
    ]
    entries = "\n".join(lines).replace("\\\n", " ").splitlines()
    if not entries:
        yield "names no package"
    for entry in entries:
        requirement, _, _ = entry.rstrip(" \\").partition(" --hash")
        name = requirement.split("==")[0].strip()
        if _PINNED.fullmatch(requirement.strip()) is None:
            yield f"{name} is not one version"
        elif _HASH.search(entry) is None:
            yield f"{name} has no hash"
