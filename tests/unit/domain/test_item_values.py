"""`{item.x}` is the same to the core and to the worker: one table of cases, and random items."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from batchrelay.domain.item import item_value
from batchrelay_worker.items import Item, value_of
from tests.stack import ROOT

CASES: list[dict[str, Any]] = json.loads((ROOT / "tests/shared/item_values.json").read_text())[
    "cases"
]
SEED, DRAWN = 14, 3_000
NAMES = ("a", "key", "uri", "output", "bucket", "name", "stem", "0", "1", "01", "²", "", "a.b")


@pytest.mark.parametrize("case", CASES, ids=[json.dumps(case) for case in CASES])
def test_a_value_is_the_same_to_the_core_and_to_the_worker(case: dict[str, Any]) -> None:
    values = item_value(case["item"], case["path"]), value_of(Item(3, case["item"]), case["path"])
    assert values == (case["value"], case["value"])
    assert [type(value) for value in values] == [type(case["value"])] * 2


def drawn(rng: random.Random, depth: int = 0) -> Any:
    kind = rng.randrange(8 if depth < 3 else 5)
    match kind:
        case 0:
            return rng.choice(("", "in/a.tar.gz", "a/", ".x", "é/ü.csv"))
        case 1:
            return rng.randrange(-2, 10**20)
        case 2:
            return rng.choice((True, False, None))
        case 3 | 4:
            return rng.random()
        case 5 | 6:
            names = rng.sample(NAMES, rng.randrange(5))
            return {name: drawn(rng, depth + 1) for name in names}
        case _:
            return [drawn(rng, depth + 1) for _ in range(rng.randrange(4))]


def test_random_items_have_the_same_values_to_both() -> None:
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    present = 0
    for number in range(DRAWN):
        item = drawn(rng)
        path = ".".join(["item", *(rng.choice(NAMES) for _ in range(rng.randrange(4)))])
        core, worker = item_value(item, path), value_of(Item(number, item), path)
        assert (core, type(core)) == (worker, type(worker)), (item, path)
        present += core is not None
    assert present > DRAWN / 10
