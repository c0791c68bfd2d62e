"""Work queues in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class MemoryQueues:
    """Queues in a dictionary, by URL."""

    messages: dict[str, list[str]] = field(default_factory=dict)

    def create(self, name: str) -> str:
        self.messages.setdefault(f"memory://{name}", [])
        return f"memory://{name}"

    def send(self, url: str, bodies: Sequence[str]) -> None:
        self.messages[url] += bodies

    def delete(self, prefix: str) -> None:
        for url in [url for url in self.messages if url.startswith(f"memory://{prefix}")]:
            del self.messages[url]
