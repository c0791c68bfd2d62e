"""The children of an array that has ended, as few bytes each.

A machine has 100,000 children of an hour and forgets none for a week. Nothing of an ended one
changes, and few of them are asked for: so they are packed, a block at a time, and a block is
unpacked when one of it is asked for. What all of them share is not copied.
"""

from __future__ import annotations

import io
import pickle
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, overload

from batch_local.model import ComputeEnvironment, ContainerSpec, Job, JobSpec

BLOCK = 100
"""Jobs that are packed together: of a page of DescribeJobs."""

_SHARED = (JobSpec, ComputeEnvironment, ContainerSpec)


class Packing:
    """Packs the children of arrays: some at a time, so that nothing waits for it."""

    def __init__(self) -> None:
        self._begun: deque[EndedJobs] = deque()

    def add(self, parent: Job) -> None:
        """Its children have all ended, and each is followed up before `go_on` is called."""
        if not isinstance(parent.children, EndedJobs):
            parent.children = EndedJobs(parent.children, parent)
            self._begun.append(parent.children)

    def go_on(self) -> None:
        """Pack a block more."""
        if self._begun and not self._begun[0].pack_some():
            self._begun.popleft()


class EndedJobs(Sequence[Job]):
    """Jobs that never change again. One that is asked for twice may be two objects."""

    def __init__(self, jobs: Sequence[Job], parent: Job) -> None:
        self._count = len(jobs)
        self._shared: dict[int, Any] = {id(parent): parent}
        self._blocks: list[bytes | list[Job]] = [
            list(jobs[first : first + BLOCK]) for first in range(0, self._count, BLOCK)
        ]
        self._packed_blocks = 0
        self._latest: tuple[int, list[Job]] = (-1, [])
        """The block that was unpacked last, with its number."""

    def pack_some(self) -> bool:
        """Pack one more block, which takes milliseconds; whether there are more."""
        number = self._packed_blocks
        if number < len(self._blocks):
            self._blocks[number] = self._packed(self._block(number))
            self._packed_blocks += 1
        return self._packed_blocks < len(self._blocks)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Job]:
        for number in range(len(self._blocks)):
            yield from self._block(number)

    @overload
    def __getitem__(self, index: int) -> Job: ...
    @overload
    def __getitem__(self, index: slice) -> list[Job]: ...
    def __getitem__(self, index: int | slice) -> Job | list[Job]:
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(self._count))]
        place = range(self._count)[index]  # IndexError, and from the end, as of a list
        return self._block(place // BLOCK)[place % BLOCK]

    def _block(self, number: int) -> list[Job]:
        block = self._blocks[number]
        if isinstance(block, list):
            return block
        latest, jobs = self._latest
        if latest != number:
            jobs = _Unpickler(zlib.decompress(block), self._shared).load()
            self._latest = (number, jobs)
        return jobs

    def _packed(self, jobs: list[Job]) -> bytes:
        packed = io.BytesIO()
        _Pickler(packed, self._shared).dump(jobs)
        return zlib.compress(packed.getvalue(), level=1)


class _Pickler(pickle.Pickler):
    """Leaves out what the jobs share."""

    def __init__(self, file: io.BytesIO, shared: dict[int, Any]) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._shared = shared

    def persistent_id(self, value: Any) -> int | None:
        if isinstance(value, _SHARED):
            self._shared[id(value)] = value
        elif not isinstance(value, Job):
            return None
        return id(value) if id(value) in self._shared else None


class _Unpickler(pickle.Unpickler):
    """Reads what this process has packed, and nothing else."""

    def __init__(self, packed: bytes, shared: dict[int, Any]) -> None:
        super().__init__(io.BytesIO(packed))
        self._shared = shared

    def persistent_load(self, pid: int) -> Any:
        return self._shared[pid]
