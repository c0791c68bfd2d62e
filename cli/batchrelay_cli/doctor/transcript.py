"""The transcript of a call of doctor: JSON lines.

| line | has |
| --- | --- |
| the first | `transcript`, `version`, `id`, `isLocal`, `region` |
| a call | `at` (milliseconds), `tookMs`, `probe`, `call`, `request`, `answer` or `error` |
| an event | `at`, `event`, `sentAt` (when it was put into the queue) |
| a look at events | `at`, `probe`, `lookedAt` (a job or bucket; "" is all), `count` |
| the last | `at`, `end` |

What was made and removed has no `probe`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from batchrelay.domain.errors import InputError
from batchrelay_cli.doctor.place import Place
from batchrelay_cli.doctor.port import Document
from batchrelay_cli.terminal import excerpt

KIND = "batchrelay doctor"
VERSION = 1
END = "complete"

LINE_CHARS_MAX = 16_000_000
"""Characters of a line: of an answer of AWS, of which none has more than a few megabytes."""


class TranscriptError(InputError):
    """A file that is no transcript, or not a whole one."""

    def __init__(self, path: Path, line: int, why: str) -> None:
        super().__init__(f"{path}:{line}: {why}")


class TranscriptWriter:
    """Writes lines, from any thread; each is on disk before the next.

    One that cannot be written is an error, and so is each later one of a probe. Those of what is
    made and removed are left out then: it is removed although the disk is full.
    """

    def __init__(self, file: TextIO, place: Place, region: str) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._problem: OSError | None = None
        self.write(
            transcript=KIND, version=VERSION, id=place.id, isLocal=place.is_local, region=region
        )

    def write(self, **line: Any) -> None:
        """One line. Raises: OSError."""
        text = json.dumps(line, ensure_ascii=False)
        with self._lock:
            if self._problem is not None and line.get("probe"):
                raise self._problem
            if self._problem is not None:
                return
            try:
                self._file.write(text + "\n")
                self._file.flush()
            except OSError as error:
                self._problem = error
                raise

    def end(self, at_ms: int) -> None:
        """The last line. Raises: OSError, if one of all could not be written."""
        self.write(at=at_ms, end=END)
        if self._problem is not None:
            raise self._problem


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a transcript, and its number."""

    number: int
    entry: Document


@dataclass(frozen=True, kw_only=True)
class Transcript:
    """A whole one."""

    path: Path
    place: Place
    lines: tuple[Line, ...]

    @property
    def last_line(self) -> int:
        return self.lines[-1].number


def read_transcript(path: Path) -> Transcript:
    """Raises: TranscriptError, with the line."""
    try:
        with path.open(encoding="utf-8") as file:
            lines = tuple(_lines(path, file))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "this is not UTF-8"
        raise TranscriptError(path, 1, reason or str(error)) from None
    if not lines:
        raise TranscriptError(path, 1, "the file is empty: name a transcript of doctor")
    last = lines[-1]
    if last.entry.get("end") != END:
        raise TranscriptError(
            path,
            last.number,
            "the transcript ends here, without its last line: doctor was interrupted, or the "
            "file is cut off",
        )
    first = lines[0].entry
    place = Place(id=first["id"], is_local=first["isLocal"])
    return Transcript(path=path, place=place, lines=lines)


def _lines(path: Path, file: TextIO) -> Iterator[Line]:
    """A file that is no transcript is refused at its first line, however long it is."""
    number = 0
    while text := file.readline(LINE_CHARS_MAX + 1):
        number += 1
        if len(text) > LINE_CHARS_MAX:
            raise TranscriptError(path, number, "the line is longer than any of a transcript")
        try:
            entry = json.loads(text)
        except (ValueError, RecursionError):
            raise TranscriptError(
                path, number, "this is not JSON: the line is cut off, or not of a transcript"
            ) from None
        if not isinstance(entry, dict):
            raise TranscriptError(path, number, "a line of a transcript is a JSON object")
        if number == 1:
            _check_first(path, entry)
        yield Line(number=number, entry=entry)


def _check_first(path: Path, first: Document) -> None:
    if first.get("transcript") != KIND:
        raise TranscriptError(path, 1, "this is no transcript of batchrelay doctor")
    if first.get("version") != VERSION:
        version = excerpt(str(first.get("version")))
        raise TranscriptError(
            path, 1, f"version {version} of transcripts: this doctor reads {VERSION}"
        )
    if not isinstance(first.get("id"), str) or not isinstance(first.get("isLocal"), bool):
        raise TranscriptError(path, 1, "the first line has id, a text, and isLocal, true or false")
