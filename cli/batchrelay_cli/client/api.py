"""What can be asked of a stack that is up, in AWS or in a local cloud, with typed answers.

The API's function is invoked directly: that takes `lambda:InvokeFunction` and no URL, and the
answers are those of the API.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from batchrelay.domain.errors import BatchrelayError, InputError
from batchrelay.domain.run import RunStatus
from batchrelay_cli.client.documents import (
    Failures,
    History,
    Item,
    Pipeline,
    RedrivePlan,
    Run,
    Runs,
    Step,
    StepFailures,
)
from batchrelay_cli.stack.client import FunctionFailedError, Stack, find_stack

POLL_S = 2.0
"""Seconds between two looks: a Lambda invocation each."""

NEW = 201
"""HTTP's status of a start that made a run; 200 if its key had made one."""

_OPEN = tuple(status for status in RunStatus if not status.is_terminal)


class ApiRefusedError(InputError):
    """The API answered that the caller has to change something; the message is its sentence."""

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.status = status
        """HTTP's: 404 if there is no such run."""


class WaitedTooLong(BatchrelayError, TimeoutError):
    """A run had not ended when the time to wait for it was over; it goes on."""


@dataclass(frozen=True, kw_only=True)
class Started:
    """A run, and whether this call has started it."""

    run: Run
    is_new: bool
    """False if its key had started it before."""


@dataclass(frozen=True, kw_only=True)
class Registration:
    """What a registration changed, or would change."""

    changes: tuple[str, ...]
    """A sentence each; none if the stack has that very content."""
    warnings: tuple[str, ...]
    """What the stack does not allow, with the place in the file, and what would allow it; and
    what was found beside it."""
    checked: tuple[str, ...] = ()
    """What was looked at before, a subject each, and nothing was wrong with it."""
    not_checked: tuple[str, ...] = ()
    """What AWS did not let the caller see, a sentence each."""


class Client:
    """The runs of a stack.

    Every method raises ApiRefusedError for what the caller can fix, with the API's sentence;
    FunctionFailedError, if a function of the stack failed; and botocore's errors.

    Args:
        stack: its name, found with the AWS settings of the environment, as boto3 reads them.

    Raises: NoStackError, InvalidSettingsError; botocore's errors.
    """

    def __init__(self, stack: str | Stack = "batchrelay") -> None:
        self.stack = find_stack(stack) if isinstance(stack, str) else stack

    # --- pipelines

    def pipelines(self) -> list[Pipeline]:
        """Those that may be started."""
        return cast("list[Pipeline]", self._ask("GET", "pipelines")["pipelines"])

    def register(self, file: str | Path, *, is_plan: bool = False) -> Registration:
        """Register the pipeline of a file, as `batchrelay deploy` does.

        The same content is the same version. With `is_plan` nothing changes.

        Raises: PipelineFileError with every problem and its line.
        """
        # It reads pipeline files, which most of what a short command does has no need of.
        from batchrelay_cli.client.registration import register

        return register(self.stack, Path(file), is_plan=is_plan)

    # --- runs

    def start(
        self,
        pipeline: str,
        params: Mapping[str, str | float | bool] | None = None,
        *,
        key: str | None = None,
        version: int | None = None,
    ) -> Started:
        """Start a run of a registered pipeline.

        A request whose answer is lost is sent again: by its key it is one run.

        Args:
            pipeline: its name.
            params: the run's parameters.
            key: one key never starts two runs, whatever the parameters. Each call has a key of
                its own by default.
            version: not the version that is registered, but this one.
        """
        body: dict[str, Any] = {"params": dict(params or {}), "key": key or secrets.token_hex(16)}
        body |= {} if version is None else {"version": version}
        status, run = self._request("POST", "pipelines", pipeline, "runs", body=body)
        return Started(run=cast("Run", run), is_new=status == NEW)

    def runs(
        self,
        pipeline: str | None = None,
        *,
        status: str | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> Runs:
        """A page of runs, the newest first: of one pipeline, or of all that are registered.

        Args:
            pipeline: only of this one.
            status: only with this one.
            limit: runs of the page, 1 to 200; 50 by default.
            after: `next` of the page before.
        """
        query = {"pipeline": pipeline, "status": status, "limit": limit, "next": after}
        texts = {name: str(value) for name, value in query.items() if value}
        return cast("Runs", self._ask("GET", "runs", query=texts))

    def open_runs(self, pipeline: str) -> list[str]:
        """The ids of those that have not ended: those that wait first, or they would begin."""
        return [run_id for status in _OPEN for run_id in self._run_ids(pipeline, status)]

    def _run_ids(self, pipeline: str, status: str) -> Iterator[str]:
        after = None
        while True:
            page = self.runs(pipeline, status=status, after=after)
            yield from (run["runId"] for run in page["runs"])
            after = page["next"]
            if after is None:
                return

    def status(self, run_id: str) -> Run:
        """A run and its steps."""
        return cast("Run", self._ask("GET", "runs", run_id))

    def step(self, run_id: str, step: str) -> Step:
        """One step of a run."""
        return cast("Step", self._ask("GET", "runs", run_id, "steps", step))

    def history(self, run_id: str) -> History:
        """What happened in a run, in order."""
        return cast("History", self._ask("GET", "runs", run_id, "history"))

    def watch(
        self, run_id: str, *, timeout_s: float | None = None, poll_s: float = POLL_S
    ) -> Iterator[Run]:
        """A run again and again, until it has ended: that is the last one.

        Raises: WaitedTooLong, after `timeout_s` seconds; None is for ever.
        """
        begun_at = time.monotonic()
        while True:
            run = self.status(run_id)
            yield run
            if RunStatus(run["status"]).is_terminal:
                return
            if timeout_s is not None and time.monotonic() - begun_at + poll_s > timeout_s:
                raise WaitedTooLong(f"run {run_id} is {run['status']} after {timeout_s:g} s")
            time.sleep(poll_s)

    def wait(self, run_id: str, *, timeout_s: float | None = None, poll_s: float = POLL_S) -> Run:
        """A run when it has ended, whatever became of it. Raises: as `watch`."""
        *_, run = self.watch(run_id, timeout_s=timeout_s, poll_s=poll_s)
        return run

    # --- failures

    def failures(self, run_id: str) -> Failures:
        """Why items of a run failed, with the end of one log for each cause."""
        return cast("Failures", self._ask("GET", "runs", run_id, "failures"))

    def step_failures(self, run_id: str, step: str) -> StepFailures:
        """Why items of one step failed."""
        return cast("StepFailures", self._ask("GET", "runs", run_id, "steps", step, "failures"))

    def item(self, run_id: str, step: str, number: int) -> Item:
        """One item of a step, and the request of a job that does it alone."""
        path = ("runs", run_id, "steps", step, "items", str(number))
        return cast("Item", self._ask("GET", *path))

    def redrive(
        self,
        run_id: str,
        *,
        step: str | None = None,
        classes: Sequence[str] = (),
        memory: str | None = None,
        queue: str | None = None,
        params: Mapping[str, str | float | bool] | None = None,
    ) -> Run:
        """Run again what failed in a run that has ended, and what depends on it.

        Args:
            run_id: which run.
            step: only of this step.
            classes: only failures of these classes.
            memory: such as `x2`, times the memory.
            queue: another job queue.
            params: parameters that have another value from now on.
        """
        order = _redrive(step, classes, memory, queue, params)
        return cast("Run", self._ask("POST", "runs", run_id, "redrive", body=order))

    def redrive_plan(
        self,
        run_id: str,
        *,
        step: str | None = None,
        classes: Sequence[str] = (),
        memory: str | None = None,
        queue: str | None = None,
        params: Mapping[str, str | float | bool] | None = None,
    ) -> RedrivePlan:
        """What `redrive` would run again; nothing changes."""
        order = {**_redrive(step, classes, memory, queue, params), "plan": True}
        return cast("RedrivePlan", self._ask("POST", "runs", run_id, "redrive", body=order))

    def cancel(self, run_id: str, *, reason: str = "", stops_finally: bool = False) -> Run:
        """Stop a run and every job that it started; nothing to one that has ended.

        Args:
            run_id: which run.
            reason: kept in the run, in its notice and in its jobs.
            stops_finally: whether its finally steps are stopped, too.
        """
        body = {"reason": reason, "finally": stops_finally}
        return cast("Run", self._ask("POST", "runs", run_id, "cancel", body=body))

    def resume(self, run_id: str, *, budget_usd: float) -> Run:
        """Let a PAUSED run go on, with another budget."""
        return cast("Run", self._ask("POST", "runs", run_id, "resume", body={"budget": budget_usd}))

    # --- the request

    def _ask(
        self,
        method: str,
        *path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        return self._request(method, *path, body=body, query=query)[1]

    def _request(
        self,
        method: str,
        *path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> tuple[int, dict[str, Any]]:
        """HTTP's status, and the document."""
        if "" in path:
            raise InputError("a name or an id is empty")
        route = "/" + "/".join(quote(piece, safe="") for piece in path)
        answer = self.stack.invoke(
            self.stack.outputs["AnswerApiName"],
            {
                "httpMethod": method,
                "path": route,
                "resource": route,
                "headers": {},
                "queryStringParameters": dict(query or {}) or None,
                "body": None if body is None else json.dumps(body),
                "isBase64Encoded": False,
                "requestContext": {"stage": "v1"},
            },
        )
        document: dict[str, Any] = json.loads(answer["body"])
        status = answer["statusCode"]
        if 400 <= status < 500:
            sentence = document.get("detail") or document.get("message") or str(document)
            raise ApiRefusedError(sentence, status)
        if status >= 500:
            raise FunctionFailedError(f"the API failed: {document}")
        return status, document


def _redrive(
    step: str | None,
    classes: Sequence[str],
    memory: str | None,
    queue: str | None,
    params: Mapping[str, str | float | bool] | None,
) -> dict[str, Any]:
    return {
        "step": step,
        "classes": list(classes),
        "memory": memory,
        "queue": queue,
        "params": dict(params or {}),
    }
