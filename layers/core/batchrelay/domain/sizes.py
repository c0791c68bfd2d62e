"""How many children a step has, and how they share out over AWS Batch jobs."""

from __future__ import annotations

from batchrelay.domain.errors import InvalidItems
from batchrelay.domain.limits import ARRAY_SIZE_MAX, PARTS_MAX


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
