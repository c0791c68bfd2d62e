"""`budget:` of a pipeline file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchrelay.domain.budget import Budget, Rate
from batchrelay.domain.limits import BUDGET_USD_MAX
from batchrelay.domain.pipeline import Pipeline
from batchrelay.prices import NUMBER_MAX
from batchrelay_cli.pipeline_file.document import Document, Place
from batchrelay_cli.pipeline_file.shapes import unknown_key

_KEYS, _RATE_KEYS = ("usd", "rates"), ("vcpuHour", "gibHour")
_EXAMPLE = "write `budget: {usd: 50}`"


def read_budget(document: Document, value: Any) -> Budget | None:
    """`budget:`: {usd, rates}."""
    if value is None:
        return None
    if not isinstance(value, dict):
        document.wrong(("budget",), f"budget says how much a run may cost: {_EXAMPLE}")
        return None
    for key in value:
        if key not in _KEYS:
            document.wrong_key(("budget", key), unknown_key(key, _KEYS, "a budget"))
    usd: Any = value.get("usd")
    if not _is_number(usd) or not 0 < usd <= BUDGET_USD_MAX:
        place: Place = ("budget", "usd") if "usd" in value else ("budget",)
        document.wrong(
            place,
            f"usd is a number of US dollars above 0, {BUDGET_USD_MAX:,} at most: {_EXAMPLE}, or "
            f"leave out budget; got {usd!r}",
        )
        return None
    return Budget(usd=float(usd), rates=dict(_rates(document, value.get("rates", {}))))


def _rates(document: Document, value: Any) -> Mapping[str, Rate]:
    if not isinstance(value, dict):
        document.wrong(("budget", "rates"), f"rates is a mapping of job queues: {_rate_text()}")
        return {}
    rates: dict[str, Rate] = {}
    for queue, rate in value.items():
        place = ("budget", "rates", queue)
        if not isinstance(rate, dict) or set(rate) != set(_RATE_KEYS):
            document.wrong(place, f"a rate has vcpuHour and gibHour, in US dollars: {_rate_text()}")
            continue
        wrong = [name for name in _RATE_KEYS if not _is_rate(rate[name])]
        for name in wrong:
            document.wrong((*place, name), f"{name} is a number from 0; got {rate[name]!r}")
        if not wrong:
            vcpu, gib = (float(rate[name]) for name in _RATE_KEYS)
            if vcpu + gib == 0:
                document.wrong(place, "a rate of 0 for both never reaches a budget: write a price")
            rates[str(queue)] = Rate(vcpu_hour=vcpu, gib_hour=gib)
    return rates


def _rate_text() -> str:
    return "write `rates: {my-queue: {vcpuHour: 0.03, gibHour: 0.004}}`"


def _is_rate(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= NUMBER_MAX


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def check_budget(document: Document, pipeline: Pipeline) -> None:
    """That a person learns when a run waits, and that rates are of queues that are used."""
    if pipeline.budget is None:
        for number, rule in enumerate(pipeline.notify):
            if "PAUSED" in rule.on:
                document.wrong(
                    ("notify", number, "on"),
                    "no run is PAUSED without a budget: write `budget: {usd: 50}` at the top, or "
                    "leave out PAUSED",
                )
        return
    if not any("PAUSED" in rule.on for rule in pipeline.notify):
        document.warn(
            ("budget",),
            "a run that reaches its budget waits for you, and no notice says so: write notify, "
            "with PAUSED in its `on`",
        )
    queues = {_name(step.request.get("jobQueue")) for step in pipeline.steps}
    for queue in pipeline.budget.rates if None not in queues else ():
        if queue not in queues:
            known = ", ".join(sorted(filter(None, queues)))
            document.wrong_key(
                ("budget", "rates", queue), f"no step has the job queue {queue}: they have {known}"
            )


def _name(queue: Any) -> str | None:
    """None of a queue that a parameter names."""
    if not isinstance(queue, str) or "${" in queue:
        return None
    return queue.rpartition("job-queue/")[2]
