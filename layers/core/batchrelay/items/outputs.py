"""That no two items of a step have the same output: one would overwrite the other."""

from __future__ import annotations

from array import array
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from batchrelay.domain.errors import InvalidItems
from batchrelay.domain.expansion import expand
from batchrelay.domain.item import expand_item
from batchrelay.domain.pipeline import Step
from batchrelay.domain.run import Run
from batchrelay.domain.values import Json
from batchrelay.domain.variables import variables_of
from batchrelay.items.existing import digest
from batchrelay.items.sources import Passed


@dataclass(frozen=True, slots=True)
class Outputs:
    """The outputs of the items so far, as 64-bit digests: 8 bytes each."""

    pattern: str
    _digests: array[int]

    @classmethod
    def of(cls, step: Step, run: Run, suspended: str) -> Outputs | None:
        """None for a step whose items have no output, or one by their number."""
        if step.for_each is None or step.output is None or "${item" not in step.output:
            return None
        if "${item.number}" in step.output:
            return None
        pattern = expand(step.output, variables_of(run))
        return cls(pattern, array("Q", b64decode(suspended)))

    def add(self, item: Json, number: int) -> None:
        """Note an item's output. Raises: InvalidItems if it has none."""
        self._digests.append(digest(expand_item(self.pattern, item, number)))

    def suspend(self) -> str:
        """What `of` needs to go on."""
        return b64encode(self._digests.tobytes()).decode()

    def has_twice(self) -> bool:
        """Whether two items have the same."""
        ordered = sorted(self._digests)
        return any(one == other for one, other in pairwise(ordered))

    def refuse(self, items: Iterable[Json | Passed]) -> None:
        """Find the two among all items once more, to name them. Raises: InvalidItems."""
        known: dict[int, int] = {}
        number = 0
        for item in items:
            if isinstance(item, Passed):
                continue
            uri = expand_item(self.pattern, item, number)
            first = known.setdefault(digest(uri), number)
            if first != number:
                raise InvalidItems(
                    f"items {first} and {number} have the same output, {uri}: write more of the "
                    "item into flow.output, such as ${item.key} or ${item.number}"
                )
            number += 1
