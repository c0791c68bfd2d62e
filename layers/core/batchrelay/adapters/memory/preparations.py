"""The queue of preparations in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from batchrelay.domain.effects import LongWork


@dataclass
class MemoryPreparations:
    """A queue that keeps what it was given."""

    requested: list[LongWork] = field(default_factory=list)
    resumes: list[str] = field(default_factory=list)
    """One for each request: where it goes on."""

    def request(self, effect: LongWork, resume: str = "") -> None:
        self.requested.append(effect)
        self.resumes.append(resume)
