"""The transcript of a call of doctor on a local cloud, which is kept, as it is and changed.

Record it again after a change of a probe, with the table beside it:

    batchrelay doctor --transcript doctor.jsonl && gzip -9n doctor.jsonl
    batchrelay doctor --replay doctor.jsonl --output json > doctor.json
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TABLE = HERE / "doctor.json"

Line = dict[str, Any]


def recorded_lines() -> list[str]:
    """The kept transcript."""
    return gzip.decompress((HERE / "doctor.jsonl.gz").read_bytes()).decode().splitlines()


def written(folder: Path, lines: list[str]) -> str:
    """A transcript of these lines; its path."""
    path = folder / "doctor.jsonl"
    path.write_text("".join(f"{line}\n" for line in lines))
    return str(path)


def altered(folder: Path, probe: str, call: str, change: Callable[[Line], None]) -> tuple[str, int]:
    """The kept transcript, with a change of the last such call of a probe; the line's number."""
    lines = recorded_lines()
    numbers = [
        number
        for number, line in enumerate(lines)
        if (entry := json.loads(line)).get("probe") == probe and entry.get("call") == call
    ]
    entry = json.loads(lines[numbers[-1]])
    change(entry)
    lines[numbers[-1]] = json.dumps(entry)
    return written(folder, lines), numbers[-1] + 1
