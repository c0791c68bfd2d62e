"""The SQS queue from which the workers of a round pull: a message for each row of its manifest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from batchrelay.domain.pipeline import Step
from batchrelay.domain.run import Run
from batchrelay.domain.step_state import StepState
from batchrelay.domain.values import work_queues_prefix
from batchrelay.ports import Queues


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkQueue:
    """A queue of its own for every invocation: one that died half way is not used, and goes with
    the run's others when the run ends."""

    queues: Queues
    name: str

    @classmethod
    def of(cls, queues: Queues, run: Run, step: Step, state: StepState, stamp: str) -> WorkQueue:
        """That of the invocation which began at a moment."""
        name = f"{work_queues_prefix(run.id)}{step_digest(step, state)}-{stamp[-12:]}"
        return cls(queues=queues, name=name)

    def fill(self, rows: int) -> str:
        """Make it and send its messages; its URL. Raises: NotDone, Refused."""
        url = self.queues.create(self.name)
        self.queues.send(url, [str(row) for row in range(rows)])
        return url


def step_digest(step: Step, state: StepState) -> str:
    """A step and round in a queue's name, which has at most 80 characters."""
    return hashlib.sha256(f"{step.label}-{state.round}".encode()).hexdigest()[:12]
