"""How many children a step has, and how they share out over AWS Batch jobs."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from batchrelay.domain.errors import InvalidItems
from batchrelay.domain.limits import ARRAY_SIZE_MAX, PARTS_MAX, QUEUE_MESSAGES_MAX
from batchrelay.domain.pipeline import InlineItems, Matrix, Step
from batchrelay.domain.step_state import Part
from batchrelay.domain.templates import expand


def split(children: int) -> tuple[int, ...]:
    """The sizes of the parts: balanced, and never a part of one beside another.

    0 has no part, 1 is a plain job, 2 to 10,000 one array; more are several, of nearly equal size.

    Raises:
        InvalidItems: more children than PARTS_MAX arrays hold, with the arithmetic.
    """
    if children < 0:
        raise InvalidItems(f"{children} children: a size must be 0 or more")
    if children == 0:
        return ()
    count = -(-children // ARRAY_SIZE_MAX)
    if count > PARTS_MAX:
        raise InvalidItems(
            f"{children:,} children are more than {PARTS_MAX} arrays of {ARRAY_SIZE_MAX:,} hold "
            f"({PARTS_MAX * ARRAY_SIZE_MAX:,})"
        )
    base, larger = divmod(children, count)
    return (base + 1,) * larger + (base,) * (count - larger)


ONE_JOB = (Part(size=1),)
"""The parts of most steps."""


def parts_of_groups(children: Sequence[int], canary: int = 0) -> tuple[Part, ...]:
    """The parts of a round: those of each group, one after the other, by its count of children.

    Args:
        canary: children of each group that are parts of their own, before the others.
    """
    if tuple(children) == (1,):
        return ONE_JOB
    sizes = (
        (g, (*split(min(canary, n)), *split(n - min(canary, n)))) for g, n in enumerate(children)
    )
    return tuple(Part(size=size, group=g) for g, group_sizes in sizes for size in group_sizes)


def known_item_count(each: InlineItems | Matrix) -> int:
    """Items that stand in the pipeline itself."""
    if isinstance(each, InlineItems):
        return len(each.items)
    return math.prod(len(values) for values in each.axes.values())


def own_size(step: Step, variables: Mapping[str, str]) -> int:
    """`arrayProperties.size` as a number, 1 without it. Raises: InvalidItems."""
    if step.array_size is None:
        return 1
    text = expand(str(step.array_size), variables)
    if re.fullmatch(r"[+-]?[0-9]{1,18}", text) is None:
        raise InvalidItems(f"arrayProperties.size must be a number, got {text[:60]!r}")
    return int(text)


def children_of_items(step: Step) -> int | None:
    """Children of a step whose items stand in the pipeline; None if only a run will know.

    Raises: InvalidItems: more than any arrays, or a queue, hold.
    """
    if not isinstance(step.for_each, InlineItems | Matrix) or step.skip_existing or not step.chunk:
        return None
    rows = -(-known_item_count(step.for_each) // step.chunk)
    if step.workers is not None and rows > QUEUE_MESSAGES_MAX:
        raise InvalidItems(
            f"{rows:,} messages, and a queue is filled with at most {QUEUE_MESSAGES_MAX:,}: write "
            "a larger chunk"
        )
    if step.workers is None and rows > PARTS_MAX * ARRAY_SIZE_MAX:
        raise InvalidItems(
            f"{rows:,} children, and {PARTS_MAX} arrays of {ARRAY_SIZE_MAX:,} hold "
            f"{PARTS_MAX * ARRAY_SIZE_MAX:,}: write a larger chunk"
        )
    if step.groups:
        return None
    return rows if step.workers is None else min(step.workers, rows)
