"""Long work off the hot path: find a step's items, and write them as manifests.

A step is prepared in one invocation, or in several: an invocation that runs out of time puts down
what it has, and the next goes on from there. Every attempt writes to a folder of its own, so that
two of them, which may have seen different listings, never mix.
"""

from __future__ import annotations

import json
import math
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from batchrelay.domain.errors import BatchrelayError, InvalidItems
from batchrelay.domain.events import (
    AttemptFailed,
    FailuresCollected,
    PreparationBegun,
    PreparationContinued,
    PreparationFailed,
    Prepared,
)
from batchrelay.domain.n_to_n_chains import outputs_to_skip, skip_problems
from batchrelay.domain.pipeline import Step
from batchrelay.domain.preparation_attempts import awaits
from batchrelay.domain.redrive import RedriveOrder
from batchrelay.domain.requests import results_uri, round_uri
from batchrelay.domain.run import Run
from batchrelay.domain.step_state import StepState
from batchrelay.domain.templates import expand
from batchrelay.domain.values import RUNS_PREFIX, Json
from batchrelay.domain.variables import variables_of
from batchrelay.ports import Clock, Jobs, Logs, Objects, Queues
from batchrelay.preparation.attempt import FOR_GOOD, Attempt
from batchrelay.preparation.chunk_size import automatic_chunk
from batchrelay.preparation.failures.collector import FailureCollector
from batchrelay.preparation.failures.redrive_check import check_failures
from batchrelay.preparation.items.existing import ExistingOutputs
from batchrelay.preparation.items.outputs import Outputs
from batchrelay.preparation.items.sources import Passed, Position, Sources, reduced
from batchrelay.preparation.items.timed import OutOfTime, TimedObjects
from batchrelay.preparation.work_queue import WorkQueue

Outcome = Prepared | PreparationFailed | PreparationContinued | FailuresCollected
"""What came of an invocation."""


def attempt_begun(step: str, round_number: int, resume: str, clock: Clock) -> PreparationBegun:
    """An attempt that is not the first."""
    return PreparationBegun(at=clock.now(), step=step, round=round_number, resume=resume)


def attempt_failed(error: Exception, step: str, round_number: int, clock: Clock) -> AttemptFailed:
    """Why an attempt ended. What Python itself says of an error may quote an item."""
    name = "out of memory" if isinstance(error, MemoryError) else type(error).__name__
    is_quoted = type(error).__module__ != "builtins" and str(error)
    reason = f"{name}: {error}" if is_quoted else name
    return AttemptFailed(at=clock.now(), step=step, round=round_number, reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """Prepares one round of one step."""

    objects: Objects
    queues: Queues
    jobs: Jobs
    logs: Logs
    clock: Clock

    def prepare(
        self,
        run: Run,
        step_name: str,
        round_number: int,
        *,
        resume: str = "",
        time_left: Callable[[], float] = lambda: math.inf,
    ) -> Outcome | None:
        """What came of it; None if this run does not wait for that preparation (any more).

        Args:
            resume: the S3 URI of what an earlier invocation put down.
            time_left: seconds until this invocation must have ended.
        """
        state = run.state(step_name)
        if not awaits(state, round_number, resume):
            return None
        step = run.pipeline.step(step_name)
        if state.is_retry:
            return self._collected(run, step)
        return self._prepared(run, step, state, resume, time_left)

    def _prepared(
        self, run: Run, step: Step, state: StepState, resume: str, time_left: Callable[[], float]
    ) -> Outcome:
        which: dict[str, Any] = {"step": step.name, "round": state.round}
        timed = TimedObjects(objects=self.objects, time_left=time_left)
        try:
            attempt = self._attempt(timed, run, step, state, resume)
            with attempt:
                items = _items(timed, run, step, state, attempt.position)
                if not attempt.fill(items, time_left):
                    uri = attempt.put_down()
                    now = self.clock.now()
                    return PreparationContinued(at=now, **which, resume=uri, after=resume)
                for outputs in attempt.outputs:
                    if outputs.has_twice():
                        outputs.refuse(_items(timed, run, step, state, Position()))
                return attempt.finish(which, self.clock)
        except FOR_GOOD as error:
            reason = _reason(error)
            return PreparationFailed(at=self.clock.now(), **which, reason=reason)
        except OutOfTime as error:  # before the first item: another attempt comes no further
            reason = f"out of time {error}: this is too much for one invocation"
            return PreparationFailed(at=self.clock.now(), **which, reason=reason)

    def check_failures(self, run: Run, order: RedriveOrder) -> None:
        """That a redrive finds what failed. Raises: NotRedrivable."""
        check_failures(self.objects, run, order)

    def _collected(self, run: Run, step: Step) -> FailuresCollected | PreparationFailed:
        """The failures of the round before, instead of the items of the first."""
        collector = FailureCollector(
            objects=self.objects,
            queues=self.queues,
            jobs=self.jobs,
            logs=self.logs,
            clock=self.clock,
        )
        try:
            return collector.collect(run, step)
        except FOR_GOOD as error:
            round_number = run.state(step.name).round
            reason = f"its failures cannot be collected: {_reason(error)}"
            return PreparationFailed(
                at=self.clock.now(), step=step.name, round=round_number, reason=reason
            )

    def _attempt(
        self, timed: TimedObjects, run: Run, step: Step, state: StepState, resume: str
    ) -> Attempt:
        stored = self._put_down(resume) if resume else {}
        stamp = self.clock.now().strftime("%Y%m%dt%H%M%S%f")
        return Attempt(
            step=step,
            chunk=stored.get("chunk") or step.chunk or self._measured_chunk(run, step, state),
            objects=self.objects,
            queue=WorkQueue.of(self.queues, run, step, state, stamp),
            stamp=stamp,
            is_resumed=bool(resume),
            folder=stored.get("folder") or f"{round_uri(run, step.name, state.round)}{stamp}/",
            existing=_existing(timed, run, step),
            outputs=Outputs.of(step, run, stored.get("digests", {})),
            position=stored.get("position", Position()),
            suspended=stored.get("writers", {}),
        )

    def _put_down(self, uri: str) -> dict[str, Any]:
        """What an earlier invocation left. Raises: InvalidItems, also if others wrote there."""
        try:
            stored: dict[str, Any] = json.loads(b"".join(self.objects.read(uri)))
            return {**stored, "position": Position(**stored["position"])}
        except (ValueError, TypeError, KeyError):
            raise InvalidItems(f"{uri}: not what an earlier invocation put down") from None

    def _measured_chunk(self, run: Run, step: Step, state: StepState) -> int:
        bucket = run.environment["bucket"]
        memory = f"s3://{bucket}/{RUNS_PREFIX}-tuning/{run.pipeline.name}/{step.name}.json"
        return automatic_chunk(self.objects, memory, results_uri(run, step.name, state.round))


def _existing(objects: Objects, run: Run, step: Step) -> ExistingOutputs | None:
    """Raises: InvalidItems if what follows could not be right without what is left out."""
    if step.skip_existing is None:
        return None
    steps = {other.name: other for other in run.pipeline.order}
    for name, problem in skip_problems(steps, step):
        raise InvalidItems(f"step {name}: {problem}")
    variables = variables_of(run)
    patterns = (expand(pattern, variables) for pattern in outputs_to_skip(steps, step))
    return ExistingOutputs.find(objects, patterns)


def _items(
    objects: Objects, run: Run, step: Step, state: StepState, position: Position
) -> Iterator[Json | Passed]:
    sources = Sources(objects=objects)
    if step.aggregate is None:
        assert step.for_each is not None, step
        return sources.items(run, step.for_each, position)
    final = expand(step.output or "", variables_of(run))
    inputs = (
        sources.outputs(run, step.aggregate.of)
        if state.level == 0
        else sources.level_outputs(state)
    )
    folder = round_uri(run, step.name, state.round) + "out/"
    level = reduced(inputs, step.aggregate.fan_in, final, folder)
    return islice(level, position.read, None)


def _reason(error: Exception) -> str:
    """Why a preparation failed. What Python says may quote a value: only its place is kept."""
    if isinstance(error, BatchrelayError):
        return str(error)
    place = traceback.extract_tb(error.__traceback__)[-1]
    file = place.filename.rpartition("/")[2]
    return f"the items cannot be read: {type(error).__name__} at {file}:{place.lineno}"
