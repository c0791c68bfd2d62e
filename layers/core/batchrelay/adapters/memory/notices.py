"""SNS in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from batchrelay.domain.notices import Notice


@dataclass
class MemoryNotices:
    """An SNS that keeps what it was given."""

    published: list[Notice] = field(default_factory=list)

    def publish(self, notice: Notice) -> None:
        self.published.append(notice)
