"""Whether a redrive can be right, before anything of the run changes."""

from __future__ import annotations

from collections.abc import Iterator

from batchrelay.domain.errors import NotRedrivable
from batchrelay.domain.failure_names import name_problem
from batchrelay.domain.failures import FailureClass
from batchrelay.domain.limits import STATE_BYTES_MAX
from batchrelay.domain.memory_growth import is_memory_known
from batchrelay.domain.n_to_n import upstream_failures
from batchrelay.domain.pending_effects import pending_effects
from batchrelay.domain.redrive import Again, RedriveOrder, redriven, steps_to_redrive
from batchrelay.domain.redrive import event_of as redrive_event
from batchrelay.domain.run import Run, RunStatus
from batchrelay.domain.run_size import state_bytes
from batchrelay.domain.step_state import StepStatus
from batchrelay.domain.values import NAME, printable
from batchrelay.domain.variables import looks_right

FACTOR_MAX = 100.0
"""By what memory may grow at once: more is a slip of the finger."""


def check_redrive(run: Run, order: RedriveOrder) -> None:
    """Raises: NotRedrivable, with what to write or to do instead."""
    problem = next(_problems(run, order), None)
    if problem is not None:
        raise NotRedrivable(printable(problem))


def _problems(run: Run, order: RedriveOrder) -> Iterator[str]:
    yield from _problems_of_order(order)
    yield from _problems_of_run(run)
    if order.step:
        yield from _problems_of_step(run, order.step)
    yield from _problems_of_params(run, order)
    if order.memory_factor is not None:
        yield from _problems_of_memory(run, order)
    after = redriven(run, redrive_event(run, order, run.started_at))
    if (size := state_bytes(after)) > STATE_BYTES_MAX:
        yield f"with these parameters the run's state may take {size:,} bytes: write shorter ones"


def _problems_of_order(order: RedriveOrder) -> Iterator[str]:
    problems = (name_problem(name, list(FailureClass)) for name in sorted(order.classes))
    yield from (problem for problem in problems if problem is not None)
    if order.queue and not order.queue.startswith("arn:") and NAME.fullmatch(order.queue) is None:
        yield f"{order.queue!r} is not the name of a job queue, nor its ARN"
    factor = order.memory_factor
    if factor is not None and not 1 < factor <= FACTOR_MAX:
        yield f"memory grows by a factor above 1, up to {FACTOR_MAX:g}, such as x2; got x{factor:g}"


def _problems_of_run(run: Run) -> Iterator[str]:
    match run.status:
        case RunStatus.SUCCEEDED:
            yield f"run {run.id} has SUCCEEDED: nothing of it failed"
        case RunStatus.PAUSED:
            yield (
                f"run {run.id} is PAUSED, and only a run that has ended is redriven: let it go on: "
                f"batchrelay resume {run.id} --budget USD"
            )
        case RunStatus.QUEUED | RunStatus.RUNNING | RunStatus.CANCELLING:
            yield (
                f"run {run.id} is {run.status}, and only a run that has ended is redriven: wait "
                f"for its end, or stop it: batchrelay cancel {run.id}"
            )
        case _ if pending_effects(run):
            yield f"run {run.id} has ended just now: try again when its end is reported"
        case _ if not steps_to_redrive(run):
            yield f"run {run.id} is {run.status}, but no step of it has failed: start a new one"


def _problems_of_step(run: Run, name: str) -> Iterator[str]:
    names = [step.name for step in run.pipeline.order]
    if name not in names:
        yield f"run {run.id} has no step {name}: it has {', '.join(names)}"
        return
    state = run.state(name)
    if state.status is StepStatus.SUCCEEDED:
        yield f"step {name} has SUCCEEDED: nothing of it failed. {_to_name_instead(run, name)}"
    elif name not in steps_to_redrive(run, name):
        failed = ", ".join(steps_to_redrive(run))
        yield (
            f"step {name} is {state.status}{f' ({state.reason})' if state.reason else ''}: name a "
            f"step that failed, or none for all of them; what runs again then: {failed}"
        )
    elif (first := _failed_first(run, name)) != name:
        yield (
            f"step {name} failed only where {first} had failed, which it follows child by child: "
            f"batchrelay redrive {run.id}/{first}"
        )


def _failed_first(run: Run, name: str) -> str:
    """The step whose failed children failed those of this one; itself if it has others."""
    step, state = run.pipeline.step(name), run.state(name)
    if not state.failed or state.stopped or upstream_failures(run, step) < state.failed:
        return name
    needs = (need for need in sorted(step.n_to_n_needs) if need in steps_to_redrive(run, need))
    need = next(needs, None)
    return name if need is None else _failed_first(run, need)


def _to_name_instead(run: Run, name: str) -> str:
    """The steps that failed: those behind this one, if there are any."""
    behind = {name}
    for step in run.pipeline.order:
        if not behind.isdisjoint(step.needs):
            behind.add(step.name)
    again = steps_to_redrive(run)
    failed = [other for other in again if other in steps_to_redrive(run, other)]
    following = [other for other in failed if other in behind]
    states = ", ".join(f"{other}, which is {run.state(other).status}" for other in following)
    if following:
        return f"Behind it comes {states}: batchrelay redrive {run.id}/{following[0]}"
    return f"Name a step that failed, or none for all of them: {', '.join(failed)}"


def _problems_of_params(run: Run, order: RedriveOrder) -> Iterator[str]:
    types = {param.name: param.type for param in run.pipeline.params}
    for name, value in order.params.items():
        if name not in types:
            known = ", ".join(types) or "it has none"
            yield f"pipeline {run.pipeline.name} has no parameter {name}; known: {known}"
        elif not looks_right(types[name], value):
            yield f"parameter {name} must be of the type {types[name]}; got {value!r}"


def _problems_of_memory(run: Run, order: RedriveOrder) -> Iterator[str]:
    again = steps_to_redrive(run, order.step)
    for name in (name for name, how in again.items() if how is Again.FAILED_ITEMS):
        step = run.pipeline.step(name)
        if not is_memory_known(step.request, step.retry_failed):
            yield (
                f"step {name}: how much memory it has is written in its job definition only, so it "
                "cannot grow by a factor: write MEMORY in containerOverrides.resourceRequirements "
                "of the step, deploy, and start a new run; or register a job definition with more"
            )
