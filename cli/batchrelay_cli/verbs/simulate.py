"""`batchrelay simulate FILE`: makespan, cost and timeline of a run that is not made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from batchrelay.domain.job_detail import Capacity
from batchrelay.report.cost import Pricing
from batchrelay_cli.client.estimate import ANY_STEP, parse_items
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.pipeline_file.overrides import requests_of
from batchrelay_cli.pipeline_file.read import PipelineFile, read
from batchrelay_cli.simulate.distributions import parse_distribution
from batchrelay_cli.simulate.made_items import BUCKET
from batchrelay_cli.simulate.outcome import outcome_of
from batchrelay_cli.simulate.play import play
from batchrelay_cli.simulate.scenario import (
    Scenario,
    by_name,
    check_scenario,
    parse_chance,
    parse_vcpus,
)
from batchrelay_cli.stack.job_definitions import known_text, queues_of
from batchrelay_cli.stack.local_setup import local_params
from batchrelay_cli.terminal import console
from batchrelay_cli.verbs.options import (
    echo_json,
    output_option,
    parse_params,
    prices_option,
    read_prices,
)
from batchrelay_cli.views.simulation import print_simulation, simulation_document

_V = TypeVar("_V")

STARTS = {"EC2": "10s", "FARGATE": "45s"}
"""From a place on a machine that runs to the program: assumptions. AWS promises neither."""

EVENT_DELAY = "2s"
"""An assumption: EventBridge, the batching window of a second (template.yaml), and Lambda."""


@click.command(
    epilog="Example: batchrelay simulate pipeline.yaml --items 10000 --vcpus 256 "
    "--duration 'lognormal(median=60s, sigma=0.5)'"
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--duration",
    "durations",
    multiple=True,
    metavar="[STEP=]D",
    help="Of an item; without items, of a child: 60s, constant(D), uniform(D, D), "
    "exponential(mean=D), lognormal(median=D, sigma=NUMBER).",
)
@click.option(
    "--items",
    multiple=True,
    metavar="[STEP=]N",
    help="How many items a list will have that is not known yet.",
)
@click.option(
    "--vcpus",
    multiple=True,
    metavar="[QUEUE=]N",
    help="How many there are: of all job queues together, or of one.",
)
@click.option("--spot", metavar="P", help="The chance that an attempt is reclaimed in an hour.")
@click.option(
    "--fail", multiple=True, metavar="[STEP=]P", help="The chance that an attempt of a child fails."
)
@click.option(
    "--start",
    metavar="D",
    help=f"How long jobs take to start: {STARTS['EC2']} on EC2 and {STARTS['FARGATE']} on Fargate.",
)
@click.option(
    "--event-delay",
    metavar="D",
    default=EVENT_DELAY,
    show_default=True,
    help="From the end of a job to its handler.",
)
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="A parameter.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option(
    "--region",
    envvar=["AWS_REGION", "AWS_DEFAULT_REGION"],
    default="us-east-1",
    show_default=True,
    help="Whose prices; AWS_REGION, if it is set.",
)
@click.option(
    "--instance-type", default="", metavar="TYPE", help="For costs of jobs on EC2: m5.large."
)
@prices_option
@output_option
def simulate(file: Path, output: str, **options: Any) -> None:
    """Play a run on virtual time: how long it takes, what it costs, what limits it.

    The engine and the local AWS Batch play it, without processes and without a network: nothing
    is deployed, nothing is asked for. The same seed plays the same run.
    """
    pipeline_file = read(file)
    scenario = _scenario(pipeline_file, options)
    check_scenario(pipeline_file.pipeline, scenario)
    _check_definitions(pipeline_file)
    pricing = _pricing(pipeline_file, scenario, options)
    params = _as_uploaded(pipeline_file, parse_params(options["params"]))
    played = play(pipeline_file.pipeline, pipeline_file.definitions, params, scenario)
    simulation = outcome_of(pipeline_file.pipeline, scenario, played, pricing)
    if output == "json":
        echo_json(simulation_document(simulation))
    else:
        print_simulation(simulation, console())


def _scenario(file: PipelineFile, options: Mapping[str, Any]) -> Scenario:
    """Raises: UsageProblem."""
    steps = [step.name for step in file.pipeline.steps]
    queues = _queues(file)
    vcpus = by_name("--vcpus", options["vcpus"], parse_vcpus, queues, "job queue")
    missing = [queue for queue in queues if not {queue, ANY_STEP} & vcpus.keys()]
    if missing or not vcpus:
        which = f" of job queue {missing[0]}" if vcpus else ""
        raise UsageProblem(f"it is not known how many vCPUs{which} there are: write --vcpus 256")
    start = options["start"]
    return Scenario(
        durations=by_name("--duration", options["durations"], parse_distribution, steps, "step"),
        items=parse_items(options["items"]),
        vcpus=vcpus,
        fail=by_name("--fail", options["fail"], parse_chance, steps, "step"),
        spot=_read("--spot", options["spot"] or "0", parse_chance),
        starts={
            platform: _read("--start", start or usual, parse_distribution)
            for platform, usual in STARTS.items()
        },
        event_delay=_read("--event-delay", options["event_delay"], parse_distribution),
        seed=options["seed"],
    )


def _read(option: str, text: str, parse: Callable[[str], _V]) -> _V:
    """One value of an option. Raises: UsageProblem."""
    return by_name(option, [text], parse, (), "name")[ANY_STEP]


def _queues(file: PipelineFile) -> list[str]:
    """The job queues of a file, as far as they are known before a run."""
    names = (name for step in file.pipeline.steps for name in queues_of(file, step))
    return list(dict.fromkeys(names))


def _check_definitions(file: PipelineFile) -> None:
    """That it is known what each job asks for. Raises: UsageProblem."""
    names = {definition["jobDefinitionName"] for definition in file.definitions}
    for step in file.pipeline.steps:
        for request in requests_of(step):
            name = (known_text(file, request["jobDefinition"]) or "").partition(":")[0]
            if name and name not in names:
                raise UsageProblem(
                    f"job definition {name} of step {step.name} is not in this file, so it is not "
                    "known what its jobs ask for: add it to jobDefinitions"
                )


def _pricing(file: PipelineFile, scenario: Scenario, options: Mapping[str, Any]) -> Pricing:
    capacity = Capacity(is_spot=scenario.spot > 0, instance_type=options["instance_type"])
    return Pricing(
        prices=read_prices(options["prices"]),
        region=options["region"],
        capacities=dict.fromkeys(_queues(file), capacity),
    )


def _as_uploaded(file: PipelineFile, params: Mapping[str, str]) -> dict[str, str]:
    """A local path of type s3uri as the URI that an upload gives it; nothing is uploaded."""
    paths = local_params(file.pipeline, params)
    return {
        name: f"s3://{BUCKET}/uploads/{name}/" if name in paths else value
        for name, value in params.items()
    }
