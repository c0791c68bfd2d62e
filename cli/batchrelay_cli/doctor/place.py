"""Where the probes are at work: the names of what is made for them, and how patient they are."""

from __future__ import annotations

from dataclasses import dataclass

PREFIX = "batchrelay-doctor"
TAG = "batchrelay:doctor"
"""The tag of everything that is made; its value is the name that all have in common."""

ATTEMPT_TIMEOUT_S = 120
"""Seconds after which an attempt of a probe's job is stopped, whatever it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One call of doctor."""

    id: str
    """In the name of everything that it makes."""
    is_local: bool

    @property
    def name(self) -> str:
        return f"{PREFIX}-{self.id}"

    @property
    def definition(self) -> str:
        return self.name

    @property
    def queue(self) -> str:
        """Where most jobs go."""
        return f"{self.name}-main"

    @property
    def other_queue(self) -> str:
        return f"{self.name}-other"

    @property
    def units_queue(self) -> str:
        """Whose head waits for units of a consumable resource."""
        return f"{self.name}-units"

    @property
    def narrow_queue(self) -> str:
        """On a compute environment of one vCPU."""
        return f"{self.name}-narrow"

    @property
    def no_units(self) -> str:
        """A consumable resource that has none: what needs it stays RUNNABLE."""
        return f"{self.name}-none"

    @property
    def bucket(self) -> str:
        return self.name

    @property
    def poll_s(self) -> float:
        """Seconds between two looks."""
        return 0.1 if self.is_local else 3

    @property
    def patience_s(self) -> int:
        """Seconds for which one thing is waited for: a new account's first jobs start slowly."""
        return 20 if self.is_local else 900

    @property
    def grace_s(self) -> float:
        """Seconds for what should not come, but might: a further event, a job that is held up."""
        return 0.3 if self.is_local else 20

    @property
    def long_s(self) -> int:
        """Seconds of a job that is to be at work while another ends."""
        return 1 if self.is_local else 40

    @property
    def notification_s(self) -> int:
        """Seconds until a bucket sends its events to EventBridge. Source: S3 User Guide, enabling
        Amazon EventBridge."""
        return 0 if self.is_local else 330

    @property
    def propagation_s(self) -> int:
        """Seconds until a queue's new policy counts everywhere. Source: SetQueueAttributes."""
        return 0 if self.is_local else 60
