"""A run as a table: a line for the run, and one for each step. It reads the API's document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from batchrelay.domain.run_cost import usd_text
from batchrelay.domain.step_state import StepStatus
from batchrelay.domain.values import counted, printable
from batchrelay.report.text import counts_items

COLOURS = {
    StepStatus.WAITING: "dim",
    StepStatus.PREPARING: "cyan",
    StepStatus.SUBMITTING: "cyan",
    StepStatus.ACTIVE: "yellow",
    StepStatus.SUCCEEDED: "green",
    StepStatus.PARTIAL: "yellow",
    StepStatus.FAILED: "red",
    StepStatus.SKIPPED: "dim",
    StepStatus.CANCELLED: "magenta",
}

_ENDED = (StepStatus.SUCCEEDED, StepStatus.PARTIAL, StepStatus.FAILED)

OLD_S = 30
"""Seconds after which counts are shown with their time: AWS Batch was asked within a few."""

RunDocument = Mapping[str, Any]
"""A run, as `GET /runs/ID` answers."""

StepDocument = Mapping[str, Any]
"""One entry of its `steps`."""


def run_table(run: RunDocument, now: datetime) -> Group:
    """One line for the run, and one for each step."""
    return Group(*map(Text, _title(run, now)), step_table(run, now))


def step_table(run: RunDocument, now: datetime) -> Table:
    """One line a step: status, children done, elapsed, why."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("step", "status", "children", "elapsed", ""):
        table.add_column(heading, justify="right" if heading == "elapsed" else "left")
    for step in run["steps"]:
        table.add_row(
            name_text(step),
            coloured(StepStatus(step["status"])),
            " ".join(filter(None, (progress_text(step), *_which(step)))),
            elapsed_text(step, now),
            printable(reason_text(step)),
        )
    return table


def name_text(step: StepDocument) -> str:
    """Its name; a finally step says that it is one."""
    return f"{step['step']} (finally)" if step["finally"] else step["step"]


def progress_text(step: StepDocument) -> str:
    """`12/20`, with the counts beside it; empty while the number of children is unknown."""
    total = step["children"]
    if total is None:
        return ""
    beside = [f"{step['running']} running"] if step["running"] else []
    beside += [_failed_text(step)] if step["failed"] else []
    beside += [f"{step['upstream']:,} of them upstream"] if step["upstream"] else []
    beside += [_stopped_text(step)] if step["stopped"] else []
    if _shows_items(step):
        beside.append(f"{_items_done(step):,} of {counted(step['items'], 'items')}")
    end_count = min(total, step["succeeded"] + step["failed"] + step["stopped"])
    if _has_other_counts(step) and step["status"] in _ENDED:
        end_count = total
    return f"{end_count:,}/{total:,}" + (f" ({', '.join(beside)})" if beside else "")


def _has_other_counts(step: StepDocument) -> bool:
    """Whether what has ended does not add up to its children: a later round has other chunks, or
    items are counted, and those of a queue belong to no child."""
    return bool(step["rounds"]) or step["chunk"] is None or counts_items(step, "failed")


def _failed_text(step: StepDocument) -> str:
    """Once failures were collected, items are counted: a failed child may have done some of its."""
    number = step["failed"]
    return f"{counted(number, 'items') if counts_items(step, 'failed') else f'{number:,}'} failed"


def _stopped_text(step: StepDocument) -> str:
    """Likewise."""
    number = step["stopped"]
    is_of_items = counts_items(step, "stopped") and step["stoppedItems"] == number
    return f"{counted(number, 'items') if is_of_items else f'{number:,}'} stopped"


def _shows_items(step: StepDocument) -> bool:
    """Workers pull their items from a queue, so only the end says how many are done."""
    items, total = step["items"], step["children"]
    is_known = StepStatus(step["status"]).is_terminal and counts_items(step, "failed")
    is_countable = step["chunk"] is not None or step["succeeded"] == total or is_known
    return items is not None and items != total and is_countable


def _items_done(step: StepDocument) -> int:
    """Of the children that have SUCCEEDED; of a queue's workers, all at the end."""
    items = int(step["items"] or 0)
    lost = int(step["failedItems"] + step["upstreamItems"] + step["stoppedItems"])
    is_collected = step["stoppedItems"] == step["stopped"]
    if lost and is_collected and StepStatus(step["status"]).is_terminal:
        return items - lost
    if step["status"] == StepStatus.SUCCEEDED or step["succeeded"] == step["children"]:
        return items
    return min(int(step["succeeded"]) * (step["chunk"] or 0), items)


def level_text(step: StepDocument) -> str:
    """Which level of an aggregate."""
    return "" if step["level"] is None else f"level {step['level']}"


def round_text(step: StepDocument) -> str:
    """Which round, of a step whose failed items run again."""
    return f"round {step['round']}" if step["rounds"] else ""


def _which(step: StepDocument) -> tuple[str, ...]:
    """Which of its passes a step is in; texts may be empty."""
    return level_text(step), round_text(step), canary_text(step)


def canary_text(step: StepDocument) -> str:
    """How many children run before the rest, while it waits for them."""
    is_waiting = step["canary"] and step["status"] == StepStatus.SUBMITTING
    return f"canary {step['canary']:,} first" if is_waiting else ""


def reason_text(step: StepDocument) -> str:
    """Why it is in its status, or why AWS Batch does not begin with it."""
    return step["reason"] or (f"blocked: {step['blocked']}" if step["blocked"] else "")


def elapsed_text(step: StepDocument, now: datetime) -> str:
    """How long a step took, or has been taking."""
    if step["startedAt"] is None:
        return ""
    end = step["since"] if StepStatus(step["status"]).is_terminal else None
    return seconds_text(step["startedAt"], end, now)


def coloured(status: StepStatus) -> Text:
    """A status as tables show it."""
    return Text(status, style=COLOURS.get(status, ""))


def _title(run: RunDocument, now: datetime) -> Iterator[str]:
    title = f"{run['pipeline']} version {run['version']}, run {run['runId']}: {run['status']}"
    title += f" after {seconds_text(run['startedAt'], run['endedAt'], now)}"
    yield printable(title + (f" ({run['stopped']})" if run["stopped"] else ""))
    if run.get("cause"):
        yield printable(f"started by {run['cause']}")
    if run.get("report"):
        yield printable(f"report: {run['report']}")
    elif run.get("reportProblem"):
        yield printable(f"no report: {run['reportProblem']}")
    if cost := run.get("cost"):
        of = f" of a budget of {usd_text(run['budgetUsd'])}" if run.get("budgetUsd") else ""
        yield f"cost, an estimate: {usd_text(cost['usd'])}{of}"
    if run.get("paused"):
        yield printable(f"nothing further is submitted: {run['paused']}")
        yield printable(f"let it go on: {run['resume']}; end it: batchrelay cancel {run['runId']}")
    as_of = run.get("asOf")
    if as_of and (now - datetime.fromisoformat(as_of)).total_seconds() > OLD_S:
        yield f"counts as of {as_of}: AWS Batch gave no newer ones"


def seconds_text(start: str, end: str | None, now: datetime) -> str:
    """How long something took, or has been taking."""
    until = now if end is None else datetime.fromisoformat(end)
    return f"{max(0.0, (until - datetime.fromisoformat(start)).total_seconds()):.1f} s"


class Display(Protocol):
    """Shows a run as it changes."""

    def __enter__(self) -> Display: ...

    def __exit__(self, *_: object) -> None: ...

    def show(self, run: RunDocument) -> None:
        """The run as it is now, with the counts of its active jobs."""


@dataclass
class TableDisplay:
    """A table that redraws itself, for terminals."""

    console: Console

    def __enter__(self) -> TableDisplay:
        self._live = Live(console=self.console, refresh_per_second=8, transient=False)
        self._live.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._live.__exit__(None, None, None)

    def show(self, run: RunDocument) -> None:
        self._live.update(run_table(run, datetime.now(UTC)), refresh=True)


@dataclass
class LineDisplay:
    """A line for every change, for logs and pipes."""

    console: Console
    _shown: dict[str, tuple[str, int, str | None]] = field(default_factory=dict)

    def __enter__(self) -> LineDisplay:
        return self

    def __exit__(self, *exception: object) -> None:
        return

    def show(self, run: RunDocument) -> None:
        for step in run["steps"]:
            current = (step["status"], step["round"], step["blocked"])
            if current == self._shown.get(step["step"], (StepStatus.WAITING, 0, None)):
                continue
            self._shown[step["step"]] = current
            self.console.print(printable(_line(step)))


def _line(step: StepDocument) -> str:
    words = [f"{name_text(step):12}", f"{step['status']:10}", progress_text(step)]
    words += _which(step)
    if StepStatus(step["status"]).is_terminal:
        words.append(elapsed_text(step, datetime.now(UTC)))
    if why := reason_text(step):
        words.append(f"({why})")
    return " ".join(word for word in words if word)
