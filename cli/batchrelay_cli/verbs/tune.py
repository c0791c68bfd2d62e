"""`batchrelay tune RUN/STEP`: how many items to a child, and what an item costs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from batchrelay.aws_lambda.wiring import objects, store
from batchrelay.domain.pipeline import Step
from batchrelay.domain.values import Json, merged, printable
from batchrelay.preparation.chunk_size import CHILD_S_MAX, CHILD_S_MIN, Times, item_records
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.stack.api_client import ask, open_stack
from batchrelay_cli.stack.client import Stack
from batchrelay_cli.terminal import console
from batchrelay_cli.verbs.options import echo_json, output_option, stack_option
from batchrelay_cli.views.run_table import StepDocument

PRICES = Path(__file__).parent / "prices.json"
HOUR_S = 3_600
MIB_PER_GIB = 1_024


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One resource class of a step."""

    group: int
    vcpus: float
    memory_mib: int
    times: Times
    cost_per_item: float
    """Of the prices' currency."""


@click.command(epilog="Example: batchrelay tune kb50389d0b38db26e794e46fa/process")
@click.argument("step", metavar="RUN/STEP")
@stack_option
@click.option(
    "--prices",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    default=PRICES,
    help="A table of prices like prices.json beside this program.",
)
@output_option
def tune(step: str, stack_name: str, prices: Path, output: str) -> None:
    """Recommend items per child, and compare resource classes, by what items took.

    It reads the result records that batchrelay-worker left, with the AWS settings of your
    environment: AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL of a local cloud.
    """
    run_id, slash, name = step.partition("/")
    if not slash or not run_id or not name:
        raise UsageProblem(f"{step!r}: write RUN/STEP")
    table = _prices(prices)
    with open_stack(stack_name) as stack:
        run = ask(stack, "GET", "runs", run_id)
        # the API says which steps there are
        step_document = ask(stack, "GET", "runs", run_id, "steps", name)
        pipelines = store(stack.outputs["TableName"], stack.make_client)
        definition = pipelines.get_pipeline(run["pipeline"], run["version"]).step(name)
        groups = list(_measured(stack, step_document, definition, table))
    if not groups:
        raise UsageProblem(
            f"{step}: there are no result records: they are what batchrelay-worker leaves"
        )
    if output == "json":
        echo_json([_document(group) for group in groups])
    else:
        _print(step_document["chunk"], groups, table)


def _prices(path: Path) -> Mapping[str, Any]:
    try:
        table: Any = json.loads(path.read_text())
        if all(isinstance(table[name], int | float) for name in ("vcpuHour", "gibHour")):
            return dict(table)
    except (ValueError, KeyError, TypeError):
        pass
    raise UsageProblem(f"{path}: prices are a JSON object with vcpuHour and gibHour, like {PRICES}")


def _measured(
    stack: Stack, step_document: StepDocument, step: Step, prices: Mapping[str, Any]
) -> Iterator[Measured]:
    """Each group that has items, as its items took."""
    if step_document["results"] is None:
        return
    by_group: dict[int, list[float]] = {}
    for number, seconds in item_records(objects(stack.make_client), step_document["results"]):
        by_group.setdefault(_group_of(step_document, number), []).append(seconds)
    for group, of_group in sorted(by_group.items()):
        times = Times.of(of_group)
        assert times is not None, group
        vcpus, memory = _resources(stack, step, group)
        hour = vcpus * prices["vcpuHour"] + memory / MIB_PER_GIB * prices["gibHour"]
        yield Measured(
            group=group,
            vcpus=vcpus,
            memory_mib=memory,
            times=times,
            cost_per_item=times.mean / HOUR_S * hour,
        )


def _group_of(step_document: StepDocument, item: int) -> int:
    """Of an item, by its number: workers that receive from a queue have one group."""
    if step_document["chunk"] is None:
        return 0
    child, first = item // step_document["chunk"], 0
    for part in step_document["jobs"]:
        first += part["children"]
        if child < first:
            return int(part["group"])
    return 0


def _resources(stack: Stack, step: Step, group: int) -> tuple[float, int]:
    """vCPUs and MiB of one child: its request's, over its job definition's."""
    request: Mapping[str, Any] = step.request
    if group < len(step.groups):
        request = merged(step.request, step.groups[group].overrides)
    definitions = stack.batch.describe_job_definitions(
        **_definition(str(request["jobDefinition"]))
    )["jobDefinitions"]
    container: Any = definitions[0].get("containerProperties", {}) if definitions else {}
    requirements: dict[str, str] = {}
    overrides: Mapping[str, Json] = request.get("containerOverrides") or {}
    for source in (container, overrides):
        entries: Any = source.get("resourceRequirements") or []
        requirements |= {entry["type"]: entry["value"] for entry in entries}
    return float(requirements.get("VCPU", 1)), int(float(requirements.get("MEMORY", 2_048)))


def _definition(reference: str) -> dict[str, Any]:
    if ":" in reference:
        return {"jobDefinitions": [reference]}
    return {"jobDefinitionName": reference, "status": "ACTIVE"}


def _document(measured: Measured) -> dict[str, Any]:
    times = measured.times
    return {
        "group": measured.group,
        "vcpus": measured.vcpus,
        "memoryMiB": measured.memory_mib,
        "items": times.count,
        "meanSeconds": round(times.mean, 3),
        "medianSeconds": round(times.median, 3),
        "longestSeconds": round(times.longest, 3),
        "chunk": times.chunk,
        "chunkMax": times.chunk_max,
        "costPerItem": measured.cost_per_item,
    }


def _print(chunk: int | None, groups: list[Measured], prices: Mapping[str, Any]) -> None:
    screen = console(soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="bold")
    headings = ("group", "vCPU", "MiB", "items", "mean", "median", "longest", "chunk", "per 1,000")
    for heading in headings:
        table.add_column(heading, justify="right")
    for entry in groups:
        times = entry.times
        table.add_row(
            str(entry.group),
            f"{entry.vcpus:g}",
            f"{entry.memory_mib:,}",
            f"{times.count:,}",
            *(f"{seconds:.2f} s" for seconds in (times.mean, times.median, times.longest)),
            f"{times.chunk:,}-{times.chunk_max:,}",
            printable(f"{entry.cost_per_item * 1_000:.4f} {prices['currency']}"),
        )
    screen.print(table)
    now = "" if chunk is None else f"now {chunk:,} item{'s' if chunk > 1 else ''} to a child; "
    recommended = max(entry.times.chunk for entry in groups)
    screen.print(
        f"{now}recommended: flow.chunk: {recommended:,} (a child works {CHILD_S_MIN // 60} minutes "
        f"to {CHILD_S_MAX // HOUR_S} hours)"
    )
    screen.print(printable(f"prices of {prices['date']}: {prices['source']}"))
