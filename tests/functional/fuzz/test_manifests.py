"""A manifest that was damaged: its items, or one clear error."""

from __future__ import annotations

import json
import random
import struct

from batchrelay_worker.errors import WorkerError
from batchrelay_worker.items import Child, row_items
from verification.fuzz.mutation import seeds

CHILD = Child.of(
    {"BATCHRELAY_INDEX": "0", "BATCHRELAY_MANIFEST": "s3://b/items.jsonl", "BATCHRELAY_CHUNK": "2"}
)


class Objects:
    """An S3 that answers a range as S3 does."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects

    def get(self, uri: str, first: int = 0, last: int | None = None) -> bytes:
        return self.objects[uri][first : None if last is None else last + 1]


def test_a_damaged_manifest_is_one_clear_error() -> None:
    lines = [json.dumps(n).encode() + b"\n" for n in (1, "two", [3], {"four": 4})]
    offsets = (0, len(lines[0] + lines[1]), sum(map(len, lines)))
    read = 0
    for seed in seeds():
        rng = random.Random(seed)
        manifest, table = bytearray(b"".join(lines)), bytearray(struct.pack("<3Q", *offsets))
        damaged = rng.choice((manifest, table))
        at = rng.randrange(len(damaged) + 1)
        damaged[at : at + rng.choice((0, 1, 5))] = rng.randbytes(rng.choice((0, 1, 2)))
        objects = {"s3://b/items.jsonl": bytes(manifest), "s3://b/items.offsets": bytes(table)}
        try:
            items = list(row_items(CHILD, rng.choice((0, 1)), Objects(objects)))  # type: ignore[arg-type]
        except WorkerError:
            continue
        except Exception as error:
            raise AssertionError(f"seed {seed}: {objects}") from error
        read += bool(items)
    assert read
