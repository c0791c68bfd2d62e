"""Which outputs are there already: one listing, not one HEAD an item."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

from batchrelay.domain.item import expand_item, literal_prefix
from batchrelay.domain.values import Json
from batchrelay.ports import Objects


@dataclass(frozen=True, slots=True)
class ExistingOutputs:
    """The outputs that a pattern can mean.

    They are kept as 64-bit digests, 8 bytes each: of a million outputs and a million items, one
    pair is taken for another with a probability of 5e-8.
    """

    pattern: str
    _digests: array[int]

    @classmethod
    def find(cls, objects: Objects, pattern: str) -> ExistingOutputs:
        """List below the pattern's folder. Raises: InvalidItems."""
        prefix = literal_prefix(pattern)
        bucket = prefix.removeprefix("s3://").partition("/")[0]
        keys = (f"s3://{bucket}/{key}" for key, _ in objects.list(prefix, ""))
        return cls(pattern, array("Q", sorted(_digested(keys))))

    def has(self, item: Json, number: int) -> bool:
        """Whether an item's output is there. Raises: InvalidItems if it has none."""
        wanted = digest(expand_item(self.pattern, item, number))
        at = bisect_left(self._digests, wanted)
        return at < len(self._digests) and self._digests[at] == wanted


def _digested(uris: Iterable[str]) -> array[int]:
    return array("Q", map(digest, uris))


def digest(uri: str) -> int:
    """A URI in 64 bits."""
    data = uri.encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little")
