"""`batchrelay run FILE`: the pipeline on the local cloud, from start to notice.

The run is started as `start` does, and shown by the document that `status` shows. The document is
made in this process, and not by the API's function, because it is looked at four times a second:

- The function keeps an answer of AWS Batch for 5 seconds, so that many who watch a run in an
  account cost few calls. Here counts would stand still for so long; so they are 0.25 s old.
- A look took 66 ms by the function and 19 ms so, on two busy cores, which the jobs need.
- Each look would be an invocation among those of the run, whose number and cost are measured here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from batchrelay.aws_lambda.wiring import new_run_id, run_reader, store
from batchrelay.domain.errors import InvalidParams, InvalidStart
from batchrelay.domain.pipeline import Param, ParamType
from batchrelay.domain.start_check import check_start
from batchrelay.domain.step_state import StepStatus
from batchrelay.domain.values import printable
from batchrelay.prices import list_prices
from batchrelay.report.page import page
from batchrelay_cli.client import Client
from batchrelay_cli.client.budget_check import check_rates_here
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.pipeline_file.first_run import planned_run
from batchrelay_cli.pipeline_file.read import PipelineFile, read
from batchrelay_cli.stack.client import (
    LOG_LINES_MAX,
    Downloaded,
    FunctionFailedError,
    Log,
    Stack,
    local_client_factory,
)
from batchrelay_cli.stack.local_lifetime import end_with, stay
from batchrelay_cli.stack.local_setup import (
    check_runs_here,
    is_local_path,
    local_params,
    not_uploaded,
    prepare_pipeline,
    upload_params,
)
from batchrelay_cli.stack.without_effect import without_effect
from batchrelay_cli.terminal import console, cut_line
from batchrelay_cli.verbs.local import exports
from batchrelay_cli.verbs.options import (
    echo_json,
    exit_code,
    output_option,
    params_option,
    parse_params,
)
from batchrelay_cli.verbs.report import check_report_path, collected_on_screen, write_report
from batchrelay_cli.views.failure import Failure
from batchrelay_cli.views.notice import notice_lines, run_id_of
from batchrelay_cli.views.run_table import (
    Display,
    LineDisplay,
    RunDocument,
    TableDisplay,
    seconds_text,
)
from batchrelay_local.launch import CloudError, LocalCloud

POLL_S = 0.25
"""Seconds between two looks at the run."""

RECONCILE_S = 1.0
"""Seconds between two calls of reconcile while faults are injected."""

NOTICE_WAIT_S = 5
"""Seconds to wait for a notice that SNS accepted."""

REFUSED_SHOWN_MAX = 20
"""Objects that could not be downloaded and are named; all are counted."""


@click.command(
    epilog="Example: batchrelay run examples/word-count/pipeline.yaml "
    "--param source=examples/word-count/texts"
)
@click.argument("file", type=click.Path(path_type=Path))
@params_option
@click.option("--keep", is_flag=True, help="Leave the cloud up afterwards, until Ctrl-C.")
@click.option(
    "--download", type=click.Path(path_type=Path, file_okay=False), help="Fetch the outputs here."
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.html",
    help="Write the run's report: one HTML file.",
)
@click.option(
    "--chaos",
    default="",
    metavar="seed=N[,FAULT=P]",
    help="Play faults of AWS, drawn from a seed: lost, doubled and late events.",
)
@click.option(
    "--port",
    default=0,
    type=click.IntRange(0, 65_535),
    help="Port of the local cloud; a free one by default.",
)
@output_option
def run(file: Path, params: tuple[str, ...], keep: bool, **options: Any) -> None:
    """Run a pipeline here, on the local cloud: no account, no Docker."""
    values = parse_params(params)
    pipeline_file = read(file)
    check_params(pipeline_file, values)
    check_runs_here(pipeline_file)
    check_rates_here(pipeline_file)
    download: Path | None = options["download"]
    if download is not None:
        check_download(pipeline_file, download)
    page_path: Path | None = options["report"]
    if page_path is not None:
        check_report_path(page_path)
    screen = console(stderr=options["output"] == "json", soft_wrap=True)
    for warning in pipeline_file.warnings:
        screen.print(warning.render(file))
    unused = without_effect(pipeline_file)
    if unused is not None:
        screen.print(unused)
    cloud = _cloud(file.resolve().parent, options["port"], options["chaos"], screen)
    end_with(cloud, screen)
    try:
        session = LocalRun.prepare(cloud, pipeline_file, screen)
        document = session.play(values, reconcile=bool(options["chaos"]))
        report = session.report(document)
        is_incomplete = False
        if page_path is not None:
            session.write_page(document, page_path)
        if download is not None:
            is_incomplete = not session.download(document, download)
        if options["output"] == "json":
            echo_json(report)
        if keep:
            _stay(cloud, screen)
    except FunctionFailedError as error:
        raise UsageProblem(str(error)) from None
    finally:
        cloud.stop()
    raise SystemExit(exit_code(document["status"]) or int(is_incomplete))


def _cloud(directory: Path, port: int, chaos: str, screen: Console) -> LocalCloud:
    start_s = time.monotonic()
    try:
        cloud = LocalCloud.start(directory=directory, port=port, chaos=chaos)
    except CloudError as error:
        raise UsageProblem(str(error)) from None
    screen.print(f"local cloud at {cloud.endpoint} ({time.monotonic() - start_s:.1f} s)")
    return cloud


def check_download(file: PipelineFile, folder: Path) -> None:
    """That there is something to fetch, and a place for it, before hours are spent."""
    outputs = [step.output for step in file.pipeline.steps if step.output is not None]
    if not outputs:
        raise UsageProblem("--download: no step has a flow.output to fetch")
    for output in outputs:
        if not output.startswith(("s3://", "${")):
            raise UsageProblem(f"--download: flow.output {output!r} is not an S3 URI")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageProblem(f"--download {folder}: {error.strerror}") from None


def check_params(file: PipelineFile, values: Mapping[str, str]) -> None:
    """Everything that is wrong with the parameters, before anything is started."""
    upload_names = local_params(file.pipeline, values)
    stand_ins = {
        name: "s3://b/k" if name in upload_names else value for name, value in values.items()
    }
    by_name = {param.name: param for param in file.pipeline.params}
    for name, value in values.items():
        if name in by_name and _is_missing_path(by_name[name], value):
            raise UsageProblem(
                f"parameter {name}: {value!r} is neither an S3 URI nor an existing local path"
            )
    try:
        check_start(planned_run(file.pipeline, stand_ins))
    except (InvalidParams, InvalidStart) as error:
        hints = list(not_uploaded(file.pipeline, values))
        raise UsageProblem("; ".join([str(error), *hints])) from None


def _is_missing_path(param: Param, value: str) -> bool:
    looks_local = param.type is ParamType.S3URI and "://" not in value
    return looks_local and not is_local_path(value)


@dataclass(kw_only=True)
class LocalRun:
    """One run on one local cloud."""

    stack: Stack
    read_run: Callable[[str], RunDocument]
    file: PipelineFile
    version: int
    console: Console
    notices_queue: str

    @classmethod
    def prepare(cls, cloud: LocalCloud, file: PipelineFile, console: Console) -> LocalRun:
        """Queues, job definitions, the pipeline itself, an ear for notices."""
        factory = local_client_factory(cloud.environment)
        stack = Stack(make_client=factory, outputs=cloud.outputs)
        pipelines = store(cloud.outputs["TableName"], factory)
        version = pipelines.register(prepare_pipeline(stack, file), datetime.now(UTC))
        return cls(
            stack=stack,
            read_run=run_reader(cloud.outputs["TableName"], factory),
            file=file,
            version=version,
            console=console,
            notices_queue=stack.subscribe(),
        )

    def play(self, values: Mapping[str, str], *, reconcile: bool) -> RunDocument:
        """Start the run and show it until it has ended and its notices are out.

        With `reconcile`, or once its deadline has passed, reconcile is called every RECONCILE_S
        instead of every few minutes.
        """
        params = self._uploaded(values)
        name = self.file.pipeline.name
        run_id = Client(self.stack).start(name, params, version=self.version).run["runId"]
        self.console.print(f"run {run_id} of pipeline {name}")
        display: Display = (
            TableDisplay(self.console) if self.console.is_terminal else LineDisplay(self.console)
        )
        reconciled_at = time.monotonic()
        with display:
            while True:
                run = self.read_run(run_id)
                display.show(run)
                if not run["isOpen"] or _waits_for_a_person(run):
                    return run
                if (reconcile or _is_late(run)) and time.monotonic() - reconciled_at > RECONCILE_S:
                    self.stack.reconcile()
                    reconciled_at = time.monotonic()
                time.sleep(POLL_S)

    def _uploaded(self, values: Mapping[str, str]) -> dict[str, str]:
        params: dict[str, str] = {}
        count = 0
        for hint in not_uploaded(self.file.pipeline, values):
            self.console.print(hint, markup=False)
        with self.console.status("uploading") as status:
            for name, uri, _ in upload_params(self.stack, self.file.pipeline, values, new_run_id()):
                if uri is not None:
                    params[name] = uri
                    continue
                count += 1
                status.update(f"uploading {name}: {_files_of(count)}")
        if count:
            self.console.print(f"uploaded {_files_of(count)}")
        return params

    # --- afterwards

    def report(self, run: RunDocument) -> dict[str, Any]:
        """Print what came of it; the same as a document."""
        failure = Failure(stack=self.stack, run=run).sentence()
        log = self._last_log(run) if failure is None else Log(lines=[])
        output = next(reversed(_outputs(run).values()), None)
        notices = self._notices(run)
        self.console.print()
        if log.is_cut:
            self.console.print(f"the last {LOG_LINES_MAX:,} lines of the last job's log:")
        for line in log.lines:
            self.console.print(cut_line(line))
        if failure is not None:
            self.console.print(failure, style="red")
        if output is not None and failure is None:
            self.console.print(printable(f"output: {output}"))
        for notice in notices:
            for line in notice_lines(notice):
                self.console.print(line)
        reason = run["stopped"] or run["paused"]
        why = f": {reason}" if reason else ""
        took = seconds_text(run["startedAt"], run["endedAt"], datetime.now(UTC))
        self.console.print(printable(f"run {run['runId']} {run['status']} after {took}{why}"))
        return {
            "run": run,
            "output": output,
            "failure": failure,
            "notices": [{"subject": n["Subject"], "message": n["Message"]} for n in notices],
        }

    def write_page(self, run: RunDocument, path: Path) -> None:
        """Write the run's report; its cloud is gone soon, so it is now or never."""
        document = collected_on_screen(self.stack, run, list_prices())
        write_report(path, page(document))
        self.console.print(printable(f"report: {path}"))

    def download(self, run: RunDocument, folder: Path) -> bool:
        """Fetch every step's output into a folder of the step's name; whether all are there."""
        count, complete = 0, True
        refusals: list[Downloaded] = []
        for step, uri in _outputs(run).items():
            results = list(self.stack.download(uri, folder, step))
            if not results:
                complete = False
                self.console.print(printable(f"step {step} left nothing at {uri}"))
            refusals += [one for one in results if one.refusal is not None]
            count += sum(one.refusal is None for one in results)
        self.console.print(printable(f"downloaded {_files_of(count)} to {folder}"))
        for one in refusals[:REFUSED_SHOWN_MAX]:
            self.console.print(printable(f"not downloaded: {one.uri}: {one.refusal}"))
        if refusals:
            self.console.print(f"{_files_of(len(refusals))} not downloaded")
        return complete and not refusals

    def _last_log(self, run: RunDocument) -> Log:
        """What the last plain job of the graph printed."""
        for step in reversed(run["steps"]):
            if step["status"] == StepStatus.SUCCEEDED and step["jobs"][-1]["children"] == 1:
                jobs = self.stack.describe([str(step["jobs"][-1]["jobId"])])
                return self.stack.log_of(jobs[0]) if jobs else Log(lines=[])
        return Log(lines=[])

    def _notices(self, run: RunDocument) -> list[Mapping[str, Any]]:
        notices: list[Mapping[str, Any]] = []
        for _ in (rule for rule in self.file.pipeline.notify if run["status"] in rule.on):
            notice = self._next_notice(run["runId"])
            if notice is not None:
                notices.append(notice)
        return notices

    def _next_notice(self, run_id: str) -> Mapping[str, Any] | None:
        """Of this run: its jobs may have started others, which have notices too."""
        while True:
            notice = self.stack.next_notice(self.notices_queue, NOTICE_WAIT_S)
            if notice is None or run_id_of(notice) == run_id:
                return notice


def _is_late(run: RunDocument) -> bool:
    deadline = run["deadline"]
    return deadline is not None and datetime.now(UTC) >= datetime.fromisoformat(deadline)


def _waits_for_a_person(run: RunDocument) -> bool:
    """Whether nothing of it is at work; its cloud ends with this command, which has no answer."""
    jobs = (job for step in run["steps"] for job in step["jobs"])
    return run["paused"] is not None and all(job["outcome"] != "SUBMITTED" for job in jobs)


_WITH_OUTPUT = (StepStatus.SUCCEEDED, StepStatus.PARTIAL)


def _outputs(run: RunDocument) -> dict[str, str]:
    """URIs, by the step that wrote them."""
    return {
        step["step"]: step["output"]
        for step in run["steps"]
        if step["output"] is not None and step["status"] in _WITH_OUTPUT
    }


def _files_of(count: int) -> str:
    """A number of files, in words."""
    return f"{count} file{'s' if count != 1 else ''}"


def _stay(cloud: LocalCloud, screen: Console) -> None:
    screen.print()
    screen.print("the cloud stays up; for any SDK or the aws CLI:")
    for line in exports(cloud):
        screen.print(f"  {line}")
    stay()
