"""CloudWatch Logs in memory."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class MemoryLogs:
    """What jobs have printed."""

    lines: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By the id of a job or a child."""

    def tail(self, job_id: str, lines: int) -> tuple[str, ...]:
        return self.lines.get(job_id, ())[-lines:]
