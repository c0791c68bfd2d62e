"""What jobs print, kept so that CloudWatch Logs can be asked for it.

Standard output and standard error go into one file through one descriptor: their order is kept.
A file serves one attempt after the other, so there are as many files as jobs ever ran at once: to
create a file for each of 10,000 attempts can take longer than to run them.

When a line was written is known from the size of the file, looked at every SAMPLE_MS while the
attempt runs, and at its end. What is an event is found when it is asked for.
"""

from __future__ import annotations

import os
import threading
from array import array
from bisect import bisect_left
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from batch_local.clock import now_ms
from batch_local.model import Attempt, ContainerSpec, Job

SAMPLE_MS = 100
"""Milliseconds between two looks at the files of what runs: so exact is the time of a line."""

EVENT_BYTES_MAX = 262_118
"""Bytes of one event's message; the awslogs driver cuts a longer line. Source: moby, awslogs."""

MARKS_MAX = 65_536
"""Times that are remembered of one stream: a megabyte, of two hours without a pause. Beyond, every
second one is forgotten, and they are taken half as often."""

_PIECE_BYTES = 1 << 20

_NONE: array[int] = array("Q")
"""Of every stream that has nothing yet; never written to. Most children print little or nothing."""


class Stream:
    """The events of one container of an attempt.

    Args:
        name: of the log stream.
        descriptor: of the file that the attempt writes to.
        start: the byte of that file at which it begins.
        created_at: epoch milliseconds.
    """

    __slots__ = ("_begins", "_descriptor", "_ends", "_interval_ms", "_line", "_position",
                 "_sizes", "_times", "created_at", "end", "name")  # fmt: skip

    def __init__(self, name: str, descriptor: int, start: int, created_at: int) -> None:
        self.name = name
        self.created_at = created_at
        self.end: int | None = None
        """The byte at which it ends; None while the attempt may still write."""
        self._descriptor = descriptor
        self._line = self._position = start
        self._sizes = self._times = _NONE
        """So far it had been written by then."""
        self._interval_ms = 0
        self._begins = self._ends = _NONE

    def mark(self, now: int) -> None:
        """Note how much there is now."""
        if self._times and now - self._times[-1] < self._interval_ms:
            return
        self._mark(now)
        if len(self._times) > MARKS_MAX:
            self._sizes, self._times = self._sizes[::-2][::-1], self._times[::-2][::-1]
            self._interval_ms = 2 * max(self._interval_ms, SAMPLE_MS)

    def _mark(self, now: int) -> int:
        size = os.fstat(self._descriptor).st_size
        if self._sizes is _NONE:
            if size == self._line:
                return size
            self._sizes, self._times = array("Q"), array("Q")
        if not self._sizes or size > self._sizes[-1]:
            self._sizes.append(size)
            self._times.append(now)
        return size

    def close(self, now: int) -> None:
        """Nothing is written any more."""
        self.end = self._mark(now)

    def marks(self) -> dict[str, Any]:
        """How it ended, as JSON."""
        return {"end": self.end, "sizes": self._sizes.tolist(), "times": self._times.tolist()}

    def end_with(self, marks: Mapping[str, Any]) -> None:
        """Let it end as it did."""
        self.end = marks["end"]
        self._sizes, self._times = array("Q", marks["sizes"]), array("Q", marks["times"])

    def written_at(self) -> int:
        """When its file was last written to, epoch milliseconds."""
        return os.fstat(self._descriptor).st_mtime_ns // 1_000_000

    def refresh(self, now: int) -> None:
        """Find the events that were written since the last time."""
        limit = self._mark(now) if self.end is None else self.end
        while self._position < limit:
            piece = os.pread(
                self._descriptor, min(_PIECE_BYTES, limit - self._position), self._position
            )
            if not piece:
                return
            self._read(piece)
        if self.end is not None and self._line < limit:
            self._add(limit)

    def _read(self, piece: bytes) -> None:
        """LF ends an event, and nothing else does."""
        offset = self._position
        end = piece.find(b"\n")
        while end >= 0:
            self._add(offset + end)
            self._line = offset + end + 1
            end = piece.find(b"\n", end + 1)
        self._position += len(piece)
        while self._position - self._line > EVENT_BYTES_MAX:
            self._cut()

    def _add(self, end: int) -> None:
        """An event up to a byte; empty lines are left out: CloudWatch Logs takes no empty event."""
        while end - self._line > EVENT_BYTES_MAX:
            self._cut()
        if end > self._line:
            self._add_event(end)
        self._line = end

    def _cut(self) -> None:
        """Cut the longest event from an overlong line, not within a character of UTF-8."""
        end = self._line + EVENT_BYTES_MAX
        around = os.pread(self._descriptor, 4, end - 3)
        back = next((n for n in range(4) if around[3 - n] & 0xC0 != 0x80), 0)
        self._add_event(end - back)
        self._line = end - back

    def _add_event(self, end: int) -> None:
        if self._begins is _NONE:
            self._begins, self._ends = array("Q"), array("Q")
        self._begins.append(self._line)
        self._ends.append(end)

    def __len__(self) -> int:
        return len(self._ends)

    def time(self, index: int) -> int:
        """When an event was written, epoch milliseconds; it never decreases."""
        return self._times[bisect_left(self._sizes, self._ends[index])]

    def size(self, index: int) -> int:
        """Bytes of an event's message."""
        return self._ends[index] - self._begins[index]

    def messages(self, start: int, end: int) -> list[str]:
        """Messages of some events. What is not UTF-8 is replaced."""
        if start >= end:
            return []
        first = self._begins[start]
        text = os.pread(self._descriptor, self._ends[end - 1] - first, first)
        return [
            text[self._begins[n] - first : self._ends[n] - first].decode(errors="replace")
            for n in range(start, end)
        ]


Record = Callable[[str, dict[str, Any]], None]


class Logs:
    """The log streams of this machine's jobs.

    Args:
        folder: of their files.
        record: keeps what becomes of a stream, so that `take` can let it happen again.
    """

    def __init__(self, folder: Path, record: Record = lambda _kind, _body: None) -> None:
        self._record = record
        self.ensure_group: Callable[[str, bool], bool] = lambda _group, _is_created: True
        """Whether a log group is there, or could be created; CloudWatch Logs knows."""
        self._folder = folder
        self._groups: dict[str, dict[str, Stream]] = {}
        self._open: dict[str, Stream] = {}
        self._files: list[int] = []
        self._free: list[int] = []
        self._lock = threading.Lock()
        self._sampled_at = 0

    def open_stream(self, group: str, name: str, now: int) -> int:
        """Begin the stream of a container; the file descriptor to write to, which stays ours."""
        with self._lock:
            descriptor = self._free.pop() if self._free else self._new_file()
            start = os.fstat(descriptor).st_size
            stream = Stream(name, descriptor, start, now)
            self._groups.setdefault(group, {})[name] = self._open[name] = stream
            self._record("stream", {"group": group, "name": name, "start": start, "now": now,
                                    "file": self._files.index(descriptor)})  # fmt: skip
        return descriptor

    def close_stream(self, name: str, descriptor: int, now: int) -> None:
        """Nothing writes to a stream any more."""
        with self._lock:
            stream = self._open.pop(name)
            stream.close(now)
            self._free.append(descriptor)
            self._record("stream_end", {"name": name, **stream.marks()})

    def sample(self, now: int) -> bool:
        """Note what has been written by now; whether to come again in SAMPLE_MS."""
        with self._lock:
            if now - self._sampled_at >= SAMPLE_MS:
                self._sampled_at = now
                for stream in self._open.values():
                    stream.mark(now)
            return bool(self._open)

    def streams(self, group: str) -> Mapping[str, Stream]:
        """Those of a group, by name."""
        with self._lock:
            return dict(self._groups.get(group, {}))

    def refresh(self, streams: Mapping[str, Stream]) -> None:
        """Bring streams up to now."""
        with self._lock:
            now = now_ms()
            for stream in streams.values():
                stream.refresh(now)

    def forget(self, group: str, name: str | None = None) -> None:
        """A group or one of its streams is not there any more; a process may go on writing."""
        with self._lock:
            if name is None:
                self._groups.pop(group, None)
            else:
                self._groups.get(group, {}).pop(name, None)
            self._record("forgotten", {"group": group, "name": name})

    def take(self, kind: str, body: dict[str, Any]) -> None:
        """Let happen again what was recorded, before anything else is done here."""
        match kind:
            case "stream":
                while len(self._files) <= body["file"]:
                    self._new_file()
                descriptor = self._files[body["file"]]
                stream = Stream(body["name"], descriptor, body["start"], body["now"])
                self._groups.setdefault(body["group"], {})[stream.name] = stream
                self._open[stream.name] = stream
            case "stream_end":
                self._open.pop(body["name"]).end_with(body)
            case "forgotten":
                self.forget(body["group"], body["name"])

    def end_all(self) -> None:
        """Nothing writes to any stream any more: those who did are gone."""
        for stream in self._open.values():
            stream.close(stream.written_at())
        self._open.clear()
        self._free = list(self._files)

    def close(self) -> None:
        """Close the files."""
        while self._files:
            os.close(self._files.pop())

    def _new_file(self) -> int:
        path = self._folder / f"{len(self._files)}.log"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._files.append(descriptor)
        return descriptor


def stream_name(job: Job, attempt: Attempt, container: ContainerSpec) -> str:
    """The log stream of a container of an attempt. Source: Batch UG, job_states."""
    prefix = container.log_target.prefix or job.spec.definition.name[:200]
    return f"{prefix}/{container.name}/{attempt.task_of(container.node)}"
