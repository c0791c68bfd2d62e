"""The port to a transcript: the same probes are answered as they were then. Nothing is called."""

from __future__ import annotations

import json
from collections import deque

from batchrelay_cli.doctor.port import Answer, CallFailed, Document, Look, ReceivedEvent
from batchrelay_cli.doctor.redaction import without_account
from batchrelay_cli.doctor.transcript import Line, Transcript, TranscriptError


class ReplayPort:
    """A transcript. Each probe reads its own lines, in their order."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._lines: dict[str, deque[Line]] = {}
        self._events: list[ReceivedEvent] = []
        for line in transcript.lines[1:-1]:
            if "event" in line.entry:
                self._events.append(self._event(line))
            elif line.entry.get("probe"):
                self._lines.setdefault(str(line.entry["probe"]), deque()).append(line)

    def call(self, probe: str, service: str, operation: str, request: Document) -> Answer:
        """Raises: CallFailed, TranscriptError."""
        call = f"{service}.{operation}"
        line = self._next(probe, call)
        entry = line.entry
        same = json.loads(json.dumps(without_account(request)))
        if entry.get("call") != call or entry.get("request") != same:
            raise self._wrong(
                line, f"{probe} calls {call} here, with another request: the transcript is of "
                "another version of doctor, or was changed",
            )  # fmt: skip
        at_ms = self._time(line)
        match entry:
            case {"error": {"code": str(code), "message": str(message)}}:
                raise CallFailed(call=call, code=code, message=message)
            case {"answer": dict(document)}:
                return Answer(document=document, at_ms=at_ms)
        raise self._wrong(line, "a call has an answer, or an error with code and message")

    def look(self, probe: str, about: str) -> Look:
        line = self._next(probe, "a look at events")
        entry = line.entry
        if entry.get("lookedAt") != about or not isinstance(entry.get("count"), int):
            raise self._wrong(line, f"{probe} looks at the events about {about or 'all'} here")
        events = [event for event in self._events if about in ("", event.about)]
        return Look(events=events[: entry["count"]], at_ms=self._time(line))

    def wait(self, seconds: float) -> None:
        """It is over."""

    def _next(self, probe: str, what: str) -> Line:
        lines = self._lines.get(probe)
        if not lines:
            raise TranscriptError(
                self._transcript.path,
                self._transcript.last_line,
                f"{probe} comes to {what}, which the transcript has not: it is of another "
                "version of doctor, or was changed",
            )
        return lines.popleft()

    def _event(self, line: Line) -> ReceivedEvent:
        match line.entry:
            case {"event": {"detail": dict()} as document, "sentAt": int(sent_at_ms)}:
                return ReceivedEvent(document=document, sent_at_ms=sent_at_ms)
        raise self._wrong(line, "an event has a detail, and the line sentAt")

    def _time(self, line: Line) -> int:
        at_ms = line.entry.get("at")
        if not isinstance(at_ms, int):
            raise self._wrong(line, "at is a time in milliseconds")
        return at_ms

    def _wrong(self, line: Line, why: str) -> TranscriptError:
        return TranscriptError(self._transcript.path, line.number, why)
