"""Whether a run may be resumed, before anything of it changes."""

from __future__ import annotations

import math

from batchrelay.domain.errors import NotResumable
from batchrelay.domain.held_submissions import budget_usd
from batchrelay.domain.limits import BUDGET_USD_MAX
from batchrelay.domain.run import Run, RunStatus
from batchrelay.domain.run_cost import about_usd


def check_resume(run: Run, usd: float) -> None:
    """Raises: NotResumable, with what to write or to do instead."""
    if run.status is not RunStatus.PAUSED:
        raise NotResumable(_not_paused(run))
    if not (math.isfinite(usd) and 0 < usd <= BUDGET_USD_MAX):
        raise NotResumable(f"a budget is above 0 and at most {BUDGET_USD_MAX:,} US dollars")
    if run.cost is not None and usd <= run.cost.usd:
        raise NotResumable(
            f"run {run.id} has cost {about_usd(run.cost.usd)} already: give more than that"
        )


def _not_paused(run: Run) -> str:
    what = f"run {run.id} is {run.status}, and only one that is PAUSED is resumed"
    if run.status.is_terminal:
        return f"{what}: what failed runs again with batchrelay redrive {run.id}"
    if budget_usd(run) is None:
        return f"{what}: its pipeline has no budget"
    return f"{what}: nothing of it is held back"
