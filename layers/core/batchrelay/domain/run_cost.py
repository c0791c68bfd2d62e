"""What a run cost, as it is kept with the run: always an estimate, and unknown is never 0."""

from __future__ import annotations

from dataclasses import dataclass

from batchrelay.domain.copies import replace
from batchrelay.domain.values import Json, printable, short

DATE_CHARS = 10
"""Of a date."""


@dataclass(frozen=True, kw_only=True)
class RunCost:
    """An estimate in US dollars."""

    usd: float
    sums: str
    """What is summed, and what is left out."""
    date: str
    """Of the prices, YYYY-MM-DD; of rates of the user's own, `no date`."""

    @property
    def kept(self) -> RunCost:
        """As much of it as a run keeps."""
        return replace(self, sums=short(self.sums), date=self.date[:DATE_CHARS])


def cost_document(cost: RunCost | None) -> Json:
    """As the API, the notice and the event have it; null is unknown."""
    if cost is None:
        return None
    return {
        "usd": cost.usd,
        "isEstimate": True,
        "sums": printable(cost.sums),
        "date": cost.date,
    }


def usd_text(usd: float) -> str:
    """`$1.23`; what costs less than a cent does not cost 0."""
    if 0 < usd < 0.0001:
        return "under $0.0001"
    return f"${usd:,.2f}" if usd >= 1 or usd == 0 else f"${usd:,.4f}"


def about_usd(usd: float) -> str:
    """`about $1.23`: an estimate within a sentence."""
    text = usd_text(usd)
    return text if text.startswith("under") else f"about {text}"


def with_added(cost: RunCost | None, more: RunCost | None) -> RunCost | None:
    """A sum; of what is not known, what is known alone."""
    if cost is None or more is None:
        return cost if more is None else more.kept
    sums = cost.sums if more.sums in cost.sums else f"{cost.sums}; {more.sums}"
    return RunCost(
        usd=cost.usd + more.usd, sums=sums, date=min(cost.date, more.date[:DATE_CHARS])
    ).kept
