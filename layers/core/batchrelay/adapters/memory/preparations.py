"""The queue of preparations in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from batchrelay.domain.effects import ContinueRun, Prepare, WriteReport


@dataclass
class MemoryPreparations:
    """A queue that keeps what it was given."""

    requested: list[Prepare | ContinueRun | WriteReport] = field(default_factory=list)
    resumes: list[str] = field(default_factory=list)
    """One for each request: where it goes on."""

    def request(self, effect: Prepare | ContinueRun | WriteReport, resume: str = "") -> None:
        self.requested.append(effect)
        self.resumes.append(resume)
