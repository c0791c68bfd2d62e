"""A budget before a run: whether its jobs will have prices, and what the first steps cost."""

from __future__ import annotations

from pathlib import Path

from botocore.exceptions import ClientError

from batchrelay.aws_lambda.wiring import store
from batchrelay.domain.errors import PipelineNotFound
from batchrelay.domain.run_cost import about_usd, usd_text
from batchrelay.prices import Unknown, list_prices
from batchrelay.report.measurement import with_rates
from batchrelay_cli.client.estimate import Estimation
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.pipeline_file.document import Document
from batchrelay_cli.pipeline_file.problems import PipelineFileError
from batchrelay_cli.pipeline_file.read import PipelineFile
from batchrelay_cli.stack.client import Stack
from batchrelay_cli.stack.job_definitions import queues_of
from batchrelay_cli.terminal import say


def check_rates_here(file: PipelineFile) -> None:
    """On this machine only rates are prices. Raises: PipelineFileError."""
    budget = file.pipeline.budget
    if budget is None:
        return
    for number, step in enumerate(file.pipeline.steps):
        for queue in queues_of(file, step):
            if queue not in budget.rates:
                _unknown(file, number, queue, "this machine has no price")
    _raise(file)


def check_prices(stack: Stack, file: PipelineFile) -> None:
    """That each step of a pipeline with a budget has a price. Raises: PipelineFileError."""
    budget = file.pipeline.budget
    if budget is None:
        return
    estimation = _estimation(stack, file)
    for number, step in enumerate(file.pipeline.steps):
        for queue, reason in estimation.without_price(step):
            _unknown(file, number, queue, reason)
    _raise(file)


def check_before_start(stack: Stack, pipeline: str, version: int | None) -> None:
    """Refuse a start that would stop behind its first steps; warn of one that may.

    Raises: UsageProblem, with the figures.
    """
    file = _registered(stack, pipeline, version)
    if file is None or file.pipeline.budget is None:
        return
    try:
        _check_estimates(stack, file, file.pipeline.budget.usd)
    except ClientError as error:  # who may start a run may not be allowed to look at jobs
        say(f"its budget was not compared with earlier runs: {error}", err=True)


def _check_estimates(stack: Stack, file: PipelineFile, budget: float) -> None:
    estimation = _estimation(stack, file)
    for step in file.pipeline.order:
        problems = list(estimation.without_price(step))
        if problems:
            queue, reason = problems[0]
            raise UsageProblem(f"step {step.name}: {_sentence(queue, reason)}; then deploy it")
        cost = estimation.step(step).cost
        if step.needs or isinstance(cost, Unknown):
            continue
        figures = (
            f"step {step.name} alone would cost {about_usd(cost.amount)} "
            f"({usd_text(cost.low)} to {usd_text(cost.high)}), by its earlier runs; the budget of "
            f"a run is {usd_text(budget)}"
        )
        if cost.low > budget:
            raise UsageProblem(f"{figures}: write a larger budget, and deploy it")
        if cost.amount > budget:
            say(f"{figures}: the run may be PAUSED behind it", err=True)


def _estimation(stack: Stack, file: PipelineFile) -> Estimation:
    assert file.pipeline.budget is not None, file.path
    prices = with_rates(list_prices(), file.pipeline.budget)
    return Estimation(stack=stack, file=file, prices=prices, items={})


def _registered(stack: Stack, pipeline: str, version: int | None) -> PipelineFile | None:
    """What would be started; None if it cannot be read here, or is not there: the API says so."""
    pipelines = store(stack.outputs["TableName"], stack.make_client)
    try:
        number = version or pipelines.registered_version(pipeline)
        definition = pipelines.get_pipeline(pipeline, number)
    except (PipelineNotFound, ClientError):
        return None
    return PipelineFile(
        path=Path(pipeline), pipeline=definition, definitions=(), warnings=(), document=Document({})
    )


def _unknown(file: PipelineFile, number: int, queue: str, reason: str) -> None:
    file.document.wrong(("steps", number, "jobQueue"), _sentence(queue, reason))


def _sentence(queue: str, reason: str) -> str:
    rate = f"{{{queue}: {{vcpuHour: 0.03, gibHour: 0.004}}}}"
    return f"cost unknown ({reason}), so no budget can hold: write a rate: `budget.rates: {rate}`"


def _raise(file: PipelineFile) -> None:
    if file.document.errors:
        raise PipelineFileError(file.path, file.document.errors)
