"""`batchrelay plan FILE --estimate`: what a run would cost, by what items took before."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from batchrelay.aws_lambda.reports import report_sources
from batchrelay.domain.array_split import known_item_count
from batchrelay.domain.containers import merged_requests
from batchrelay.domain.job_detail import Capacity
from batchrelay.domain.pipeline import InlineItems, Matrix, Step
from batchrelay.prices import Place, Prices, Unknown
from batchrelay.prices.estimate import Demand, Spread, cost_range
from batchrelay.report.collector import capacities_of
from batchrelay_cli.client.earlier_runs import earlier_runs, items_per_child, seconds_of_items
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.pipeline_file.read import PipelineFile
from batchrelay_cli.stack.access import is_local
from batchrelay_cli.stack.client import Stack
from batchrelay_cli.stack.job_definitions import known_text, queues_of
from batchrelay_cli.stack.requested_size import Requested, requested
from batchrelay_cli.views.estimate import SUMS, RunEstimate, StepEstimate

ANY_STEP = ""
"""Of `--items N`: every step whose number of items is decided in the run."""


_NO_TIMES = "its earlier runs left no times: no item ended well, or AWS Batch has forgotten them"
_NOTHING = Spread(count=0, low=0, median=0, high=0)
"""Of a step that has no items."""


def parse_items(texts: tuple[str, ...]) -> dict[str, int]:
    """`N` and `STEP=N`. Raises: UsageProblem."""
    counts: dict[str, int] = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        if not (number.isascii() and number.isdigit()) or len(number) > 9:
            raise UsageProblem(f"--items {text}: write --items N or --items STEP=N")
        if name in counts:
            raise UsageProblem(f"--items {text}: it is given twice")
        counts[name] = int(number)
    return counts


def estimated(
    stack: Stack, file: PipelineFile, prices: Prices, items: Mapping[str, int]
) -> RunEstimate:
    """Raises: UsageProblem, if `--items` is of a step whose number is known."""
    for name in items.keys() - {ANY_STEP}:
        step = next((step for step in file.pipeline.steps if step.name == name), None)
        if step is None or not _is_decided_later(step):
            raise UsageProblem(f"--items {name}=N: there is no step {name} whose items a run lists")
    estimation = Estimation(stack=stack, file=file, prices=prices, items=items)
    steps = [estimation.step(step) for step in file.pipeline.order]
    return RunEstimate(
        runs=[run["runId"] for run in estimation.runs], steps=steps, sums=estimation.sums
    )


def _is_decided_later(step: Step) -> bool:
    return step.for_each is not None and not isinstance(step.for_each, InlineItems | Matrix)


@dataclass(kw_only=True)
class Estimation:
    """Of the steps of one pipeline, by its last runs."""

    stack: Stack
    file: PipelineFile
    prices: Prices
    items: Mapping[str, int]
    counts: dict[str, int | None] = field(default_factory=dict)
    """Items of the steps before, for those that have as many."""

    def __post_init__(self) -> None:
        self.runs = earlier_runs(self.stack, self.file.pipeline.name)
        region = self.stack.batch.meta.region_name
        self.region = None if is_local(self.stack) else region
        steps = self.file.pipeline.steps
        queues = (queue for step in steps for queue in queues_of(self.file, step))
        jobs = report_sources(self.stack.make_client).jobs
        self.capacities = capacities_of(jobs, self.prices, self.region, queues)

    @property
    def sums(self) -> str:
        """What is summed; Spot only where it is known."""
        mixed = [name for name, capacity in self.capacities.items() if capacity.is_mixed]
        return SUMS + (
            f". Spot in part, and priced on demand: {', '.join(sorted(mixed))}" if mixed else ""
        )

    def step(self, step: Step) -> StepEstimate:
        """One step; those before it came before."""
        earlier = list(self._earlier(step))
        items, items_from = self._items(step, earlier)
        self.counts[step.name] = items
        by_child = not step.has_items or step.aggregate is not None
        spread = Spread.of(
            seconds
            for _, entry in earlier
            for seconds in seconds_of_items(self.stack, entry, by_child=by_child)
        )
        children = None if items is None else _children(step, items, earlier)
        size, demands, reason = None, [], ""
        try:
            demands = list(self._demands(step))
            size = demands[0].size
        except UsageProblem as error:
            reason = error.message
        if items is None:
            reason = reason or items_from
        elif items and spread is None:
            has_run = any(entry["jobs"] for _, entry in earlier)
            reason = reason or (_NO_TIMES if has_run else "no earlier run of this step")
        return StepEstimate(
            step=step.name,
            items=items,
            items_from=items_from,
            children=children,
            seconds=spread,
            size=size,
            cost=Unknown(reason=reason)
            if reason
            else cost_range(
                self.prices, demands, spread or _NOTHING, items=items or 0, children=children or 0
            ),
            remark=_remark(step),
        )

    def _earlier(self, step: Step) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Itself in earlier runs, the newest first, each with the run's id."""
        for run in self.runs:
            for entry in run["steps"]:
                if entry["step"] == step.name:
                    yield run["runId"], entry

    def _items(
        self, step: Step, earlier: list[tuple[str, Mapping[str, Any]]]
    ) -> tuple[int | None, str]:
        """How many, and how it is known; or why it is not."""
        if isinstance(step.for_each, InlineItems | Matrix):
            return known_item_count(step.for_each), "as the file says"
        if _is_decided_later(step):
            count = self.items.get(step.name, self.items.get(ANY_STEP))
            if count is not None:
                return count, "by --items"
        elif step.aggregate is None:
            size = 1 if step.array_size is None else known_text(self.file, step.array_size)
            if step.n_to_n_needs and step.array_size is None:
                above = min(step.n_to_n_needs)
                return self.counts.get(above), f"as many as {above}"
            if size is not None and str(size).isdigit():
                return int(size), "as the file says"
        name = "items" if _is_decided_later(step) else "children"
        for run_id, entry in earlier:
            count = sum(job["children"] for job in entry["jobs"])
            count = entry["items"] if name == "items" else count or None
            if count is not None:
                return count, f"as many as in {run_id}"
        wanted = ": say how many with --items N" if name == "items" else ""
        return None, f"a run decides how many {name} it has, and none did before{wanted}"

    def without_price(self, step: Step) -> Iterator[tuple[str, str]]:
        """The job queues on which its jobs have no price, and why; nothing of what only a run
        knows."""
        try:
            demands = list(self._demands(step))
        except UsageProblem:
            return
        for demand in demands:
            size, place = demand.size, demand.place
            cost = self.prices.cost_of(
                seconds=1, vcpus=size.vcpus, memory_mib=size.memory_mib, place=place
            )
            if isinstance(cost, Unknown) and place.queue:
                yield place.queue, cost.reason

    def _demands(self, step: Step) -> Iterator[Demand]:
        """Its own, and those of its groups. Raises: UsageProblem."""
        requests = [
            step.request,
            *(merged_requests(step.request, g.overrides) for g in step.groups),
        ]
        for request in requests:
            child = requested(
                self.stack.batch,
                request,
                self.file.definitions,
                lambda value: known_text(self.file, value),
            )
            yield Demand(size=child.size, place=self._place(child))

    def _place(self, child: Requested) -> Place:
        capacity = self.capacities.get(child.queue, Capacity())
        return Place(
            region=self.region or "",
            platform=child.platform,
            arch=child.arch,
            is_spot=capacity.is_spot,
            instance_type=capacity.instance_type,
            queue=child.queue,
        )


def _children(step: Step, items: int, earlier: list[tuple[str, Mapping[str, Any]]]) -> int:
    """How many there would be: Fargate bills a minute of each at least."""
    if step.workers is not None:
        return min(step.workers, items)
    if step.aggregate is not None or not step.has_items:
        return items
    chunk = step.chunk or next((items_per_child(entry) for _, entry in earlier), 1)
    return math.ceil(items / chunk)


def _remark(step: Step) -> str:
    remarks = []
    if step.when is not None:
        remarks.append(f"counted as if it ran: only when {step.when}")
    if step.skip_existing is not None:
        remarks.append("counted as if no output were there")
    if step.groups:
        remarks.append("the range is over the sizes of its groups")
    return "; ".join(remarks)
