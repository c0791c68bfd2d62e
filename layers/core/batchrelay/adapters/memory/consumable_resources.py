"""Consumable resources in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from batchrelay.domain.consumable_resources import ConsumableResource


@dataclass
class MemoryConsumableResources:
    """Units in a dictionary, by name."""

    units: dict[str, int] = field(default_factory=dict)

    def ensure(self, resource: ConsumableResource) -> None:
        self.units.setdefault(resource.name, resource.units)

    def names(self, prefix: str) -> tuple[str, ...]:
        return tuple(name for name in self.units if name.startswith(prefix))

    def delete(self, name: str) -> None:
        self.units.pop(name, None)
