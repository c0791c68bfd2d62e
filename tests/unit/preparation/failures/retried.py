"""The step `a` of a test, whose failed items run again once."""

from __future__ import annotations

from typing import Any

from batchrelay.domain.failures import RetryFailed
from batchrelay.domain.pipeline import Step
from tests.builders import Flow, step
from tests.unit.preparation.collected import LIST

RETRY = RetryFailed(rounds=1)


def a(**flow: Any) -> Step:
    more: Flow = {"retry_failed": RETRY, **flow}  # type: ignore[typeddict-item]
    return step("a", file=LIST, **more)
