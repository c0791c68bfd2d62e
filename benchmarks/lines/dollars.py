"""What a run costs beside its jobs, by counted calls and list prices."""

from __future__ import annotations

from batchrelay_cli.pipeline_file.read import read
from benchmarks.cost import DURABLE_OPERATION, OPERATIONS_OF_AN_ARRAY, cost_of
from benchmarks.figures import Held, Line, Measurement, Sample
from benchmarks.workflow import FILE, played


def _dollars() -> dict[str, Sample]:
    run, flow = played(read(FILE), {})
    cost = cost_of(run, flow)
    dollars = cost.per_million_steps * cost.steps / 1e6
    durable = OPERATIONS_OF_AN_ARRAY * cost.steps * DURABLE_OPERATION
    return {
        "dollars": Sample(
            value=cost.per_million_steps, base=cost.per_million_steps / cost.beside_the_same
        ),
        "dollars-durable": Sample(value=dollars * 1e6, base=durable * 1e6),
    }


MEASUREMENTS = (
    Measurement(
        lines=[
            Line(
                key="dollars",
                what="dollars per million steps of JobA to JobE, 20 wide, beside its jobs",
                unit="$",
                beside="Step Functions Standard, for the same run",
                must=0.33,
                reach=0.2,
                held=Held.RATIO,
            ),
            Line(
                key="dollars-durable",
                what="dollars of a million such runs",
                unit="$",
                beside="Lambda durable functions, two operations for each array",
                must=0.33,
                reach=0.2,
                held=Held.RATIO,
            ),
        ],
        measure=_dollars,
        rounds=1,
    ),
)
