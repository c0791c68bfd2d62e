"""What a state does about failures and time, as far as a step has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchrelay.domain.limits import ATTEMPTS_MAX, MAX_RUNNING_MAX, TIMEOUT_S_MIN
from batchrelay_cli.adopt.draft import Draft, entries, mapping
from batchrelay_cli.pipeline_file.retries import ROUNDS_MAX

_ANY_FAILURE = ("States.ALL", "States.TaskFailed", "Batch.JobFailed")
_TIMEOUT = "States.Timeout"
_OF_THE_SERVICE = ("Batch.AWSBatchException", "Batch.ServerException", "Batch.ClientException")
"""Calls of AWS Batch that fail: those are made again without a word of the pipeline."""

_PAUSES = ("IntervalSeconds", "BackoffRate", "MaxDelaySeconds", "JitterStrategy")
_RETRIES = 3
"""Source: ASL specification, MaxAttempts."""


def add_retries(draft: Draft, line: int, entry: dict[str, Any], state: Mapping[str, Any]) -> None:
    """`Retry` as attempts of AWS Batch, and of a timeout as a round of failed items."""
    name = entry["jobName"]
    for retrier in map(mapping, entries(state.get("Retry"))):
        errors = [str(error) for error in entries(retrier.get("ErrorEquals"))]
        count = retrier.get("MaxAttempts", _RETRIES)
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            continue
        if any(error in _ANY_FAILURE for error in errors):
            if "retryStrategy" not in entry:
                entry["retryStrategy"] = {"attempts": min(count + 1, ATTEMPTS_MAX)}
            _leave_pauses(draft, line, name, retrier)
        elif _TIMEOUT in errors:
            rounds = {"rounds": min(count, ROUNDS_MAX), "when": ["Timeout"]}
            entry.setdefault("flow", {}).setdefault("retryFailed", rounds)
            _leave_pauses(draft, line, name, retrier)
        elif not all(error in _OF_THE_SERVICE for error in errors):
            why = "AWS Batch has no such errors: see retryStrategy.evaluateOnExit and retryFailed"
            draft.leave(line, f"{name}: Retry of {', '.join(errors)}", why)


def _leave_pauses(draft: Draft, line: int, name: str, retrier: Mapping[str, Any]) -> None:
    pauses = [key for key in _PAUSES if key in retrier]
    if pauses:
        what = f"{name}: Retry.{', '.join(pauses)}"
        draft.leave(line, what, "an attempt follows the one before at once")


def add_timeout(draft: Draft, line: int, entry: dict[str, Any], state: Mapping[str, Any]) -> None:
    """`TimeoutSeconds` as that of an attempt, which begins when the attempt does."""
    name, seconds = entry["jobName"], state.get("TimeoutSeconds")
    if isinstance(seconds, int) and not isinstance(seconds, bool) and "timeout" not in entry:
        entry["timeout"] = {"attemptDurationSeconds": max(seconds, TIMEOUT_S_MIN)}
    elif seconds is not None and "timeout" not in entry:
        draft.leave(line, f"{name}: TimeoutSeconds", "only a run knows it: write a number")
    for key in ("TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath", "Credentials"):
        if key in state:
            draft.leave(line, f"{name}: {key}", "a step has no such thing")


def add_tolerance(draft: Draft, line: int, entry: dict[str, Any], state: Mapping[str, Any]) -> None:
    """What a Map tolerates, and how many of its children run at a time."""
    name, flow = entry["jobName"], entry.setdefault("flow", {})
    for key, own in (("ToleratedFailurePercentage", "percent"), ("ToleratedFailureCount", "count")):
        value = state.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            flow.setdefault("tolerate", {own: value})
        if f"{key}Path" in state or isinstance(value, str):
            draft.leave(line, f"{name}: {key}", "only a run knows it: write flow.tolerate")
    _add_concurrency(draft, line, entry, state.get("MaxConcurrency"))
    for key in ("ItemBatcher", "ResultWriter", "MaxConcurrencyPath"):
        if key in state:
            draft.leave(line, f"{name}: {key}", _OTHERS[key])


def _add_concurrency(draft: Draft, line: int, entry: dict[str, Any], concurrency: Any) -> None:
    """One at a time is AWS Batch's own sequence; 0 is as many as there is room for."""
    is_number = isinstance(concurrency, int) and not isinstance(concurrency, bool)
    if is_number and concurrency == 1:
        entry["dependsOn"] = [*entry.get("dependsOn", []), {"type": "SEQUENTIAL"}]
    elif is_number and 1 < concurrency <= MAX_RUNNING_MAX:
        entry.setdefault("flow", {})["maxRunning"] = concurrency
    elif concurrency:
        draft.leave(line, f"{entry['jobName']}: MaxConcurrency {concurrency}", _ONLY_A_RUN)


_ONLY_A_RUN = "only a run knows it: write flow.maxRunning"
_OTHERS = {
    "ItemBatcher": "a child has one item: see flow.chunk",
    "ResultWriter": "a program writes its own results: see flow.output",
    "MaxConcurrencyPath": _ONLY_A_RUN,
}
