"""`batchrelay plan FILE`: what a run would do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from batchrelay.domain.array_split import known_item_count
from batchrelay.domain.failures import RetryFailed, Tolerate
from batchrelay.domain.limits import ARRAY_SIZE_MAX, PARTS_MAX
from batchrelay.domain.n_to_n_chains import outputs_to_skip
from batchrelay.domain.pipeline import (
    ForEach,
    InlineItems,
    ListFile,
    Listing,
    Matrix,
    Pipeline,
    Step,
)
from batchrelay.domain.values import counted
from batchrelay_cli.client.estimate import estimated, parse_items
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.pipeline_file.read import PipelineFile, read
from batchrelay_cli.stack.access import open_stack
from batchrelay_cli.terminal import say
from batchrelay_cli.verbs.options import (
    echo_json,
    output_option,
    prices_option,
    read_prices,
    stack_option,
)
from batchrelay_cli.views.estimate import estimate_document, estimate_lines
from batchrelay_cli.views.graph import mermaid, size_of, source_of, svg
from batchrelay_cli.views.plan import plan_document

TO_STDOUT = "-"


@click.command(epilog="Example: batchrelay plan examples/word-count/pipeline.yaml --graph")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--graph",
    is_flag=False,
    flag_value=TO_STDOUT,
    metavar="[OUT.svg]",
    help="The graph only: as Mermaid, or as a picture in a file.",
)
@click.option("--estimate", is_flag=True, help="What a run would cost, by the last runs' times.")
@click.option(
    "--items",
    multiple=True,
    metavar="[STEP=]N",
    help="For --estimate: how many items a list will have that is not known yet.",
)
@prices_option
@stack_option
@output_option
def plan(file: Path, graph: str | None, output: str, estimate: bool, **options: Any) -> None:
    """Dry run: the steps, the sizes that are known, the calls, what is decided later.

    With --estimate it asks the stack for the last runs of the pipeline, with the AWS settings of
    your environment.
    """
    if graph is not None and estimate:
        raise UsageProblem("--graph and --estimate exclude each other: write one of them")
    if options["items"] and not estimate:
        raise UsageProblem("--items is for --estimate: write both")
    items, prices = parse_items(options["items"]), read_prices(options["prices"])
    pipeline_file = read(file)
    cost = None
    if estimate:
        with open_stack(options["stack_name"]) as stack:
            cost = estimated(stack, pipeline_file, prices, items)
    if graph == TO_STDOUT:
        say(mermaid(pipeline_file.pipeline).rstrip("\n"), keep="\n")
    elif graph is not None:
        if not graph.endswith(".svg"):
            raise UsageProblem(f"--graph {graph}: the picture is an SVG: name it OUT.svg")
        try:
            Path(graph).write_text(svg(pipeline_file.pipeline))
        except OSError as error:
            raise UsageProblem(f"--graph {graph}: {error.strerror}") from None
        say(f"wrote {graph}")
    elif output == "json":
        document = plan_document(pipeline_file)
        echo_json(document if cost is None else {**document, "estimate": estimate_document(cost)})
    else:
        _print(pipeline_file)
        for line in () if cost is None else estimate_lines(cost):
            say(line)


def _print(file: PipelineFile) -> None:
    pipeline = file.pipeline
    for warning in file.warnings:
        say(warning.render(file.path))
    say(f"pipeline {pipeline.name}")
    for param in pipeline.params:
        value = "must be given" if param.default is None else f"default {param.default}"
        about = f"  ({param.description})" if param.description else ""
        say(f"  param {param.name}: {value}{about}")
    for number, step in enumerate(pipeline.order, start=1):
        after = f" after {', '.join(step.needs)}" if step.needs else ""
        say(f"  {number}. {step.name}{after}: {size_of(step)}")
        for line in [*_left_out(pipeline, step), *_later(step)]:
            say(f"       {line}")
    for rule in pipeline.notify:
        say(f"  notice to {rule.topic} on {', '.join(sorted(rule.on))}")
    say(_calls(pipeline))


def _left_out(pipeline: Pipeline, step: Step) -> Iterator[str]:
    outputs = list(outputs_to_skip({other.name: other for other in pipeline.steps}, step))
    if len(outputs) > 1:
        outputs = [f"all of {', '.join(dict.fromkeys(outputs))}"]
    yield from (f"without the items whose output is there: {output}" for output in outputs)


def _later(step: Step) -> Iterator[str]:
    if step.is_finally:
        yield "when all ordinary steps have ended, whatever became of them"
    if step.when is not None:
        yield f"only when {step.when}"
    if step.n_to_n_needs:
        yield f"child i waits for child i of {', '.join(sorted(step.n_to_n_needs))} only (N_TO_N)"
    if step.sequential:
        yield "child i waits for child i - 1 (SEQUENTIAL)"
    for group in step.groups:
        which = f"with {group.when}" if group.when else "left"
        yield f"items {which}: {json.dumps(group.overrides)}"
    yield from _after_failures(step)
    if step.aggregate is not None:
        yield f"until one output is left, which is {step.output}"
    elif step.for_each is not None:
        if isinstance(step.for_each, InlineItems | Matrix):
            yield f"{counted(known_item_count(step.for_each), 'items')}: {source_of(step.for_each)}"
        else:
            yield f"decided when it starts: the length of {_where(step.for_each)}"
        if step.workers is None:
            yield (
                f"0 items skip it, 1 child is a plain job, 2 to {ARRAY_SIZE_MAX:,} are an array, "
                f"more are several, up to {PARTS_MAX}"
            )


def _after_failures(step: Step) -> Iterator[str]:
    if step.canary is not None:
        of = " of each group" if step.groups else ""
        first = f"{counted(step.canary, 'items')}{of}"
        they = "it fails" if step.canary == 1 and not of else "they fail"
        yield f"canary: {first} first; if {they}, the rest never begins"
    if step.retry_failed is not None:
        yield _again(step.retry_failed)
    if step.tolerate is not None:
        yield _tolerance(step.tolerate)
    if step.fail_fast:
        yield "stopped once more items failed than it tolerates"


def _again(retry: RetryFailed) -> str:
    which = f" with {', '.join(sorted(retry.when))}" if retry.when else ""
    memory = f", memory x{retry.memory_factor:g} for OutOfMemory" if retry.memory_factor else ""
    rounds = counted(retry.rounds, "rounds")
    changed = f": {json.dumps(retry.overrides)}" if retry.overrides else ""
    return f"failed items{which} run again, {rounds} at most{memory}{changed}"


def _tolerance(tolerate: Tolerate) -> str:
    most = f"{tolerate.percent:g} %" if tolerate.count is None else f"{tolerate.count:,}"
    return f"PARTIAL, not FAILED, with {most} of its items failed or less"


def _jobs(step: Step) -> int:
    """Of a group: one for each round, and one for a canary."""
    return (
        1
        + (step.canary is not None)
        + (step.retry_failed.rounds if step.retry_failed is not None else 0)
    )


def _where(each: ForEach) -> str:
    match each:
        case ListFile():
            return f"{each.items} of {each.file}" if each.items else each.file
        case Listing():
            return (
                f"the listing of {each.prefix}{each.match}{'…' if each.suffix else ''}{each.suffix}"
            )
        case _:
            return source_of(each)


def _calls(pipeline: Pipeline) -> str:
    fan_outs = sum(step.has_items for step in pipeline.steps)
    submits = sum((len(step.groups) + 1) * _jobs(step) for step in pipeline.steps)
    writes = 1 + 2 * submits + fan_outs + len(pipeline.notify)
    levels = [step.name for step in pipeline.steps if step.aggregate is not None]
    more = f", and 1 SubmitJob, 3 writes, 2 PUTs for each further level of {', '.join(levels)}"
    return (
        f"calls: at most {submits} SubmitJob, {writes} writes of the run (more only where writers "
        f"meet), {2 * fan_outs} PUTs of manifests{more if levels else ''}; none grows with "
        f"children, but for one SubmitJob for {ARRAY_SIZE_MAX:,}"
    )
