"""evaluateOnExit: whether a failed attempt is tried again.

Rules (aws-batch.md): a rule matches when all conditions that it names match; the first that
matches decides; none means RETRY; RETRY is bounded by `attempts`. A pattern is exact, or a prefix
when it ends with `*`; a lone `*` matches anything, an absent value too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from batchrelay_local.batch.assumptions import DOCUMENTED, Assumptions
from batchrelay_local.batch.model import Attempt

ATTEMPTS_MIN, ATTEMPTS_MAX = 1, 10
"""Source: SubmitJob, RetryStrategy.attempts."""

RULES_MAX = 5
"""Source: SubmitJob, RetryStrategy.evaluateOnExit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryStrategy:
    """How often, and after which ends."""

    attempts: int = 1
    rules: tuple[Mapping[str, str], ...] = ()

    def tries_again(
        self, attempts_made: int, attempt: Attempt, assume: Assumptions = DOCUMENTED
    ) -> bool:
        """Whether a job whose latest attempt failed goes back to the queue."""
        if attempts_made >= self.attempts:
            return False
        rules = self.rules if assume.deciding_rule == "first" else self.rules[::-1]
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
    named = [(pattern, values[name]) for name, pattern in rule.items() if name in values]
    return all(_fits(pattern, value, assume) for pattern, value in named)


def _fits(pattern: str, value: str | None, assume: Assumptions) -> bool:
    if value is None:
        return pattern == "*" and assume.star_on_nothing == "matches"
    if assume.rule_case == "ignored":
        pattern, value = pattern.lower(), value.lower()
    return value.startswith(pattern[:-1]) if pattern.endswith("*") else value == pattern
