"""Which outputs are there already: one listing of each folder, not one HEAD an item."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b

from batchrelay.domain.item import expand_item, literal_prefix
from batchrelay.domain.values import Json
from batchrelay.ports import Objects


@dataclass(frozen=True, slots=True)
class ExistingOutputs:
    """The outputs that an item's patterns can mean: its own, and those of what continues it.

    They are kept as 64-bit digests, 8 bytes each: of a million outputs and a million items, one
    pair is taken for another with a probability of 5e-8.
    """

    patterns: tuple[str, ...]
    _digests: array[int]

    @classmethod
    def find(cls, objects: Objects, patterns: Iterable[str]) -> ExistingOutputs:
        """List below each pattern's folder, a folder once. Raises: InvalidItems."""
        wanted = tuple(dict.fromkeys(patterns))
        found: array[int] = array("Q")
        for prefix in _apart(map(literal_prefix, wanted)):
            bucket = prefix.removeprefix("s3://").partition("/")[0]
            keys = (f"s3://{bucket}/{key}" for key, _ in objects.list(prefix, ""))
            found.extend(_digested(keys))
        return cls(wanted, ordered(found))

    def has(self, item: Json, number: int) -> bool:
        """Whether all of an item's outputs are there. Raises: InvalidItems if it has none."""
        return all(
            self._is_there(digest(expand_item(pattern, item, number))) for pattern in self.patterns
        )

    def _is_there(self, wanted: int) -> bool:
        at = bisect_left(self._digests, wanted)
        return at < len(self._digests) and self._digests[at] == wanted


def _apart(prefixes: Iterable[str]) -> Iterator[str]:
    """The prefixes without those that another one covers."""
    last = None
    for prefix in sorted(set(prefixes)):
        if last is None or not prefix.startswith(last):
            last = prefix
            yield prefix


def _digested(uris: Iterable[str]) -> array[int]:
    return array("Q", map(digest, uris))


def ordered(digests: array[int]) -> array[int]:
    """Digests in order, in little more than twice their memory: a list of them takes five times."""
    buckets = [array("Q") for _ in range(256)]
    for value in digests:
        buckets[value >> 56].append(value)
    whole: array[int] = array("Q")
    for bucket in buckets:
        whole.extend(sorted(bucket))
    return whole


def digest(uri: str) -> int:
    """A URI in 64 bits."""
    data = uri.encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little")
