"""What a run looks like while it runs: one line a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from rich.console import Console
from rich.live import Live
from rich.table import Table

from batchrelay.domain.run import JobOutcome, Run, StepState, StepStatus

_COLOURS = {
    StepStatus.WAITING: "dim",
    StepStatus.PREPARING: "cyan",
    StepStatus.SUBMITTING: "cyan",
    StepStatus.ACTIVE: "yellow",
    StepStatus.SUCCEEDED: "green",
    StepStatus.FAILED: "red",
    StepStatus.SKIPPED: "dim",
}


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Children of one step, by what became of them."""

    done: int = 0
    failed: int = 0
    total: int | None = None

    def render(self) -> str:
        """`12/20`, with the failed ones if there are any; empty while unknown."""
        if self.total is None:
            return ""
        failed = f" ({self.failed} failed)" if self.failed else ""
        return f"{self.done + self.failed}/{self.total}{failed}"


def progress_of(state: StepState, jobs: Mapping[str, Mapping[str, Any]]) -> Progress:
    """Of ended parts from the run's state, of active ones from what AWS Batch says of them."""
    done = failed = 0
    for part in state.parts:
        if part.outcome is not None:
            done += part.size if part.outcome is JobOutcome.SUCCEEDED else part.succeeded
            failed += part.failed
        elif part.job_id is not None:
            summary = jobs.get(part.job_id, {}).get("arrayProperties", {}).get("statusSummary", {})
            done += summary.get("SUCCEEDED", 0)
            failed += summary.get("FAILED", 0)
    return Progress(done=done, failed=failed, total=state.children)


def elapsed_of(run: Run, step: str, now: datetime, begun: Mapping[str, datetime]) -> str:
    """How long a step took, or has been taking."""
    state = run.state(step)
    if step not in begun or state.status is StepStatus.SKIPPED:
        return ""
    end = state.since if state.status.is_terminal and state.since is not None else now
    return f"{max(0.0, (end - begun[step]).total_seconds()):.1f} s"


class Display(Protocol):
    """Shows a run as it changes."""

    def __enter__(self) -> Display: ...

    def __exit__(self, *_: object) -> None: ...

    def show(self, run: Run, jobs: Mapping[str, Mapping[str, Any]]) -> None:
        """The run as it is now, and the jobs of its active parts by id."""


@dataclass
class TableDisplay:
    """A table that redraws itself, for terminals."""

    console: Console
    begun: dict[str, datetime] = field(default_factory=dict)

    def __enter__(self) -> TableDisplay:
        self._live = Live(console=self.console, refresh_per_second=8, transient=False)
        self._live.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._live.__exit__(None, None, None)

    def show(self, run: Run, jobs: Mapping[str, Mapping[str, Any]]) -> None:
        note_begun(run, self.begun)
        self._live.update(step_table(run, jobs, self.begun), refresh=True)


@dataclass
class LineDisplay:
    """A line for every change, for logs and pipes."""

    console: Console
    begun: dict[str, datetime] = field(default_factory=dict)
    _shown: dict[str, StepStatus] = field(default_factory=dict)

    def __enter__(self) -> LineDisplay:
        return self

    def __exit__(self, *exception: object) -> None:
        return

    def show(self, run: Run, jobs: Mapping[str, Mapping[str, Any]]) -> None:
        note_begun(run, self.begun)
        for step in run.pipeline.order:
            state = run.state(step.name)
            if state.status is self._shown.get(step.name, StepStatus.WAITING):
                continue
            self._shown[step.name] = state.status
            words = [f"{step.name:12}", f"{state.status:10}", progress_of(state, jobs).render()]
            if state.status.is_terminal:
                words.append(elapsed_of(run, step.name, datetime.now(UTC), self.begun))
            if state.reason:
                words.append(f"({state.reason})")
            self.console.print(" ".join(word for word in words if word), highlight=False)


def note_begun(run: Run, begun: dict[str, datetime]) -> None:
    """Remember when a step left WAITING, as far as it was seen."""
    for name, state in run.steps.items():
        if name not in begun and state.since is not None:
            submitted = [part.since for part in state.parts if part.since is not None]
            first = min(submitted, default=state.since)
            begun[name] = min(first, state.since)


def step_table(
    run: Run, jobs: Mapping[str, Mapping[str, Any]], begun: Mapping[str, datetime]
) -> Table:
    """One line a step: status, children done, elapsed."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("step", "status", "children", "elapsed", ""):
        table.add_column(heading, justify="right" if heading == "elapsed" else "left")
    now = datetime.now(UTC)
    for step in run.pipeline.order:
        state = run.state(step.name)
        colour = _COLOURS.get(state.status, "")
        table.add_row(
            step.name,
            f"[{colour}]{state.status}[/]",
            progress_of(state, jobs).render(),
            elapsed_of(run, step.name, now, begun),
            state.reason,
        )
    return table
