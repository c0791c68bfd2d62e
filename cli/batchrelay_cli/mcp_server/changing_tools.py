"""The tools that change something: each is there only if `--allow` names it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from batchrelay_cli.client.budget_check import check_before_start
from batchrelay_cli.mcp_server.answers import data, refusals
from batchrelay_cli.mcp_server.tools import (
    ParamValues,
    PipelineFilePath,
    RunId,
    Tools,
    pipeline_path,
)


@dataclass(frozen=True, kw_only=True)
class ChangingTools:
    """What can be changed in a stack."""

    tools: Tools

    def start_run(
        self,
        pipeline: Annotated[str, Field(description="Its name, as list_pipelines has it.")],
        key: Annotated[
            str,
            Field(
                min_length=1,
                description="One key never starts two runs of a pipeline. Choose one for this "
                "wish, such as 2026-01-31-all-samples, and send the same again if an answer is "
                "lost.",
            ),
        ],
        params: Annotated[
            ParamValues | None, Field(description="The run's parameters; s3uri takes s3:// URIs.")
        ] = None,
        version: Annotated[
            int | None, Field(ge=1, description="Not the version that is registered, but this.")
        ] = None,
    ) -> dict[str, Any]:
        """Start a run of a pipeline: it submits AWS Batch jobs, which cost money. isNew is false
        if the key had started it before."""
        with self.tools.client() as client:
            check_before_start(client.stack, pipeline, version)
            started = client.start(pipeline, params, key=key, version=version)
        return dict(data({"isNew": started.is_new, "run": started.run}))

    def redrive_run(
        self,
        run: RunId,
        step: Annotated[str | None, Field(description="Only of this step.")] = None,
        classes: Annotated[
            list[str] | None, Field(description="Only failures of these classes.")
        ] = None,
        memory: Annotated[str | None, Field(description="Such as x2: times the memory.")] = None,
        queue: Annotated[str | None, Field(description="Another job queue.")] = None,
        params: Annotated[
            ParamValues | None, Field(description="Parameters that have another value from now on.")
        ] = None,
    ) -> dict[str, Any]:
        """Run again what failed in a run that has ended, and what depends on it. It submits AWS
        Batch jobs, which cost money; redrive_plan shows before what would run."""
        with self.tools.client() as client:
            document = client.redrive(
                run, step=step, classes=classes or (), memory=memory, queue=queue, params=params
            )
        return dict(data(document))

    def cancel_run(
        self,
        run: RunId,
        reason: Annotated[str, Field(min_length=1, description="Why; it is kept with the run.")],
        *,
        stop_finally: Annotated[bool, Field(description="Stop its finally steps, too.")] = False,
    ) -> dict[str, Any]:
        """Stop a run and terminate every AWS Batch job that it started: work in progress is lost.
        Nothing happens to a run that has ended."""
        with self.tools.client() as client:
            document = client.cancel(run, reason=reason, stops_finally=stop_finally)
        return dict(data(document))

    def resume_run(
        self,
        run: RunId,
        budget_usd: Annotated[float, Field(gt=0, description="What it may cost in all, in USD.")],
    ) -> dict[str, Any]:
        """Let a run go on that is PAUSED at its budget, with another budget: it spends more
        money."""
        with self.tools.client() as client:
            return dict(data(client.resume(run, budget_usd=budget_usd)))

    def register_pipeline(
        self,
        file: PipelineFilePath,
        *,
        plan: Annotated[bool, Field(description="Only show what would change.")] = False,
    ) -> dict[str, Any]:
        """Register the pipeline of a file, its AWS Batch job definitions and its triggers: later
        runs are of the new version. What is changed is listed; the same content changes
        nothing. Check the file with plan_pipeline before."""
        with refusals():
            path = pipeline_path(file)
        with self.tools.client() as client:
            registration = client.register(path, is_plan=plan)
        return dict(data({"changes": registration.changes, "warnings": registration.warnings}))
