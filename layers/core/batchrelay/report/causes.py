"""A step's failures by cause: as they were collected, else as its children's ends say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from batchrelay.domain.failures import ChildFailure, FailureClass, failure_class, normalised
from batchrelay.report.facts import ChildFact, ChildState, Document

CAUSES_MAX = 50
"""Causes of a step that are kept apart: what comes then is counted under its class alone."""

REASON_CHARS_MAX = 300
"""Characters of a reason."""

ENDS_MAX = 1_000
"""Different ends of children whose place is kept."""

_REDRIVEN = frozenset(FailureClass) - {FailureClass.UPSTREAM, FailureClass.NOT_SUBMITTED}
"""Classes that `redrive --class` helps with by itself."""


def class_of(fact: ChildFact) -> FailureClass:
    """The class of a child that FAILED."""
    if fact.state is ChildState.UPSTREAM:
        return FailureClass.UPSTREAM
    has_run = fact.started_at is not None or fact.exit_code is not None
    return failure_class(
        ChildFailure(
            index=fact.number,
            job_id="ran" if has_run or not fact.reason else "",
            exit_code=fact.exit_code,
            reason=fact.reason[:REASON_CHARS_MAX],
        )
    )


@dataclass
class CauseTable:
    """The causes of one step, in order; a column of its children holds their places."""

    run_id: str
    step: str
    has_ended: bool
    """Whether the run has: redrive refuses one that goes on."""
    causes: list[dict[str, Any]] = field(default_factory=list)
    _places: dict[tuple[str, int | None, str], int] = field(default_factory=dict)
    _is_collected: bool = False
    _known: dict[tuple[ChildState, int | None, str, bool], int] = field(default_factory=dict)
    """The places of ends that were met: a million children end in few ways."""

    @classmethod
    def of(cls, run: Document, step: str, failures: Document | None) -> CauseTable:
        """With what was collected of the step, if anything was."""
        table = cls(run_id=run["runId"], step=step, has_ended=run["endedAt"] is not None)
        for document in (failures or {}).get("steps", ()):
            if document["step"] == step:
                for cause in document["causes"]:
                    table._append(cause)
        table._is_collected = bool(table.causes)
        return table

    def place(self, fact: ChildFact) -> int:
        """Of the cause of a child that failed; it is counted unless all were counted before."""
        end = (fact.state, fact.exit_code, fact.reason[:REASON_CHARS_MAX], fact.started_at is None)
        if end not in self._known:
            if len(self._known) >= ENDS_MAX:
                self._known.clear()
            self._known[end] = self._place(fact)
        place = self._known[end]
        if not self._is_collected:
            self.causes[place]["count"] += 1
        return place

    def _place(self, fact: ChildFact) -> int:
        named = class_of(fact)
        reason = normalised(fact.reason[:REASON_CHARS_MAX])[:REASON_CHARS_MAX]
        wanted = (str(named), fact.exit_code, reason)
        place = self._places.get(wanted)
        if place is None and self._is_collected:
            place = self._like(wanted)
        if place is None and len(self.causes) >= CAUSES_MAX:
            wanted = (str(named), None, "")
            place = self._places.get(wanted)
        if place is None:
            place = self._append(_cause(*wanted, fact))
        return place

    def documents(self) -> list[Document]:
        """Each with the command that runs its failures again, if one does."""
        return [{**cause, "redrive": self._redrive(cause)} for cause in self.causes]

    def _like(self, wanted: tuple[str, int | None, str]) -> int | None:
        """Of what was collected, the same class and exit code: a reason may have been cut."""
        matches = (n for key, n in self._places.items() if key[:2] == wanted[:2])
        return next(matches, None)

    def _append(self, cause: Mapping[str, Any]) -> int:
        reason = (cause["reason"] or "")[:REASON_CHARS_MAX]
        place = len(self.causes)
        self._places.setdefault((cause["class"], cause["exitCode"], reason), place)
        self.causes.append({**cause, "reason": reason or None})
        return place

    def _redrive(self, cause: Mapping[str, Any]) -> str | None:
        named = cause["class"]
        has_failed = any(cause["class"] != FailureClass.STOPPED for cause in self.causes)
        if (
            not self.has_ended
            or named not in _REDRIVEN
            or (named == FailureClass.STOPPED and has_failed)
        ):
            return None  # what a failure saved from running is not run before that is repaired
        command = f"batchrelay redrive {self.run_id}/{self.step} --class {named}"
        if cause["exitCode"] is not None and named == FailureClass.EXIT_CODE:
            command += f":{cause['exitCode']}"
        return command + (" --memory x2" if named == FailureClass.OUT_OF_MEMORY else "")


def _cause(named: str, exit_code: int | None, reason: str, fact: ChildFact) -> Document:
    return {
        "class": named,
        "exitCode": exit_code,
        "reason": reason or None,
        "count": 0,
        "again": 0,
        "sample": {
            "number": None,
            "jobId": None,
            "round": fact.round,
            "index": fact.number,
            "log": [],
        },
    }
