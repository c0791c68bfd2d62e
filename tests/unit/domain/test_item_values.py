"""`{item.x}` is the same to the core and to the worker: one table of cases, and random items."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from batchrelay.domain.errors import InvalidItems
from batchrelay.domain.item import expand_item, item_value
from batchrelay_worker.errors import WorkerError
from batchrelay_worker.items import Item, filled, value_of
from tests.stack import ROOT

CASES: list[dict[str, Any]] = json.loads((ROOT / "tests/shared/item_values.json").read_text())[
    "cases"
]
SEED, DRAWN = 14, 3_000
NAMES = (
    "a",
    "key",
    "uri",
    "output",
    "bucket",
    "name",
    "stem",
    "0",
    "1",
    "01",
    "²",
    "",
    "a.b",
    "a{b",
)


@pytest.mark.parametrize("case", CASES, ids=[json.dumps(case) for case in CASES])
def test_a_value_is_the_same_to_the_core_and_to_the_worker(case: dict[str, Any]) -> None:
    values = item_value(case["item"], case["path"]), value_of(Item(3, case["item"]), case["path"])
    assert values == (case["value"], case["value"])
    assert [type(value) for value in values] == [type(case["value"])] * 2


def core_text(item: Any, path: str) -> str:
    """The expanded text, or the refusal."""
    try:
        return expand_item(f"s3://b/${{{path}}}.txt", item, 3)
    except InvalidItems as refusal:
        return str(refusal)


def worker_text(item: Any, path: str) -> str:
    """The same of the worker, whose refusal goes on with the start of the item."""
    try:
        return filled(f"s3://b/{{{path}}}.txt", Item(3, item))
    except WorkerError as refusal:
        return str(refusal).removesuffix(": " + json.dumps(item, ensure_ascii=False)[:80])


@pytest.mark.parametrize("case", CASES, ids=[json.dumps(case) for case in CASES])
def test_a_template_becomes_the_same_text_in_the_core_and_in_the_worker(
    case: dict[str, Any],
) -> None:
    item, path = case["item"], case["path"]
    if path == "item.":  # no template: it stays as it is, with the dollar or without
        texts = ("s3://b/${item.}.txt", "s3://b/{item.}.txt")
    elif case["value"] is None:
        texts = (f"item 3 has no {path.removeprefix('item.')}, or it is null",) * 2
    else:
        value = case["value"]
        inner = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        texts = (f"s3://b/{inner}.txt",) * 2
    assert (core_text(item, path), worker_text(item, path)) == texts


def test_the_number_of_an_item_is_the_same_text_in_both() -> None:
    assert core_text({"number": 7}, "item.number") == "s3://b/3.txt"
    assert worker_text({"number": 7}, "item.number") == "s3://b/3.txt"


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
        assert core_text(item, path).replace("${", "{") == worker_text(item, path), (item, path)
        present += core is not None
    assert present > DRAWN / 10
