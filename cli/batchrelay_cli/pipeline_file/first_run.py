"""What a start would refuse, as far as the file decides it: the core's own check, at its lines."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from batchrelay.domain.errors import InvalidParams, ParamsTooLong
from batchrelay.domain.pipeline import Pipeline
from batchrelay.domain.run import Run
from batchrelay.domain.start_check import start_problems
from batchrelay.domain.variables import check_trigger_variables, resolve_params, run_variables
from batchrelay_cli.pipeline_file.document import Document

STAND_INS: Mapping[str, str] = {"bucket": "b", "topicArn": "arn:"}
"""The stack's values, shorter than any can be: what is too long with them is too long."""


def planned_run(pipeline: Pipeline, params: Mapping[str, str]) -> Run:
    """A run that is not started, of stand-ins for what only a stack knows.

    Raises: InvalidParams.
    """
    now = datetime.now(UTC)
    variables = run_variables("r", now, STAND_INS)
    values = resolve_params(pipeline, params, variables)
    check_trigger_variables(pipeline, variables)
    return Run(id="r", pipeline=pipeline, params=values, environment=STAND_INS, started_at=now)


def check_first_run(document: Document, pipeline: Pipeline) -> None:
    """Note what is wrong with a run that is given nothing; a warning if it could be given more."""
    try:
        run = planned_run(pipeline, {})
    except ParamsTooLong as error:
        document.warn(("params",), f"a start with the parameters' defaults is refused: {error}")
        return
    except InvalidParams:  # a parameter must be given, or a trigger gives it
        return
    numbers = {step.name: number for number, step in enumerate(pipeline.steps)}
    for problem in start_problems(run):
        place = ("notify",) if problem.step is None else ("steps", numbers[problem.step])
        if pipeline.params:
            document.warn(place, f"a start with the parameters' defaults is refused: {problem}")
        else:
            document.wrong(place, problem.message)
