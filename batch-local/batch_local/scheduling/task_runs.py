"""The containers of an attempt: which may start, which must stop, and which of them decides. Pure.

Their states are in `ContainerRun`. After each that began or ended, `advance` says what follows; it
goes to the fixed point, so that one answer has everything.

Laws (Source: TaskContainerProperties, TaskContainerDependency; amazon-ecs-agent):
1. A container starts when each that it depends on is as far as its condition says.
2. Once an essential container has ended, nothing starts, and what runs is stopped.
3. A container that waits for what can never be ends without having begun, with exit code 143.
4. The essential container that ended first decides.
5. A pod has no essential container: it ends with all of them, and the first that failed decides.
   One that waits for the good end of another never begins after a bad one.
6. Of a multi-node parallel job, each node is a task or a pod. The others begin once the main node
   has, and are stopped once it has ended; it decides. Source: Batch User Guide, job-lifecycle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from batch_local.model import Condition, ContainerRun, ContainerState

NEVER_STARTED_CODE = 143
"""Of a container whose dependency failed. Source: amazon-ecs-agent, TerminalDependencyError."""

_ACTIVE = (ContainerState.STARTING, ContainerState.RUNNING)


@dataclass(slots=True)
class Orders:
    """What is to be done with the containers of an attempt."""

    starts: list[ContainerRun] = field(default_factory=list)
    stops: list[ContainerRun] = field(default_factory=list)
    deciding: ContainerRun | None = None
    """There once all have ended: the one by which the attempt is judged."""


def advance(runs: Sequence[ContainerRun], main_node: int = 0) -> Orders:
    """What follows from the states of an attempt's containers; it notes what it orders."""
    if len(runs) == 1:  # as of almost every job, 10,000 times of an array
        return _alone(runs[0])
    nodes: dict[int, list[ContainerRun]] = {}
    for run in runs:
        nodes.setdefault(run.spec.node, []).append(run)
    orders = Orders()
    while _follow_nodes(nodes, main_node, runs, orders):
        pass
    if _all_ended(runs):
        orders.deciding = deciding_of(nodes[main_node])
    return orders


def end(
    runs: Sequence[ContainerRun], run: ContainerRun, exit_code: int | None, reason: str | None
) -> None:
    """A container has ended, or could not begin: then it has no exit code."""
    run.rank = 0 if len(runs) == 1 else sum(one.rank is not None for one in runs)
    run.state, run.exit_code, run.reason = ContainerState.ENDED, exit_code, reason


def withdraw(runs: Sequence[ContainerRun]) -> list[ContainerRun]:
    """The attempt is to stop: what waits never starts. Those that are to be stopped."""
    for run in runs:
        if run.state is ContainerState.WAITING:
            run.state = ContainerState.ENDED
    active = [run for run in runs if run.state in _ACTIVE]
    for run in active:
        run.is_stopping = True
    return active


def _alone(run: ContainerRun) -> Orders:
    match run.state:
        case ContainerState.WAITING:
            run.state = ContainerState.STARTING
            return Orders(starts=[run])
        case ContainerState.ENDED:
            return Orders(deciding=run)
        case _:
            return Orders()


def _follow_nodes(
    nodes: Mapping[int, Sequence[ContainerRun]],
    main_node: int,
    everyone: Sequence[ContainerRun],
    orders: Orders,
) -> bool:
    """One pass over all containers; whether another may find more."""
    main = nodes[main_node]
    changed = _follow(main, everyone, orders)
    for node, runs in nodes.items():
        if node == main_node:
            continue
        if _all_ended(main):
            _stop(runs, orders)
        elif any(run.log_stream is not None for run in main):
            changed |= _follow(runs, everyone, orders)
    return changed


def _follow(runs: Sequence[ContainerRun], everyone: Sequence[ContainerRun], orders: Orders) -> bool:
    """One pass over the containers of a task; whether another may find more."""
    if any(run.spec.is_essential and run.state is ContainerState.ENDED for run in runs):
        _stop(runs, orders)
        return False
    by_name = {run.spec.name: run for run in runs}
    has_ended_any = False
    for run in runs:
        if run.state is not ContainerState.WAITING:
            continue
        lost = [pair for pair in run.spec.depends_on if _never(by_name[pair[0]], pair[1])]
        if lost and run.spec.is_of_pod:
            run.state = ContainerState.ENDED
            has_ended_any = True
        elif lost:
            end(everyone, run, NEVER_STARTED_CODE, _lost_reason(*lost[0], run.spec.name))
            has_ended_any = True
        elif all(_is_met(by_name[name], how) for name, how in run.spec.depends_on):
            run.state = ContainerState.STARTING
            orders.starts.append(run)
    return has_ended_any


def _stop(runs: Sequence[ContainerRun], orders: Orders) -> None:
    orders.stops += [run for run in runs if run.state in _ACTIVE and not run.is_stopping]
    withdraw(runs)


def _all_ended(runs: Sequence[ContainerRun]) -> bool:
    return all(run.state is ContainerState.ENDED for run in runs)


def _is_met(run: ContainerRun, condition: Condition) -> bool:
    match condition:
        case Condition.START:
            return run.log_stream is not None
        case Condition.COMPLETE:
            return _ran(run)
        case Condition.SUCCESS:
            return _ran(run) and run.exit_code == 0


def _never(run: ContainerRun, condition: Condition) -> bool:
    """Whether a condition is not met, and cannot be any more."""
    return run.state is ContainerState.ENDED and not _is_met(run, condition)


def _ran(run: ContainerRun) -> bool:
    return run.state is ContainerState.ENDED and run.log_stream is not None


def _lost_reason(name: str, condition: Condition, target: str) -> str:
    end = "exit successfully" if condition is Condition.SUCCESS else "start"
    return (
        "CannotStartContainerError: dependency graph: failed to resolve container ordering "
        f"dependency [{name}] for target [{target}] as dependency did not {end}."
    )


def deciding_of(runs: Sequence[ContainerRun]) -> ContainerRun | None:
    """By which a task is judged; None if nothing of it was tried. Of one that was stopped before an
    essential container began, the last that ended."""
    ended = sorted((run for run in runs if run.rank is not None), key=lambda run: run.rank or 0)
    if ended and ended[0].spec.is_of_pod:
        return next((run for run in ended if run.exit_code != 0), ended[-1])
    return next((run for run in ended if run.spec.is_essential), ended[-1] if ended else None)
