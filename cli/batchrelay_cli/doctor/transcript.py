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

KIND = "batchrelay doctor"
VERSION = 1
END = "complete"


class TranscriptError(InputError):
    """A file that is no transcript, or not a whole one."""

    def __init__(self, path: Path, line: int, why: str) -> None:
        super().__init__(f"{path}:{line}: {why}")


class TranscriptWriter:
    """Writes lines, from any thread; each is on disk before the next."""

    def __init__(self, file: TextIO, place: Place, region: str) -> None:
        self._file = file
        self._lock = threading.Lock()
        self.write(
            transcript=KIND, version=VERSION, id=place.id, isLocal=place.is_local, region=region
        )

    def write(self, **line: Any) -> None:
        """One line."""
        text = json.dumps(line, ensure_ascii=False)
        with self._lock:
            self._file.write(text + "\n")
            self._file.flush()


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
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "this is not UTF-8"
        raise TranscriptError(path, 1, reason or str(error)) from None
    lines = tuple(_lines(path, text))
    if not lines:
        raise TranscriptError(path, 1, "the file is empty: name a transcript of doctor")
    first = lines[0].entry
    if first.get("transcript") != KIND:
        raise TranscriptError(path, 1, "this is no transcript of batchrelay doctor")
    if first.get("version") != VERSION:
        raise TranscriptError(
            path, 1, f"version {first.get('version')} of transcripts: this doctor reads {VERSION}"
        )
    identity, is_local = first.get("id"), first.get("isLocal")
    if not isinstance(identity, str) or not isinstance(is_local, bool):
        raise TranscriptError(path, 1, "the first line has id, a text, and isLocal, true or false")
    last = lines[-1]
    if last.entry.get("end") != END:
        raise TranscriptError(
            path,
            last.number,
            "the transcript ends here, without its last line: doctor was interrupted, or the "
            "file is cut off",
        )
    return Transcript(path=path, place=Place(id=identity, is_local=is_local), lines=lines)


def _lines(path: Path, text: str) -> Iterator[Line]:
    for number, line in enumerate(text.splitlines(), 1):
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            raise TranscriptError(
                path, number, "this is not JSON: the line is cut off, or not of a transcript"
            ) from None
        if not isinstance(entry, dict):
            raise TranscriptError(path, number, "a line of a transcript is a JSON object")
        yield Line(number=number, entry=entry)
