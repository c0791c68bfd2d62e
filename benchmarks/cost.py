"""Dollars per million steps, from calls that were counted: `python -m benchmarks.cost`.

Each run is played on the local cloud, its handlers' AWS calls are counted there, and multiplied
by dated list prices (batchrelay.prices). A write costs a unit for each KiB of the item, as it
was then; its entries in the two indexes are four more (made and deleted; made, and changed at the
end). A read, strongly consistent, is one unit for each 4 KiB of the item, as it was in the end.
A message of SQS is one for the end of each job, and each that a function sends.
Lambda: 512 MiB for 0.15 s an invocation, an assumption. AWS Batch itself, EventBridge's events of
AWS services and its rules cost nothing.

Step Functions is counted as transitions: one for a plain step, which a Task is; for a step with
items one for its Map, and one for each item, also for those whose output is there already.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchrelay.codec import encode_run
from batchrelay.codec.stored import deflated
from batchrelay.domain.step_state import StepState
from batchrelay.prices import list_prices
from batchrelay_cli.pipeline_file.read import read
from batchrelay_cli.simulate.orchestration import Calls
from benchmarks.pipelines import chain
from benchmarks.workflow import ROOT, Workflow, played

PRICES = list_prices()
TRANSITION: float = PRICES.per_million["stepfunctions.transitions"]
DURABLE_OPERATION = 8 / 1e6
"""Dollars of an operation of Lambda durable functions. Source: docs/reference/cost.md."""
OPERATIONS_OF_AN_ARRAY = 2
"""Its submission and its callback."""
ATTRIBUTES_BYTES = 250
"""Of a run's item, beside its document."""

EXAMPLES: tuple[tuple[str, dict[str, str]], ...] = (
    ("word-count", {"source": str(ROOT / "examples/word-count/texts")}),
    ("array-workflow", {}),
    ("array-workflow", {"width": "10000"}),
    ("manifest", {"source": str(ROOT / "examples/manifest/texts")}),
    ("chunked", {}),
    ("dynamic-queue", {}),
    ("checkpoint", {}),
    ("incremental", {"source": str(ROOT / "examples/incremental/texts")}),
    ("sizes", {}),
    ("tree-aggregate", {}),
    ("sweep", {}),
)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a run costs beside its jobs, in dollars."""

    steps: int
    children: int
    transitions: int
    """Of Step Functions, for the same."""
    by_kind: dict[str, float]

    @property
    def per_million_steps(self) -> float:
        """Dollars."""
        return sum(self.by_kind.values()) / self.steps * 1e6

    @property
    def beside_a_transition(self) -> float:
        """A step, as a share of one transition."""
        return self.per_million_steps / TRANSITION

    @property
    def beside_the_same(self) -> float:
        """The run, as a share of the same run's transitions."""
        return sum(self.by_kind.values()) / (self.transitions * TRANSITION / 1e6)


def cost_of(run: Any, flow: Workflow) -> Cost:
    """The counted calls, by what they are paid for."""
    stored = deflated(json.dumps(encode_run(run)).encode())
    called = flow.calls
    calls = Calls(
        invocations=flow.invocations,
        messages=called.get("batch.submitjob", 0) + called.get("sqs.SendMessage", 0),
        message_batches=called.get("sqs.SendMessageBatch", 0),
        write_units=flow.write_units,
        reads=called.get("dynamodb.GetItem", 0),
        run_bytes=len(stored) + ATTRIBUTES_BYTES,
        puts=called.get("s3.PUT", 0),
        gets=called.get("s3.GET", 0),
        publishes=called.get("sns.POST", 0) + called.get("sns.Publish", 0),
    )
    return Cost(
        steps=len(run.pipeline.steps),
        children=sum(state.children or 0 for state in run.steps.values()),
        transitions=sum(1 + _items(run.state(step.name)) for step in run.pipeline.steps),
        by_kind=dict(calls.dollars(PRICES)),
    )


def _items(state: StepState) -> int:
    return 0 if state.items is None else state.items + state.existing


def main() -> None:
    """Print the table."""
    examples = ROOT / "examples"
    with tempfile.TemporaryDirectory() as folder:
        runs = [
            ("a chain of 20 steps", chain(Path(folder), 20), {}),
            ("a chain of 200 steps", chain(Path(folder), 200), {}),
            *((name, examples / name / "pipeline.yaml", params) for name, params in EXAMPLES),
        ]
        headings = ("run", "steps", "children", "dollars per million steps", "most of it")
        print(f"| {' | '.join(headings)} | a step beside a transition | beside the same there |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for name, file, params in runs:
            run, flow = played(read(file), params)
            cost = cost_of(run, flow)
            most = max(cost.by_kind, key=lambda kind: cost.by_kind[kind])
            share = cost.by_kind[most] / sum(cost.by_kind.values())
            print(
                f"| {name} | {cost.steps} | {cost.children:,} | {cost.per_million_steps:.2f} | "
                f"{most}, {share:.0%} | "
                f"{cost.beside_a_transition:.2f} | {cost.beside_the_same:.2f} |"
            )
    print(f"\nPrices of {PRICES.source_of('services')}.")


if __name__ == "__main__":
    main()
