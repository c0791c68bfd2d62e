"""`flow.retryFailed` and `flow.tolerate`: what a step does about items that fail."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from batchrelay.domain.failure_names import listed, name_problem
from batchrelay.domain.failures import FailureClass, RetryFailed, Tolerate
from batchrelay.domain.limits import ATTEMPTS_MAX
from batchrelay_cli.pipeline_file.document import Document, Place
from batchrelay_cli.pipeline_file.overrides import read_overrides
from batchrelay_cli.pipeline_file.shapes import unknown_key

ROUNDS_MAX = ATTEMPTS_MAX - 1
"""With the first one, a step has as many rounds as AWS Batch gives a job attempts."""

RETRIED_CLASSES = tuple(named for named in FailureClass if named is not FailureClass.STOPPED)
"""What `retryFailed.when` may name: nothing that was stopped runs again by itself."""

MEMORY_FACTOR = r"x([2-9]|10|[1-9]\.[0-9]{1,3})"

_OWN = ("rounds", "when", "memory")
_TOLERATE_KEYS = ("count", "percent")
_NOT_TOGETHER: Mapping[str, Mapping[str, str]] = {
    "retryFailed": {
        "SEQUENTIAL": "retryFailed and SEQUENTIAL do not go together: child i waits for child "
        "i - 1, so a later round would come too late; write retryStrategy: {attempts: 3} for "
        "the step",
    },
    "tolerate": {
        "aggregate": "tolerate and aggregate do not go together: one result with inputs missing "
        "is a wrong one; write tolerate in the step whose outputs are merged",
        "SEQUENTIAL": "tolerate and SEQUENTIAL do not go together: child i waits for child i - 1, "
        "so all behind one that failed fail too; write retryStrategy: {attempts: 3} for the step",
    },
    "canary": {
        "queue": "canary and queue do not go together: the workers pull items in any order; leave "
        "queue out, a child for each chunk of items can have a canary",
        "aggregate": "canary and aggregate do not go together: a level needs every output of the "
        "one before; write canary in the step whose outputs are merged",
        "SEQUENTIAL": "canary and SEQUENTIAL do not go together: the first child runs before the "
        "rest anyway; leave canary out",
    },
    "failFast": {
        "queue": "failFast and queue do not go together: an item that fails does not fail its "
        "worker at once; leave queue out, a child for each chunk of items can fail fast",
        "aggregate": "failFast and aggregate do not go together: write failFast in the step whose "
        "outputs are merged",
    },
}


def read_retry_failed(
    document: Document, place: Place, flow: Mapping[str, Any]
) -> RetryFailed | None:
    """`retryFailed:`. The memory of the first round is not known here: see `retry_use`."""
    if "retryFailed" not in flow:
        return None
    value = flow["retryFailed"]
    if not isinstance(value, dict):
        document.wrong(
            place, "retryFailed must be {rounds: NUMBER, when: [CLASS, …], containerOverrides: …}"
        )
        return None
    return RetryFailed(
        rounds=_rounds(document, place, value),
        when=_classes(document, (*place, "when"), value),
        overrides=read_overrides(document, place, value, _OWN, "retryFailed"),
        memory_factor=_factor(document, (*place, "memory"), value),
    )


def read_tolerate(document: Document, place: Place, flow: Mapping[str, Any]) -> Tolerate | None:
    """`tolerate:`, {count: NUMBER} or {percent: NUMBER}."""
    if "tolerate" not in flow:
        return None
    value = flow["tolerate"]
    if not isinstance(value, dict):
        document.wrong(place, "tolerate must be {count: NUMBER} or {percent: NUMBER}")
        return None
    for key in value:
        if key not in _TOLERATE_KEYS:
            document.wrong_key((*place, key), unknown_key(key, _TOLERATE_KEYS, "tolerate"))
    if "count" in value and "percent" in value:
        document.wrong(place, "tolerate has a count or a percent, not both: leave one of them out")
    elif "count" in value:
        return _count(document, (*place, "count"), value["count"])
    elif "percent" in value:
        return _percent(document, (*place, "percent"), value["percent"])
    elif not value.keys() - set(_TOLERATE_KEYS):
        document.wrong(place, "tolerate must be {count: NUMBER} or {percent: NUMBER}")
    return None


def check_together(document: Document, place: Place, flow: Any, *, sequential: bool) -> None:
    """What needs children that fail one by one does not go with what has none."""
    if not isinstance(flow, dict):
        return
    retry = flow.get("retryFailed")
    if "queue" in flow and isinstance(retry, dict) and "memory" in retry:
        document.wrong_key(
            (*place, "retryFailed", "memory"),
            "memory and queue do not go together: any worker may receive an item that needs more; "
            "write MEMORY in retryFailed.containerOverrides.resourceRequirements, for all workers "
            "of the round",
        )
    for key, problems in _NOT_TOGETHER.items():
        for other, problem in problems.items():
            if key in flow and (sequential if other == "SEQUENTIAL" else other in flow):
                document.wrong_key((*place, key), problem)


# --- one key each --------------------------------------------------------------


def _rounds(document: Document, place: Place, value: Mapping[str, Any]) -> int:
    if "rounds" not in value:
        document.wrong(
            place, "retryFailed needs rounds: how often failed items run again, rounds: 1"
        )
        return 1
    rounds = value["rounds"]
    if isinstance(rounds, bool) or not isinstance(rounds, int) or not 1 <= rounds <= ROUNDS_MAX:
        problem = f"rounds must be a number, 1 to {ROUNDS_MAX}, of rounds after the first"
        document.wrong((*place, "rounds"), f"{problem}; got {rounds!r}")
        return 1
    return rounds


def _classes(document: Document, place: Place, value: Mapping[str, Any]) -> frozenset[str]:
    if "when" not in value:
        return frozenset()
    classes = value["when"]
    if not isinstance(classes, list) or not classes:
        document.wrong(
            place,
            "when must be a list of classes of failures, such as [OutOfMemory, ExitCode:75]; for "
            "every failure leave it out",
        )
        return frozenset()
    for index, named in enumerate(classes):
        problem = _class_problem(named)
        if problem is not None:
            document.wrong((*place, index), problem)
    return frozenset(map(str, classes))


def _class_problem(named: Any) -> str | None:
    if not isinstance(named, str):
        code = f"; for an exit code write ExitCode:{named}" if isinstance(named, int) else ""
        return f"a class of failures is a text, one of {listed(RETRIED_CLASSES)}{code}"
    if named == FailureClass.STOPPED:
        return (
            f"{named}: what was stopped, or never began, runs again by a redrive only; leave it out"
        )
    return name_problem(named, RETRIED_CLASSES)


def _factor(document: Document, place: Place, value: Mapping[str, Any]) -> float | None:
    if "memory" not in value:
        return None
    text = value["memory"]
    match = re.fullmatch(MEMORY_FACTOR, text) if isinstance(text, str) else None
    if match is None or float(match[1]) <= 1:
        document.wrong(
            place,
            "memory is x and a factor above 1 and up to 10, such as x2 or x1.5; for an amount "
            f"write MEMORY in containerOverrides.resourceRequirements; got {text!r}",
        )
        return None
    return float(match[1])


def _count(document: Document, place: Place, count: Any) -> Tolerate | None:
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        document.wrong(place, f"count must be a number of items, 0 or more; got {count!r}")
        return None
    return Tolerate(count=count)


def _percent(document: Document, place: Place, percent: Any) -> Tolerate | None:
    is_number = isinstance(percent, int | float) and not isinstance(percent, bool)
    if not is_number or not 0 <= percent <= 100:
        problem = f"percent must be a number, 0 to 100, such as percent: 5; got {percent!r}"
        document.wrong(place, problem)
        return None
    return Tolerate(percent=float(percent))
