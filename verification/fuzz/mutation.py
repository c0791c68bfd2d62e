"""A document that is right, but for one or a few places."""

from __future__ import annotations

import copy
import os
import random
from typing import Any

CASES = int(os.environ.get("FUZZ", "300"))
FIRST_SEED = int(os.environ.get("FUZZ_SEED", "1"))

ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 10_001, 10**30, 1.5, float("inf"), "", " ", "a", "1", "-1",
    "${", "${}", "${items.file}", "${params.x}", "$${x}", "s3://", "s3://b", "s3://b/k", "a/b",
    "é\u2028", "x" * 300, "{item}", "\ud83d", [], [[]], [None], [1, 1], {}, {"a": None}, {"": ""},
)  # fmt: skip


def seeds() -> list[int]:
    """The same at every call, from FUZZ_SEED on; a test prints the one that fails."""
    return list(range(FIRST_SEED, FIRST_SEED + CASES))


def mutated(document: Any, rng: random.Random) -> Any:
    """A copy with one to three places replaced, removed, doubled, renamed, or moved elsewhere."""
    root = [copy.deepcopy(document)]
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        parent, key = rng.choice(list(_places(root)))
        _change(parent, key, root, rng)
    return root[0] if root else None


def _places(node: Any) -> Any:
    if isinstance(node, dict | list):
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            yield node, key
            yield from _places(node[key])


def _change(parent: Any, key: Any, root: Any, rng: random.Random) -> None:
    kind = rng.random()
    if kind < 0.5 or parent is root:
        parent[key] = copy.deepcopy(rng.choice(ODD))
    elif kind < 0.65:
        del parent[key]
    elif kind < 0.75 and isinstance(parent, list):
        parent.append(copy.deepcopy(parent[key]))
    elif kind < 0.85 and isinstance(parent, dict):
        parent[rng.choice((str(key).upper(), f"{key}x", "flow", "size", ""))] = parent.pop(key)
    else:
        other, place = rng.choice(list(_places(root)))
        parent[key] = copy.deepcopy(other[place])
