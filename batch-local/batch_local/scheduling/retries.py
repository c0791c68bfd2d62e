"""evaluateOnExit: whether a failed attempt is tried again.

Rules (aws-batch.md): a rule matches when all conditions that it names match; the first that
matches decides; none means RETRY; RETRY is bounded by `attempts`. A pattern is exact, or a prefix
when it ends with `*`; a lone `*` matches anything, an absent value too.
"""

from __future__ import annotations

from collections.abc import Mapping

from batch_local.assumptions import DOCUMENTED, Assumptions
from batch_local.model import Attempt, RetryStrategy

ATTEMPTS_MIN, ATTEMPTS_MAX = 1, 10
"""Source: SubmitJob, RetryStrategy.attempts."""

RULES_MAX = 5
"""Source: SubmitJob, RetryStrategy.evaluateOnExit."""


def tries_again(
    strategy: RetryStrategy,
    attempts_made: int,
    attempt: Attempt,
    assume: Assumptions = DOCUMENTED,
) -> bool:
    """Whether a job whose latest attempt failed goes back to the queue."""
    if attempts_made >= strategy.attempts:
        return False
    rules = strategy.rules if assume.deciding_rule == "first" else strategy.rules[::-1]
    for rule in rules:
        if _matches(rule, attempt, assume):
            return rule["action"].upper() == "RETRY"
    return True


def _matches(rule: Mapping[str, str], attempt: Attempt, assume: Assumptions) -> bool:
    exit_code = None if attempt.exit_code is None else str(attempt.exit_code)
    values = {
        "onExitCode": exit_code,
        "onReason": attempt.reason,
        "onStatusReason": attempt.status_reason,
    }
    conditions = [(pattern, values[name]) for name, pattern in rule.items() if name in values]
    return all(_fits(pattern, value, assume) for pattern, value in conditions)


def _fits(pattern: str, value: str | None, assume: Assumptions) -> bool:
    if value is None:
        return pattern == "*" and assume.star_on_nothing == "matches"
    if assume.rule_case == "ignored":
        pattern, value = pattern.lower(), value.lower()
    return value.startswith(pattern[:-1]) if pattern.endswith("*") else value == pattern
