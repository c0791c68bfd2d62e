"""Faults on request, drawn from a seed: what AWS does to you now and then.

Every probability is 0 by default. `Faults.of(seed)` is the storm of `--chaos seed=N`.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field, fields


@dataclass(kw_only=True)
class Faults:
    """How often what goes wrong, as probabilities."""

    seed: int = 0
    event_dropped: float = 0.0
    event_duplicated: float = 0.0
    event_delayed: float = 0.0
    """By up to `delay_s_max` seconds; what overtakes it makes the order wrong."""
    delay_s_max: float = 1.0
    submit_throttled: float = 0.0
    submit_ambiguous: float = 0.0
    """500 after the job was accepted."""
    listing_lag_s: float = 0.0
    """Seconds until ListJobs knows a new job."""
    describing_lag_s: float = 0.0
    """Seconds until DescribeJobs knows a new job."""
    describing_missed: float = 0.0
    """DescribeJobs leaves a job out that it knows."""
    host_lost: float = 0.0
    """An attempt is killed and has no exit code, as by a Spot reclaim."""
    pull_failed: float = 0.0
    """An attempt does not start, and has no log stream."""
    out_of_memory: float = 0.0
    """An attempt is killed with 137."""
    over_memory: float = 0.0
    """An attempt whose first process takes more memory than its job has is killed with 137."""
    _random: random.Random = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in _PROBABILITIES:
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ValueError(f"{name}={value}: write a probability, from 0 to 1")
        for name in _SECONDS:
            value = getattr(self, name)
            if not 0 <= value < math.inf:
                raise ValueError(f"{name}={value}: write a number of seconds")
        self._random = random.Random(self.seed)  # noqa: S311  # a seed must play the same again

    @classmethod
    def of(cls, seed: int) -> Faults:
        """A storm: events are lost, doubled and late.

        Not among them: lost answers of SubmitJob, which wait for a grace of five minutes, and what
        kills a process, which a run survives with a retry strategy only. They go by name.
        """
        return cls(seed=seed, event_dropped=0.3, event_duplicated=0.3, event_delayed=0.3)

    @classmethod
    def parse(cls, text: str) -> Faults:
        """`seed=7`, or any fields: `seed=7,host_lost=0.2`. Raises: ValueError with a sentence."""
        names = [f.name for f in fields(cls) if f.init]
        rates: dict[str, float] = {}
        for piece in text.split(","):
            name, equals, value = piece.strip().partition("=")
            if name not in names or not equals:
                raise ValueError(f"{piece!r}: write one of {', '.join(names)}, such as seed=7")
            try:
                rates[name] = float(value)
            except ValueError:
                raise ValueError(f"{piece!r}: {value!r} is not a number") from None
        seed = int(rates.pop("seed", 0))
        return cls(seed=seed, **rates) if rates else cls.of(seed)

    @property
    def touch_events(self) -> bool:
        """Whether an event may be lost, late or repeated."""
        return any((self.event_dropped, self.event_duplicated, self.event_delayed))

    def strikes(self, probability: float) -> bool:
        """Whether it happens this time."""
        return probability > 0 and self._random.random() < probability

    def delay_s(self) -> float:
        """How long this one takes."""
        return self._random.uniform(0, self.delay_s_max)


_SECONDS = tuple(f.name for f in fields(Faults) if f.name.endswith(("_s", "_s_max")))
_PROBABILITIES = tuple(
    f.name for f in fields(Faults) if f.init and f.name not in ("seed", *_SECONDS)
)
