"""What the result records of several rounds say of an item."""

from __future__ import annotations

import json

from batchrelay.adapters.memory import MemoryObjects
from batchrelay.domain.requests import results_of_round
from batchrelay.preparation.measures import latest_measures

LATEST = "s3://b/runs/k/s/r2/results/"
FOLDERS = [results_of_round(LATEST, 2, number) for number in range(3)]


def record(objects: MemoryObjects, folder: str, *items: tuple[int, bool, float]) -> None:
    entries = [{"n": number, "ok": ok, "s": seconds} for number, ok, seconds in items]
    objects.objects[f"{folder}0000000.json"] = json.dumps({"items": entries}).encode()


def test_an_item_counts_once_as_it_was_last_done() -> None:
    objects = MemoryObjects()
    record(objects, FOLDERS[0], (0, True, 1.0), (1, False, 2.0), (2, False, 3.0), (3, True, 4.0))
    record(objects, FOLDERS[1], (1, True, 5.0), (2, False, 6.0), (3, True, 7.0))
    record(objects, FOLDERS[2], (1, False, 8.0), (2, False, 9.0))
    found = {
        item.number: (item.is_done, item.seconds) for item in latest_measures(objects, FOLDERS)
    }
    assert found == {0: (True, 1.0), 1: (True, 5.0), 2: (False, 9.0), 3: (True, 7.0)}


def test_a_round_without_records_takes_nothing_away() -> None:
    objects = MemoryObjects()
    record(objects, FOLDERS[0], (0, True, 1.0))
    assert [item.number for item in latest_measures(objects, FOLDERS)] == [0]
