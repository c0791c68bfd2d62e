"""What was recorded, as it is kept: of all that the same grants allow, one resource and a count."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from verification.permissions.check import Needs, Roles
from verification.permissions.needs import Need

KEPT = Path(__file__).with_name("seen.json")


def write(needs: Needs, path: Path = KEPT) -> None:
    """The first in the order of letters stands for the others."""
    roles = Roles()
    examples: dict[Any, tuple[str, Need]] = {}
    counts: Counter[Any] = Counter()
    for (function, need), count in sorted(needs.items()):
        grants = tuple((g.sid, g.resource) for g in roles.granting(function, need))
        kind = (function, need.action, need.call, grants)
        examples.setdefault(kind, (function, need))
        counts[kind] += count
    rows = [
        {"function": function, "count": counts[kind]} | asdict(need)
        for kind, (function, need) in examples.items()
    ]
    lines = ",\n".join(json.dumps(row, sort_keys=True) for row in rows)
    path.write_text(f"[\n{lines}\n]\n")


def read(path: Path = KEPT) -> Needs:
    """As it was written."""
    needs: Needs = Counter()
    for row in json.loads(path.read_text()):
        need = Need(
            action=row["action"],
            arn=row["arn"],
            tags=tuple((name, value) for name, value in row["tags"]),
            keys=tuple((name, value) for name, value in row["keys"]),
            call=row["call"],
        )
        needs[row["function"], need] += row["count"]
    return needs
