"""Pipelines of the matrix whose steps bound how many of their children run."""

from __future__ import annotations

from batchrelay.domain.failures import RetryFailed, Tolerate
from batchrelay.domain.pipeline import NoticeRule, Pipeline, Step

_ARRAY = {"jobQueue": "q", "jobDefinition": "noop:1"}
_NOTIFY = (NoticeRule(topic="${env.topicArn}", on=frozenset({"SUCCEEDED", "PARTIAL", "FAILED"})),)

BOUNDED = Pipeline(
    name="bounded",
    version=1,
    steps=(
        Step(
            name="fan",
            request={**_ARRAY, "arrayProperties": {"size": 4}},
            canary=2,
            max_running=1,
        ),
    ),
    notify=_NOTIFY,
)
"""The job event of its canary submits the rest, whose resource is there by then."""

BOUNDED_RETRIED = Pipeline(
    name="boundedretried",
    version=1,
    steps=(
        Step(
            name="fan",
            request={"jobQueue": "q", "jobDefinition": "index:1", "arrayProperties": {"size": 3}},
            retry_failed=RetryFailed(rounds=1, when=frozenset({"ExitCode:1"})),
            tolerate=Tolerate(count=1),
            max_running=2,
        ),
    ),
    notify=_NOTIFY,
)
"""Child 1 fails, and succeeds in a second round; child 2 is tolerated. What collects the failures
submits that round, and ends the run."""
