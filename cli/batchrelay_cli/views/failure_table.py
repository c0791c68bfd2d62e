"""Why items of a step failed: a table of causes, and the end of one log of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from batchrelay.domain.failures import FailureClass, own_line
from batchrelay.domain.step_state import StepStatus
from batchrelay.domain.values import counted, printable
from batchrelay_cli.terminal import excerpt
from batchrelay_cli.views.child import place_of
from batchrelay_cli.views.run_table import StepDocument

LOG_LINES = 10
"""The last lines of a sample's log that are shown under the table."""

SAMPLES_MAX = 5
"""Causes of a step of which a log is shown: the most frequent."""

HEADINGS = ("count", "class", "exit code", "reason / last log line", "runs again", "sample item")


@dataclass(frozen=True, kw_only=True)
class StepFailures:
    """What the API says of one step's failures."""

    run_id: str
    step: StepDocument
    failures: Mapping[str, Any]
    items: Mapping[int, str]
    """Those of the samples, by number."""

    @property
    def has_failures(self) -> bool:
        """Whether there is something to show."""
        document = self.failures
        has_failed = document["status"] == StepStatus.FAILED
        return bool(document["causes"] or document["notes"]) or has_failed

    def show(self, screen: Console) -> None:
        """Print everything. Lines are not broken: a command or a URI is there to be copied."""
        screen.print(self._title(), style="bold", soft_wrap=True)
        if self.failures["causes"]:
            screen.print(self._table())
        for line in self._lines():
            screen.print(line, soft_wrap=True)

    def _lines(self) -> Iterator[str]:
        causes = self.failures["causes"]
        if not causes and self.failures["reason"]:
            yield f"  {self.failures['reason']}"
        failed = [cause for cause in causes if cause["class"] != FailureClass.STOPPED]
        samples = [cause["sample"] for cause in failed if cause["sample"]]
        for sample in samples[:SAMPLES_MAX]:
            yield from self._log(sample)
        if len(samples) > SAMPLES_MAX:
            more = counted(len(samples) - SAMPLES_MAX, "more causes")
            yield f"the logs of {more}: --output json"
        yield from (f"note: {note}" for note in self.failures["notes"])
        if self.failures["failures"]:
            yield f"every failed item: {self.failures['failures']}"
        yield ""

    def _title(self) -> str:
        document = self.failures
        title = f"step {document['step']}: {document['status']}"
        if not document["causes"]:
            return title
        title += f", {_failed_text(document)}"
        if document["stopped"]:
            title += f", {document['stopped']:,} never begun or stopped"
        if document["again"]:
            verb = "ran" if StepStatus(document["status"]).is_terminal else "run"
            title += f", {document['again']:,} of them {verb} again"
        return title + (f" (to round {document['round']})" if document["round"] else "")

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in HEADINGS:
            is_number = heading in ("count", "exit code", "runs again")
            table.add_column(
                heading, justify="right" if is_number else "left", overflow="fold",
                no_wrap=is_number,
            )  # fmt: skip
        for cause in self.failures["causes"]:
            exit_code = "" if cause["exitCode"] is None else str(cause["exitCode"])
            words = (
                f"{cause['count']:,}", cause["class"], exit_code, _why(cause),
                f"{cause['again']:,}", self._item(cause["sample"]),
            )  # fmt: skip
            table.add_row(*(Text(printable(word)) for word in words))
        return table

    def _item(self, sample: Mapping[str, Any] | None) -> str:
        """`7 {"name": "n7"}`."""
        if sample is None or sample["number"] is None:
            return ""
        return f"{sample['number']} {self.items.get(sample['number'], '')}".rstrip()

    def _log(self, sample: Mapping[str, Any]) -> Iterator[str]:
        """The end of it, and what prints all of it."""
        item = self._item(sample)
        whose = f"item {item}" if item else f"job {sample['jobId']}"
        if item and (self.step["chunk"] or 1) > 1:
            whose = f"the child of {whose}"
        lines = list(sample["log"])
        while lines and not lines[-1].strip():
            lines.pop()
        if not lines:
            yield f"the log of {whose}: {self._command(sample)}"
        else:
            yield f"the end of the log of {whose}:"
            for line in lines[-LOG_LINES:]:
                yield f"  {printable(line.rstrip(), keep=chr(9))}"
            yield f"  all of it: {self._command(sample)}"
        if sample["number"] is not None:
            place = f"{self.run_id}/{self.failures['step']}:{sample['number']}"
            yield f"  once more, on this machine: batchrelay spin {place}"

    def _command(self, sample: Mapping[str, Any]) -> str:
        place = place_of({"steps": [self.step]}, sample["jobId"])
        name = f"{self.run_id}/{self.failures['step']}"
        return f"batchrelay logs {name}" if place is None else place.command(self.run_id)


def _failed_text(document: Mapping[str, Any]) -> str:
    """`2 of 6 items failed`; of a step that is one job, `the job failed`."""
    failed, total, things = document["failed"], document["total"], document["counted"]
    if total is None:
        return f"{counted(failed, things)} failed"
    if (failed, total, things) == (1, 1, "children"):
        return "the job failed"
    return f"{failed:,} of {counted(total, things)} failed"


def _why(cause: Mapping[str, Any]) -> str:
    """Of a program that failed, its last line; else what AWS Batch says."""
    sample = cause["sample"] or {"log": (), "number": None}
    last_line = own_line(sample["log"], sample["number"] or 0)
    is_own = cause["class"] in (FailureClass.EXIT_CODE, FailureClass.OTHER)
    first, second = (last_line, cause["reason"]) if is_own else (cause["reason"], last_line)
    return excerpt(first or second or "", 160)
