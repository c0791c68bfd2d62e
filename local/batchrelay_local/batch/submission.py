"""SubmitJob: a request and its job definition, checked and merged as AWS does it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from batchrelay_local.batch.assumptions import DOCUMENTED, Assumptions
from batchrelay_local.batch.errors import ClientError, only
from batchrelay_local.batch.model import (
    ARRAY_SIZE_MAX,
    ARRAY_SIZE_MIN,
    DEPENDENCIES_MAX,
    NAME,
    OVERRIDES_CHARS_MAX,
    REQUEST_BYTES_MAX,
    TIMEOUT_S_MIN,
    Job,
    JobDefinition,
    JobQueue,
    JobSpec,
)
from batchrelay_local.batch.retries import ATTEMPTS_MAX, ATTEMPTS_MIN, RULES_MAX, RetryStrategy

_FIELDS = frozenset(
    {"jobName", "jobQueue", "jobDefinition", "arrayProperties", "dependsOn", "containerOverrides"}
    | {"tags", "propagateTags", "parameters", "retryStrategy", "timeout"}
    | {"shareIdentifier", "schedulingPriorityOverride"}
)
_OVERRIDES = frozenset({"command", "environment", "resourceRequirements", "vcpus", "memory"})
_CONDITIONS = ("onExitCode", "onReason", "onStatusReason")
_EXIT_CODE_PATTERN = re.compile(r"[0-9]+\*?|\*")
_REASON_PATTERN = re.compile(r"[A-Za-z0-9.:\s]*\*?")
_REFERENCE = re.compile(r"Ref::([A-Za-z0-9_-]+)")
_SHARE = re.compile(r"[A-Za-z0-9]{1,255}\*?")


def check(request: dict[str, Any]) -> None:
    """What can be said without queue and definition. Raises: ClientError."""
    size = len(json.dumps(request).encode())
    if size > REQUEST_BYTES_MAX:
        raise ClientError(f"Job size must be less than 30 KiB, got {-(-size // 1024)} KiB")
    only(request, _FIELDS, "SubmitJob")
    only(request.get("containerOverrides", {}), _OVERRIDES, "containerOverrides")
    if not NAME.fullmatch(request["jobName"]):
        raise ClientError(f"Job name should match valid pattern {NAME.pattern}")
    if len(request.get("dependsOn", ())) > DEPENDENCIES_MAX:
        raise ClientError(f"A job can have at most {DEPENDENCIES_MAX} dependencies")
    if "" in request.get("containerOverrides", {}).get("command", ()):
        raise ClientError("The command must not contain an empty string")


def spec_of(
    request: dict[str, Any],
    queue: JobQueue,
    definition: JobDefinition,
    assume: Assumptions = DOCUMENTED,
) -> JobSpec:
    """Overrides win over the definition. Raises: ClientError."""
    if queue.state != "ENABLED":
        raise ClientError(f"JobQueue {queue.name} is DISABLED")
    overrides = request.get("containerOverrides", {})
    container = definition.container
    parameters = definition.parameters | request.get("parameters", {})
    share, priority = _share(request, queue)
    return JobSpec(
        name=request["jobName"],
        queue=queue,
        definition=definition,
        command=_command(overrides, definition, parameters),
        environment=_environment(container) | _environment(overrides, reserved=True),
        requirements=_requirements(container) | _requirements(overrides),
        depends_on=tuple(request.get("dependsOn", ())),
        tags=request.get("tags", {}),
        propagate_tags=request.get("propagateTags", False),
        size=_array_size(request, assume),
        retry=retry_of(request.get("retryStrategy") or definition.retry_strategy),
        timeout_s=timeout_of(request.get("timeout") or definition.timeout),
        parameters=parameters,
        share=share,
        priority=priority,
        flaw=_flaw(overrides),
    )


def check_dependencies(
    spec: JobSpec,
    find: Callable[[str], Job | None],
    exists: Callable[[str], bool],
    assume: Assumptions = DOCUMENTED,
) -> None:
    """What a job may wait for. Raises: ClientError."""
    for entry in spec.depends_on:
        kind, job_id = entry.get("type"), entry.get("jobId", "")
        if kind not in (None, "N_TO_N", "SEQUENTIAL"):
            raise ClientError(f"unknown dependency type {kind}")
        if kind == "SEQUENTIAL" and spec.size is not None:
            if job_id:
                raise ClientError("Job Id cannot be set when dependency type is SEQUENTIAL")
            continue
        if ":" in job_id and assume.child_dependency == "refused":
            raise ClientError(f"Job {job_id} is a child; a job cannot depend on it")
        if not exists(job_id) and assume.unknown_dependency == "refused":
            raise ClientError(f"Job {job_id} does not exist")
        other = find(job_id.partition(":")[0])
        if other is not None:
            _check_other(spec, kind, other, assume)


def _check_other(spec: JobSpec, kind: str | None, other: Job, assume: Assumptions) -> None:
    equal = spec.size is not None and other.spec.size == spec.size
    if kind == "N_TO_N" and not equal and assume.n_to_n_unequal == "refused":
        raise ClientError(
            "N_TO_N dependencies must be between array jobs of the same size, got "
            f"{spec.size} and {other.spec.size}"
        )
    if other.spec.queue is not spec.queue and assume.other_queue_dependency == "refused":
        raise ClientError(f"Job {other.id} is in another queue; a job cannot depend on it")


def retry_of(strategy: Mapping[str, Any] | None) -> RetryStrategy:
    """A retryStrategy. Raises: ClientError."""
    if not strategy:
        return RetryStrategy()
    rules = strategy.get("evaluateOnExit", ())
    if rules and "attempts" not in strategy:
        raise ClientError("RetryAttempts must be provided with retry strategy")
    attempts: int = strategy.get("attempts", 1)
    if not ATTEMPTS_MIN <= attempts <= ATTEMPTS_MAX:
        raise ClientError(f"attempts must be between {ATTEMPTS_MIN} and {ATTEMPTS_MAX}")
    if len(rules) > RULES_MAX:
        raise ClientError(f"evaluateOnExit can have at most {RULES_MAX} entries")
    for rule in rules:
        _check_rule(rule)
    return RetryStrategy(attempts=attempts, rules=tuple(rules))


def _check_rule(rule: Mapping[str, str]) -> None:
    if rule.get("action", "").upper() not in ("RETRY", "EXIT"):
        raise ClientError("action must be RETRY or EXIT")
    if not any(name in rule for name in _CONDITIONS):
        raise ClientError(f"a rule needs one of {', '.join(_CONDITIONS)}")
    for name in _CONDITIONS:
        pattern = _EXIT_CODE_PATTERN if name == "onExitCode" else _REASON_PATTERN
        value = rule.get(name, "*")
        if not pattern.fullmatch(value) or len(value) > 512:
            raise ClientError(f"{name} {value!r} should match valid pattern {pattern.pattern}")


def timeout_of(timeout: Mapping[str, int] | None) -> int | None:
    """Seconds of a timeout. Raises: ClientError."""
    seconds = (timeout or {}).get("attemptDurationSeconds")
    if seconds is not None and seconds < TIMEOUT_S_MIN:
        raise ClientError(f"attemptDurationSeconds must be at least {TIMEOUT_S_MIN}")
    return seconds


def _share(request: dict[str, Any], queue: JobQueue) -> tuple[str | None, int]:
    """Wanted with a fair-share policy, forbidden without. Source: SubmitJob, shareIdentifier."""
    share = request.get("shareIdentifier")
    if queue.scheduling_policy is None:
        if share is not None:
            raise ClientError("shareIdentifier needs a job queue with a scheduling policy")
        return None, 0
    if share is None or not _SHARE.fullmatch(share):
        raise ClientError(f"shareIdentifier should match valid pattern {_SHARE.pattern}")
    priority: int = request.get("schedulingPriorityOverride", 0)
    if not 0 <= priority <= 9_999:
        raise ClientError("schedulingPriorityOverride must be between 0 and 9999")
    return share, priority


def _command(
    overrides: Mapping[str, Any], definition: JobDefinition, parameters: Mapping[str, str]
) -> tuple[str, ...]:
    """`Ref::name` becomes the parameter; an unknown one is left as it is."""
    arguments = overrides.get("command") or definition.container.get("command") or ()
    command = (
        *definition.entrypoint,
        *(_REFERENCE.sub(lambda m: parameters.get(m[1], m[0]), word) for word in arguments),
    )
    if not command:
        raise ClientError(f"{definition.name} has no command; here there is no image to have one")
    return command


def _array_size(request: dict[str, Any], assume: Assumptions) -> int | None:
    if "arrayProperties" not in request:
        return None
    size: int = request["arrayProperties"].get("size", 0)
    if size == 0 and assume.array_of_zero == "simple":
        return None
    if not ARRAY_SIZE_MIN <= size <= ARRAY_SIZE_MAX:
        raise ClientError(
            f"Array size must be between {ARRAY_SIZE_MIN} and {ARRAY_SIZE_MAX}, got {size}"
        )
    return size


def _environment(container: Mapping[str, Any], *, reserved: bool = False) -> dict[str, str]:
    given = {
        entry.get("name", ""): entry.get("value", "") for entry in container.get("environment", ())
    }
    taken = [name for name in given if name.startswith("AWS_BATCH")]
    if reserved and taken:
        raise ClientError(f"Environment names must not start with AWS_BATCH: {', '.join(taken)}")
    broken = [name for name in given if not name or "=" in name or "\0" in name + given[name]]
    if broken:
        raise ClientError(f"Environment names and values must be texts of a process: {broken}")
    return given


def _requirements(container: Mapping[str, Any]) -> dict[str, str]:
    """The deprecated `vcpus` and `memory` too. Source: ContainerOverrides."""
    old = {"VCPU": container.get("vcpus"), "MEMORY": container.get("memory")}
    listed = {entry["type"]: entry["value"] for entry in container.get("resourceRequirements", ())}
    found = {kind: str(value) for kind, value in old.items() if value is not None} | listed
    for kind, value in found.items():
        if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", value) or float(value) <= 0:
            raise ClientError(
                f"resourceRequirements {kind} must be a number above 0, got {value!r}"
            )
    return found


def _flaw(overrides: Mapping[str, Any]) -> str | None:
    """What AWS Batch finds too late. Source: hyp3#3041; reference §1.3."""
    if len(json.dumps(overrides)) > OVERRIDES_CHARS_MAX:
        return f"Container Overrides length must be at most {OVERRIDES_CHARS_MAX}"
    return None
