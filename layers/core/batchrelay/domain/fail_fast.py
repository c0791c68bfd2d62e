"""failFast: a step whose failures are more than it tolerates is stopped, not run to its end.

Failures are counted by what AWS Batch says of arrays at work, which reconcile asks for, and by the
parts that have ended. A failed child has at least one failed item, so no step is stopped that
would have been tolerated. While failed items run again, nothing is stopped.
"""

from __future__ import annotations

from batchrelay.domain.copies import replace
from batchrelay.domain.finally_steps import stop_of
from batchrelay.domain.retry_rounds import is_last_round, is_tolerated
from batchrelay.domain.step_state import JobOutcome, StepState
from batchrelay.domain.stops import FAIL_FAST_REASON, EarlyStop, EarlyStopCause
from batchrelay.domain.table import Situation
from batchrelay.domain.values import short

_Here = Situation[None]


def failures_exceed(here: _Here) -> bool:
    """failFast: more items failed than are tolerated, none runs again, a part has not ended"""
    step, state = here.step, here.state
    if not step.fail_fast or stop_of(here.run, step) is not None or state.early_stop is not None:
        return False
    if not is_last_round(step, state) or all(part.outcome is not None for part in state.parts):
        return False
    failed = failed_so_far(state)
    return failed > 0 and not is_tolerated(here.run, step, failed)


def failed_so_far(state: StepState) -> int:
    """Items that failed for good, at least: what is known while parts are at work."""
    counted = (JobOutcome.FAILED, None)
    return state.failed_items + sum(p.failed for p in state.parts if p.outcome in counted)


def stop_by_failures(here: _Here) -> StepState:
    """Its jobs are terminated, and nothing more of it is submitted."""
    stop = EarlyStop(cause=EarlyStopCause.FAIL_FAST, at=here.at, since=here.at)
    text, reason = FAIL_FAST_REASON, here.state.reason
    reason = f"{text} ({reason})" if reason else text
    return replace(here.state, early_stop=stop, reason=short(reason))
