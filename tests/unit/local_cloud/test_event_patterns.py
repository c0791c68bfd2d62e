"""Which events of jobs are written at all: an array of 10,000 has 40,000 of them."""

from __future__ import annotations

import json

import pytest

from batchrelay_local.event_patterns import may_want
from tests.stack import template

STATUSES = (
    "SUBMITTED",
    "PENDING",
    "RUNNABLE",
    "STARTING",
    "RUNNING",
    "SUCCEEDED",
    "FAILED",
)
RULES = [
    json.dumps(resource["Properties"]["EventPattern"])
    for resource in template()["Resources"].values()
    if resource["Type"] == "AWS::Events::Rule"
]


def test_the_stack_wants_the_ends_of_jobs_and_nothing_of_children() -> None:
    assert len(RULES) >= 2
    wanted = [s for s in STATUSES if any(may_want(rule, s, False) for rule in RULES)]
    assert wanted == ["SUCCEEDED", "FAILED"]
    assert not any(may_want(rule, status, True) for rule in RULES for status in STATUSES)


@pytest.mark.parametrize(
    ("pattern", "is_wanted"),
    [
        ({"source": ["aws.batch"]}, True),
        ({"source": ["aws.s3"]}, False),
        ({"source": [{"prefix": "aws."}]}, True),
        ({"detail-type": ["Batch Job State Change"]}, True),
        ({"detail-type": ["Batch Job Queue Blocked"]}, False),
        ({"detail-type": [{"prefix": "Batch"}]}, True),
        ({"detail": {"status": ["SUCCEEDED"]}}, True),
        ({"detail": {"status": ["FAILED"]}}, False),
        ({"detail": {"status": [{"anything-but": ["SUCCEEDED"]}]}}, True),
        ({"detail": {"arrayProperties": {"index": [{"exists": False}]}}}, False),
        ({"detail": {"arrayProperties": {"index": [{"exists": True}]}}}, True),
        ({"detail": "no object"}, True),
    ],
)
def test_a_child_that_succeeded(pattern: dict[str, object], is_wanted: bool) -> None:
    assert may_want(json.dumps(pattern), "SUCCEEDED", True) is is_wanted


@pytest.mark.parametrize("pattern", ["{", "[]"])
def test_what_is_no_pattern_is_left_to_the_bus(pattern: str) -> None:
    assert may_want(pattern, "SUCCEEDED", False)


def test_a_rule_of_a_schedule_wants_nothing() -> None:
    assert not may_want("", "SUCCEEDED", False)
