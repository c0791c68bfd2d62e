"""That no two items of a step have the same output: one would overwrite the other."""

from __future__ import annotations

from array import array
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from batchrelay.domain.errors import InvalidItems
from batchrelay.domain.item import expand_item
from batchrelay.domain.n_to_n_chains import item_outputs
from batchrelay.domain.pipeline import Step
from batchrelay.domain.run import Run
from batchrelay.domain.templates import expand
from batchrelay.domain.values import Json
from batchrelay.domain.variables import variables_of
from batchrelay.preparation.items.existing import digest, ordered
from batchrelay.preparation.items.sources import Passed


@dataclass(frozen=True, slots=True)
class Outputs:
    """The outputs of the items so far, as 64-bit digests: 8 bytes each."""

    pattern: str
    where: str
    """What in the pipeline says so."""
    _digests: array[int]

    @classmethod
    def of(cls, step: Step, run: Run, suspended: Mapping[str, str]) -> tuple[Outputs, ...]:
        """One for each pattern that distinguishes items: of the step, of those that continue it,
        and of `skipExisting`, or the item that was made would stand for the one that was not."""
        steps = {other.name: other for other in run.pipeline.order}
        patterns = dict(item_outputs(steps, step))
        if step.skip_existing is not None:
            patterns.setdefault(step.skip_existing, "flow.skipExisting")
        variables = variables_of(run)
        return tuple(
            cls(expand(text, variables), where, array("Q", b64decode(suspended.get(where, ""))))
            for text, where in patterns.items()
        )

    def add(self, item: Json, number: int) -> None:
        """Note an item's output. Raises: InvalidItems if it has none."""
        self._digests.append(digest(expand_item(self.pattern, item, number)))

    def suspend(self) -> str:
        """What `of` needs to go on."""
        return b64encode(self._digests.tobytes()).decode()

    def has_twice(self) -> bool:
        """Whether two items have the same."""
        return any(one == other for one, other in pairwise(ordered(self._digests)))

    @property
    def _or_number(self) -> str:
        return " or ${item.number}" if self.where == "flow.output" else ""

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
                    f"items {first} and {number} have the same output: write more of the item "
                    f"into {self.where}, such as ${{item.key}}{self._or_number}"
                )
            number += 1
