"""The tools that change nothing. A docstring is what a language model reads of a tool."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import anyio
from anyio.to_thread import run_sync
from pydantic import Field

from batchrelay.domain.run import RunStatus
from batchrelay.prices import list_prices
from batchrelay_cli.client import Client
from batchrelay_cli.client.api import POLL_S
from batchrelay_cli.client.estimate import estimated
from batchrelay_cli.client.report import collected
from batchrelay_cli.client.waiting import waiting_of
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.mcp_server.answers import data, last_lines, refusals
from batchrelay_cli.pipeline_file.read import read
from batchrelay_cli.stack.access import open_stack
from batchrelay_cli.stack.client import LOG_LINES_MAX
from batchrelay_cli.views.child_log import child_job, child_log
from batchrelay_cli.views.estimate import estimate_document
from batchrelay_cli.views.plan import plan_document
from batchrelay_cli.views.waiting import waiting_document

WAIT_S_MAX = 50
"""Seconds of one call: clients of the protocol give up after 60 by default."""

FAILED_CHILDREN_MAX = 20
"""Of a step, in a report: the causes say how many there are."""

PIPELINE_FILE_ENDINGS = (".yaml", ".yml", ".json")
"""No other file is read: an error of a file quotes it."""

RunId = Annotated[str, Field(description="The run's id, such as kb50389d0b38db26e794e46fa.")]
StepName = Annotated[str, Field(description="The step's name, as run_status has it.")]
ParamValues = dict[str, str | int | float | bool]
PipelineFilePath = Annotated[
    str, Field(description="Path of the pipeline file on this machine: .yaml, .yml or .json.")
]


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What can be asked of a stack; each call finds it anew, as each command does."""

    stack_name: str

    @contextmanager
    def client(self) -> Iterator[Client]:
        """Raises: ToolError, also for what is done with it."""
        with refusals(), open_stack(self.stack_name) as stack:
            yield Client(stack)

    def list_pipelines(self) -> dict[str, Any]:
        """List the pipelines that may be started, with their versions."""
        with self.client() as client:
            return dict(data({"pipelines": client.pipelines()}))

    def list_runs(
        self,
        pipeline: Annotated[str | None, Field(description="Only runs of this pipeline.")] = None,
        status: Annotated[RunStatus | None, Field(description="Only runs with it.")] = None,
        limit: Annotated[int, Field(ge=1, le=200, description="Runs of a page.")] = 20,
        after: Annotated[
            str | None, Field(description="`next` of the page before, for the next page.")
        ] = None,
    ) -> dict[str, Any]:
        """List runs, the newest first: id, pipeline, status, start, cost. Begin here to find a
        run."""
        with self.client() as client:
            return dict(data(client.runs(pipeline, status=status, limit=limit, after=after)))

    def run_status(
        self,
        run: RunId,
        step: Annotated[
            str | None, Field(description="Only this step, when the whole run is too long.")
        ] = None,
    ) -> dict[str, Any]:
        """Show a run: its status, its parameters, and of each step the status, counts of children
        and items, the reason, and its AWS Batch jobs. isOpen is false when it has ended."""
        with self.client() as client:
            return dict(data(client.step(run, step) if step else client.status(run)))

    def run_history(self, run: RunId) -> dict[str, Any]:
        """List what happened in a run, in order of time."""
        with self.client() as client:
            return dict(data(client.history(run)))

    def run_failures(
        self,
        run: RunId,
        step: Annotated[str | None, Field(description="Only failures of this step.")] = None,
    ) -> dict[str, Any]:
        """Show why items of a run failed: for each step its causes (class, exit code, reason, how
        often), and of each cause one item with the end of its log. The first thing to ask of a
        run that is FAILED or PARTIAL."""
        with self.client() as client:
            return dict(data(client.step_failures(run, step) if step else client.failures(run)))

    def child_log(
        self,
        run: RunId,
        step: StepName,
        number: Annotated[
            int | None,
            Field(
                ge=0,
                description="The item's number, or the child's index. Without it, the "
                "first child that failed.",
            ),
        ] = None,
        round_number: Annotated[
            int | None, Field(ge=0, description="Of this round, by the index within it.")
        ] = None,
        lines: Annotated[int, Field(ge=1, le=LOG_LINES_MAX, description="The last so many.")] = 100,
    ) -> dict[str, Any]:
        """Read the last lines that one child of a step printed, of its latest attempt. `why` says
        why there are none."""
        with self.client() as client:
            document, one = client.status(run), client.step(run, step)
            child = child_job(client.stack, document, one, number, round_number)
            printed = child_log(client.stack, document, child, lines)
        shown = last_lines(printed.log.lines)
        is_cut = printed.log.is_cut or len(shown) < len(printed.log.lines)
        about = {**printed.document, "isCut": is_cut, "why": printed.why, "lines": []}
        return {**data(about), "lines": shown}

    def why_waiting(self, run: RunId) -> dict[str, Any]:
        """Show why jobs of an open run do not start: of each step none of whose jobs runs, its
        place in the job queue, the reasons, and what to do about each. `notes` names permissions
        that would show more."""
        with self.client() as client:
            waiting = waiting_of(client.stack, client.status(run), datetime.now(UTC))
        documents = [waiting_document(one) for one in waiting.jobs]
        return dict(data({"waiting": documents, "notes": waiting.notes}))

    def run_report(self, run: RunId) -> dict[str, Any]:
        """Show what is measured of a run: times, waiting, memory and CPU used and asked for, the
        slowest children, the cost, and what to do next. It asks AWS Batch for every child, so it
        takes a while for thousands."""
        with self.client() as client:
            document = collected(client.stack, client.status(run), list_prices())
        for step in document["steps"]:
            del step["columns"]  # a value of every child
            if step["measured"] is not None:
                del step["measured"]["curve"]
                step["measured"]["failed"] = step["measured"]["failed"][:FAILED_CHILDREN_MAX]
        return dict(data(document))

    def plan_pipeline(
        self,
        file: PipelineFilePath,
        *,
        estimate: Annotated[
            bool, Field(description="Also what a run would cost, by the last runs' times.")
        ] = False,
    ) -> dict[str, Any]:
        """Check a pipeline file, and show what a run would do: its steps in order, their sizes,
        its parameters. Of a file with mistakes every one is named, with its line and what to
        write instead. Nothing changes."""
        with refusals():
            pipeline_file = read(pipeline_path(file))
            document = plan_document(pipeline_file)
        if estimate:
            with self.client() as client:
                cost = estimated(client.stack, pipeline_file, list_prices(), {})
                document["estimate"] = estimate_document(cost)
        return dict(data(document))

    def redrive_plan(
        self,
        run: RunId,
        step: Annotated[str | None, Field(description="Only of this step.")] = None,
        classes: Annotated[
            list[str] | None, Field(description="Only failures of these classes.")
        ] = None,
    ) -> dict[str, Any]:
        """Show what would run again of a run that has ended, if it were redriven. Nothing
        changes."""
        with self.client() as client:
            return dict(data(client.redrive_plan(run, step=step, classes=classes or ())))

    async def wait_for_run(
        self,
        run: RunId,
        timeout_s: Annotated[
            float, Field(ge=0, le=WAIT_S_MAX, description="Seconds to wait at most.")
        ] = 30,
    ) -> dict[str, Any]:
        """Wait until a run has ended, and show it as run_status does. After timeout_s seconds it
        is shown as it is, with isOpen true: call again to go on waiting."""
        begun_at = time.monotonic()
        while True:
            document = await run_sync(self.run_status, run)
            is_over = time.monotonic() - begun_at + POLL_S > timeout_s
            if is_over or not document["isOpen"]:
                return document
            await anyio.sleep(POLL_S)


def pipeline_path(file: str) -> Path:
    """Raises: UsageProblem."""
    if not file.endswith(PIPELINE_FILE_ENDINGS):
        raise UsageProblem(f"{file}: a pipeline file ends with {', '.join(PIPELINE_FILE_ENDINGS)}")
    try:
        target = Path(os.path.realpath(file))  # a link's name says nothing of what it leads to
    except ValueError:  # NUL
        raise UsageProblem(f"{file} is not a path") from None
    if target.suffix not in PIPELINE_FILE_ENDINGS:
        raise UsageProblem(f"{file} is a link to a file of another kind: name the pipeline file")
    if target.exists() and not target.is_file():  # a pipe would be waited for
        raise UsageProblem(f"{file} is not a file")
    return Path(file)
