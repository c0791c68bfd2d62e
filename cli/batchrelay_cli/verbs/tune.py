"""`batchrelay tune RUN[/STEP]`: memory, vCPUs and items per child, by what items used."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from batchrelay.aws_lambda.wiring import objects, store
from batchrelay.domain.containers import merged_requests
from batchrelay.domain.errors import InputError
from batchrelay.domain.pipeline import Step
from batchrelay.domain.requests import results_of_round
from batchrelay.domain.sizing import NOTHING, Advice, Size, Split, Used, advise, split_by_size
from batchrelay.domain.values import manifest_uri
from batchrelay.ports import Objects
from batchrelay.preparation.chunk_size import Times
from batchrelay.preparation.measures import ItemMeasure, latest_measures
from batchrelay.prices import Estimate, Place, Platform, Prices, Unknown
from batchrelay_cli.client import Client
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.pipeline_file.edit import Edit
from batchrelay_cli.stack.access import open_stack
from batchrelay_cli.stack.client import Stack
from batchrelay_cli.stack.measured_container import measured_container
from batchrelay_cli.stack.requested_size import Asked, Requested, requested
from batchrelay_cli.terminal import console
from batchrelay_cli.verbs.options import (
    echo_json,
    output_option,
    prices_option,
    read_prices,
    stack_option,
)
from batchrelay_cli.views.run_table import StepDocument
from batchrelay_cli.views.tuning import BY_PREFIX, Tuning, print_tunings, tuning_document


@dataclass(frozen=True, kw_only=True)
class _Options:
    """What the command line says."""

    headroom: float
    prices: Prices
    instance_type: str


@click.command(epilog="Example: batchrelay tune kb50389d0b38db26e794e46fa/process")
@click.argument("step", metavar="RUN[/STEP]")
@stack_option
@click.option(
    "--headroom",
    type=click.FloatRange(1.0, 10.0),
    default=1.2,
    show_default=True,
    help="Memory over the 99th percentile of the items' peaks.",
)
@prices_option
@click.option(
    "--instance-type", default="", metavar="TYPE", help="For costs of jobs on EC2: m5.large."
)
@click.option(
    "--write",
    "file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Write what is recommended into this pipeline file; its comments stay.",
)
@output_option
def tune(
    step: str,
    stack_name: str,
    headroom: float,
    prices: Path | None,
    instance_type: str,
    file: Path | None,
    output: str,
) -> None:
    """Recommend memory, vCPUs and items per child, by what the items of a run used.

    It reads the result records that batchrelay-worker left, with the AWS settings of your
    environment: AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL of a local cloud.
    """
    run_id, slash, name = step.partition("/")
    if not run_id or (slash and not name):
        raise UsageProblem(f"{step!r}: write RUN or RUN/STEP")
    options = _Options(headroom=headroom, prices=read_prices(prices), instance_type=instance_type)
    with open_stack(stack_name) as stack:
        run = Client(stack).status(run_id)
        tunings = list(_tunings(stack, run, name, options))
    if not tunings:
        raise UsageProblem(f"{step}: there are no result records: {BY_PREFIX}")
    screen = console(soft_wrap=True, stderr=output == "json")
    if output == "json":
        echo_json([tuning_document(tuning) for tuning in tunings])
    else:
        print_tunings(screen, tunings)
    if file is not None:
        for line in _write(file, tunings):
            screen.print(line)


def _tunings(
    stack: Stack, run: Mapping[str, Any], name: str, options: _Options
) -> Iterator[Tuning]:
    names = [name] if name else [step["step"] for step in run["steps"]]
    pipelines = store(stack.outputs["TableName"], stack.make_client)
    for step in names:
        # the API says which steps there are
        document = Client(stack).step(run["runId"], step)
        definition = pipelines.get_pipeline(run["pipeline"], run["version"]).step(step)
        if document["results"] is not None:
            yield from _measured(stack, document, definition, options)
        elif name and _has_nodes(requested(stack.batch, definition.request)):
            raise UsageProblem(f"step {name} has several nodes, so it has no items to measure")


def _has_nodes(asked: Requested) -> bool:
    return any(one.container.node is not None for one in asked.containers)


def _measured(
    stack: Stack, document: StepDocument, step: Step, options: _Options
) -> Iterator[Tuning]:
    """Each group that has items, as its items took."""
    reader = objects(stack.make_client)
    by_group: dict[int, list[ItemMeasure]] = {}
    for item in latest_measures(reader, _folders(document)):
        if item.is_done or item.is_out_of_memory:
            by_group.setdefault(_group_of(document, item.number), []).append(item)
    sizes = {} if step.groups else _sizes(reader, document["manifest"])
    for group, items in sorted(by_group.items()):
        times = Times.of(item.seconds for item in items if item.is_done)
        if times is not None:
            asked = _asked(stack, step, group)
            place = _place(stack, items, asked, options)
            yield _tuning(document, group, items, times, asked, place, sizes, options)


def _folders(document: StepDocument) -> list[str]:
    """Of the result records of every round: a later one has only the items that ran again."""
    rounds = {job["round"] for job in document["jobs"]}
    return [
        results_of_round(document["results"], document["round"], number)
        for number in sorted(rounds)
    ]


def _tuning(
    document: StepDocument,
    group: int,
    items: list[ItemMeasure],
    times: Times,
    asked: Requested,
    place: Place,
    sizes: Mapping[int, int],
    options: _Options,
) -> Tuning:
    used = [_used(item, sizes) for item in items]
    measured = measured_container(asked)
    own = None if isinstance(measured, str) else measured
    advice, split = _advised(used, asked, own, options)
    seconds = sum(item.seconds for item in items)
    children = sum(job["children"] for job in _first_round(document) if job["group"] == group)
    advised = asked.size if own is None or advice is None else asked.size_with(own, advice.size)
    return Tuning(
        step=document["step"],
        group=group,
        container=None if own is None else own.container,
        now=asked.size if own is None else own.size,
        is_fargate=asked.platform is Platform.FARGATE,
        times=times,
        chunk=document["chunk"],
        other_requirements=asked.others,
        container_mib=max((item.container_mib or 0 for item in items), default=0) or None,
        advice=advice,
        no_advice=measured if isinstance(measured, str) else None,
        split=split,
        item_cost=_cost(options.prices, place, asked.size, times.mean, 0),
        run_cost=_cost(options.prices, place, asked.size, seconds, children),
        advised_cost=_cost(options.prices, place, advised, seconds, children),
    )


def _advised(
    used: list[Used], asked: Requested, own: Asked | None, options: _Options
) -> tuple[Advice | None, Split | None]:
    """What the container that was measured should have; nothing if it is unclear which one was."""
    if own is None:
        return None, None
    how: dict[str, Any] = {
        "now": own.size,
        "is_fargate": asked.platform is Platform.FARGATE,
        "headroom": options.headroom,
        "beside": asked.size_with(own, NOTHING),
    }
    return advise(used, **how), split_by_size(used, **how)


def _cost(
    prices: Prices, place: Place, size: Size, seconds: float, attempts: int
) -> Estimate | Unknown:
    return prices.cost_of(
        seconds=seconds,
        vcpus=size.vcpus,
        memory_mib=size.memory_mib,
        place=place,
        attempts=attempts,
    )


def _used(item: ItemMeasure, sizes: Mapping[int, int]) -> Used:
    return Used(
        seconds=item.seconds,
        peak_mib=item.peak_mib,
        cpu_s=item.cpu_s,
        tries=item.tries,
        is_out_of_memory=item.is_out_of_memory,
        size=sizes.get(item.number),
    )


def _sizes(reader: Objects, manifest: str | None) -> dict[int, int]:
    """`item.size` of the items that have one, by number; nothing if the list is gone."""
    if manifest is None:
        return {}
    sizes: dict[int, int] = {}
    try:
        body = b"".join(reader.read(manifest_uri(manifest, 0)))
        for number, line in enumerate(body.splitlines()):
            item = json.loads(line)
            size = item.get("size") if isinstance(item, dict) else None
            if isinstance(size, int) and not isinstance(size, bool):
                sizes[number] = size
    except (InputError, ValueError, RecursionError):
        return {}
    return sizes


def _first_round(document: StepDocument) -> list[Mapping[str, Any]]:
    """Its jobs: the items of a later round are of the first."""
    first = min((job["round"] for job in document["jobs"]), default=0)
    return [job for job in document["jobs"] if job["round"] == first]


def _group_of(document: StepDocument, item: int) -> int:
    """Of an item, by its number: workers that receive from a queue have one group."""
    if document["chunk"] is None:
        return 0
    child, first = item // document["chunk"], 0
    for job in _first_round(document):
        first += job["children"]
        if child < first:
            return int(job["group"])
    return 0


def _place(stack: Stack, items: list[ItemMeasure], asked: Requested, options: _Options) -> Place:
    """Where most items ran; where their records do not say, where this command looks."""
    regions = Counter(item.region for item in items if item.region)
    archs = Counter(item.arch for item in items if item.arch)
    return Place(
        region=regions.most_common(1)[0][0] if regions else stack.batch.meta.region_name,
        platform=asked.platform,
        arch=archs.most_common(1)[0][0] if archs else "x86_64",
        instance_type=options.instance_type,
        queue=asked.queue,
    )


def _asked(stack: Stack, step: Step, group: int) -> Requested:
    """What one child of a group asks for."""
    request: Mapping[str, Any] = step.request
    if group < len(step.groups):
        request = merged_requests(step.request, step.groups[group].overrides)
    return requested(stack.batch, request)


def _write(file: Path, tunings: list[Tuning]) -> Iterator[str]:
    """Write what is recommended; say what was, and what was not."""
    groups = Counter(tuning.step for tuning in tunings)
    for tuning in tunings:
        if groups[tuning.step] > 1:
            yield f"{file}: step {tuning.step} has groups: write their sizes by hand"
            continue
        edit = Edit(file, tuning.step)
        if tuning.advice is not None and tuning.container_name:
            name = tuning.container_name
            yield f"{file}: step {tuning.step}: write the size of container {name} by hand"
        elif tuning.advice is not None:
            size = tuning.advice.size
            amounts = {"VCPU": f"{size.vcpus:g}", "MEMORY": str(size.memory_mib)}
            edit.set_requirements({**amounts, **tuning.other_requirements})
        if not tuning.is_chunk_fitting:
            edit.set_chunk(tuning.times.chunk)
        is_changed = edit.save()
        yield f"{file}: step {tuning.step} {'is changed' if is_changed else 'stays as it is'}"
