"""SubmitJob: a request and its job definition, checked and merged as AWS does it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from batch_local.assumptions import DOCUMENTED, Assumptions
from batch_local.containers.nodes import number_of_nodes
from batch_local.containers.of_job import asked_together, containers_of, texts_for_ecs
from batch_local.errors import ClientException
from batch_local.model import (
    ARRAY_SIZE_MAX,
    ARRAY_SIZE_MIN,
    DEPENDENCIES_MAX,
    NAME,
    OVERRIDES_CHARS_MAX,
    REQUEST_BYTES_MAX,
    TIMEOUT_S_MIN,
    JobDefinition,
    JobQueue,
    JobSpec,
    Kind,
    RetryStrategy,
)
from batch_local.resources.consumables import needs_of
from batch_local.resources.policies import SHARE
from batch_local.resources.tags import TAGS_MAX, checked_tags, of_aws
from batch_local.scheduling.retries import ATTEMPTS_MAX, ATTEMPTS_MIN, RULES_MAX

PRIORITY_MAX = 9_999
"""Source: SubmitJob, schedulingPriorityOverride."""

PATTERN_CHARS_MAX = 512
"""Source: SubmitJob, EvaluateOnExit."""

NO_PROPAGATION = "If the job runs on Amazon EKS resources, then you must not specify propagateTags"
"""Source: RegisterJobDefinition, propagateTags."""

NO_ARRAY = "A multi-node parallel job can't be an array job: leave arrayProperties out"

_CONDITIONS = ("onExitCode", "onReason", "onStatusReason")
_EXIT_CODE_PATTERN = re.compile(r"[0-9]+\*?|\*")
_REASON_PATTERN = re.compile(r"[A-Za-z0-9.:\s]*\*?")


def check(request: dict[str, Any]) -> None:
    """Checks without queue and definition. Raises: ClientException."""
    size = len(text_of(request).encode(errors="surrogatepass"))
    if size > REQUEST_BYTES_MAX:
        raise ClientException(f"Job size must be less than 30 KiB, got {-(-size // 1024)} KiB")
    if not NAME.fullmatch(request["jobName"]):
        raise ClientException(f"Job name should match valid pattern {NAME.pattern}")
    if len(request.get("dependsOn", ())) > DEPENDENCIES_MAX:
        raise ClientException(f"Job cannot have more than {DEPENDENCIES_MAX} dependencies")


def text_of(request: Mapping[str, Any]) -> str:
    """A request as it is measured: characters count, not the escapes of their JSON."""
    return json.dumps(request, ensure_ascii=False, separators=(",", ":"))


def spec_of(
    request: dict[str, Any],
    queue: JobQueue,
    definition: JobDefinition,
    assume: Assumptions = DOCUMENTED,
) -> JobSpec:
    """Overrides win over the definition. Raises: ClientException."""
    if queue.state != "ENABLED":
        raise ClientException(f"JobQueue {queue.name} is DISABLED")
    parameters = definition.parameters | request.get("parameters", {})
    containers = containers_of(request, definition, parameters)
    share, priority = _share(request, queue, definition)
    if definition.kind is Kind.POD and "propagateTags" in request:
        raise ClientException(f"{NO_PROPAGATION}: leave it out")
    tags = checked_tags(request.get("tags", {}))
    propagate_tags = bool(request.get("propagateTags", definition.propagate_tags))
    return JobSpec(
        name=request["jobName"],
        queue=queue,
        definition=definition,
        containers=containers,
        requirements=asked_together(containers),
        nodes=_nodes(request, definition),
        main_node=definition.properties.get("mainNode", 0),
        depends_on=tuple(request.get("dependsOn", ())),
        tags=tags,
        propagate_tags=propagate_tags,
        size=_array_size(request, assume),
        retry=retry_of(request.get("retryStrategy") or definition.retry_strategy),
        timeout_s=timeout_of(request.get("timeout") or definition.timeout),
        parameters=parameters,
        consumables=needs_of(
            definition.consumables, request.get("consumableResourcePropertiesOverride", {})
        ),
        share=share,
        priority=priority,
        flaw=_flaw(request, of_aws(definition.tags | tags) if propagate_tags else {}),
    )


def retry_of(strategy: Mapping[str, Any] | None) -> RetryStrategy:
    """A retryStrategy. Raises: ClientException."""
    if not strategy:
        return RetryStrategy()
    rules = strategy.get("evaluateOnExit", ())
    if rules and "attempts" not in strategy:
        raise ClientException("RetryAttempts must be provided with retry strategy")
    attempts: int = strategy.get("attempts", 1)
    if not ATTEMPTS_MIN <= attempts <= ATTEMPTS_MAX:
        raise ClientException(
            f"attempts must be between {ATTEMPTS_MIN} and {ATTEMPTS_MAX}, got {attempts}"
        )
    if len(rules) > RULES_MAX:
        raise ClientException(f"evaluateOnExit can have at most {RULES_MAX} entries")
    for rule in rules:
        _check_rule(rule)
    return RetryStrategy(attempts=attempts, rules=tuple(rules))


def _check_rule(rule: Mapping[str, str]) -> None:
    if rule.get("action", "").upper() not in ("RETRY", "EXIT"):
        raise ClientException("action must be RETRY or EXIT")
    if not any(name in rule for name in _CONDITIONS):
        raise ClientException(f"a rule needs one of {', '.join(_CONDITIONS)}")
    for name in _CONDITIONS:
        pattern = _EXIT_CODE_PATTERN if name == "onExitCode" else _REASON_PATTERN
        value = rule.get(name, "*")
        if not pattern.fullmatch(value) or len(value) > PATTERN_CHARS_MAX:
            raise ClientException(
                f"{name} {value[:200]!r} should match valid pattern {pattern.pattern}, with at "
                f"most {PATTERN_CHARS_MAX} characters"
            )


def timeout_of(timeout: Mapping[str, int] | None) -> int | None:
    """Seconds of a timeout. Raises: ClientException."""
    seconds = (timeout or {}).get("attemptDurationSeconds")
    if seconds is not None and seconds < TIMEOUT_S_MIN:
        raise ClientException(
            f"attemptDurationSeconds must be at least {TIMEOUT_S_MIN}, got {seconds}"
        )
    return seconds


def check_priority(name: str, priority: int) -> None:
    """A scheduling priority. Raises: ClientException."""
    if not 0 <= priority <= PRIORITY_MAX:
        raise ClientException(f"{name} must be between 0 and {PRIORITY_MAX}, got {priority}")


def _share(
    request: dict[str, Any], queue: JobQueue, definition: JobDefinition
) -> tuple[str | None, int]:
    """Wanted with a fair-share policy, forbidden without. Source: SubmitJob, shareIdentifier."""
    share = request.get("shareIdentifier")
    override = request.get("schedulingPriorityOverride")
    check_priority("schedulingPriorityOverride", override or 0)
    if queue.scheduling_policy is None:
        if share is not None:
            raise ClientException(
                f"shareIdentifier needs a job queue with a scheduling policy, and {queue.name} "
                "has none: leave it out"
            )
        return None, 0
    if share is None or not SHARE.fullmatch(share):
        raise ClientException(
            f"shareIdentifier must be there, for {queue.name} has a scheduling policy, and should "
            f"match valid pattern {SHARE.pattern}"
        )
    priority = definition.priority if override is None else override
    if priority is None:
        raise ClientException(
            "Either schedulingPriority in job definition or schedulingPriorityOverride should be "
            "specified"
        )
    return share, priority


def _nodes(request: Mapping[str, Any], definition: JobDefinition) -> int | None:
    if definition.kind is not Kind.NODES:
        return None
    if "arrayProperties" in request:
        raise ClientException(NO_ARRAY)
    return number_of_nodes(definition.properties, request.get("nodeOverrides", {}))


def _array_size(request: dict[str, Any], assume: Assumptions) -> int | None:
    if "arrayProperties" not in request:
        return None
    size: int = request["arrayProperties"].get("size", 0)
    if size == 0 and assume.array_of_zero == "simple":
        return None
    if not ARRAY_SIZE_MIN <= size <= ARRAY_SIZE_MAX:
        raise ClientException(
            f"Array size must be between {ARRAY_SIZE_MIN} and {ARRAY_SIZE_MAX}, got {size}"
        )
    return size


def _flaw(request: Mapping[str, Any], task_tags: Mapping[str, str]) -> str | None:
    """What AWS Batch finds too late. Source: hyp3#3041; SubmitJob, propagateTags."""
    if any(len(text_of(text)) > OVERRIDES_CHARS_MAX for text in texts_for_ecs(request)):
        return f"Container Overrides length must be at most {OVERRIDES_CHARS_MAX}"
    if len(task_tags) > TAGS_MAX:
        return f"The tags of job and job definition together must be at most {TAGS_MAX}"
    return None
