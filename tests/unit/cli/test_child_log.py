"""Why a child printed nothing."""

from __future__ import annotations

from typing import Any, cast

import pytest

from batchrelay_cli.stack.client import Stack
from batchrelay_cli.views.child_log import why_empty

PULL = "CannotPullContainerError: pull access denied for scans"
NO_STACK = cast("Stack", None)


@pytest.mark.parametrize(
    ("job", "why"),
    [
        (
            {"statusReason": "Task failed to start", "container": {"reason": PULL}},
            f"job j is FAILED and has not run: Task failed to start: {PULL}",
        ),
        ({"statusReason": "No host"}, "job j is FAILED and has not run: No host"),
        ({}, "job j is FAILED and has not run"),
    ],
)  # fmt: skip
def test_a_child_that_could_not_start_has_the_reason_of_its_container(
    job: dict[str, Any], why: str
) -> None:
    assert why_empty(NO_STACK, {}, {"jobId": "j", "status": "FAILED", **job}) == why
