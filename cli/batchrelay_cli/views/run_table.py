"""What a run looks like while it runs: one line a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from batchrelay.domain.n_to_n import upstream_failures
from batchrelay.domain.pipeline import Step
from batchrelay.domain.run import Run, StepState, StepStatus
from batchrelay.domain.values import printable

COLOURS = {
    StepStatus.WAITING: "dim",
    StepStatus.PREPARING: "cyan",
    StepStatus.SUBMITTING: "cyan",
    StepStatus.ACTIVE: "yellow",
    StepStatus.SUCCEEDED: "green",
    StepStatus.FAILED: "red",
    StepStatus.SKIPPED: "dim",
    StepStatus.CANCELLED: "magenta",
}


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Children of one step by status, and its items, at a cost that does not grow with them."""

    done: int = 0
    failed: int = 0
    stopped: int = 0
    running: int = 0
    total: int | None = None
    items: int | None = None
    chunk: int = 1
    """0 of workers, which pull their items from a queue."""
    upstream: int = 0
    """Of the failed ones, those whose child of a step before failed."""

    def render(self) -> str:
        """`12/20`, with what is known beside it; empty while unknown."""
        if self.total is None:
            return ""
        beside = [f"{self.running} running"] if self.running else []
        beside += [f"{self.failed} failed"] if self.failed else []
        beside += [f"{self.upstream:,} of them upstream"] if self.upstream else []
        beside += [f"{self.stopped} stopped"] if self.stopped else []
        beside += [f"{self._items_done:,} of {self.items:,} items"] if self._shows_items else []
        return f"{self.done + self.failed + self.stopped:,}/{self.total:,}" + (
            f" ({', '.join(beside)})" if beside else ""
        )

    @property
    def _shows_items(self) -> bool:
        is_known = self.chunk > 0 or self.done == self.total
        return self.items is not None and self.items != self.total and is_known

    @property
    def _items_done(self) -> int:
        """Of the children that have SUCCEEDED; of a queue's workers, all at the end."""
        if self.done == self.total:
            return self.items or 0
        return min(self.done * self.chunk, self.items or 0)


def progress_of(run: Run, step: Step) -> Progress:
    """Of a run that is `observed`: with the counts that AWS Batch gives of its active jobs."""
    state = run.state(step.name)
    return Progress(
        done=sum(part.succeeded for part in state.parts),
        failed=sum(part.failed for part in state.parts),
        stopped=sum(part.stopped for part in state.parts),
        running=sum(part.running for part in state.parts),
        total=state.children,
        items=state.items,
        chunk=0 if state.queue is not None else state.chunk,
        upstream=upstream_failures(run, step),
    )


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

    def show(self, run: Run) -> None:
        """The run as it is now, with the counts of its active jobs."""


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

    def show(self, run: Run) -> None:
        note_begun(run, self.begun)
        self._live.update(step_table(run, self.begun), refresh=True)


@dataclass
class LineDisplay:
    """A line for every change, for logs and pipes."""

    console: Console
    begun: dict[str, datetime] = field(default_factory=dict)
    _shown: dict[str, tuple[StepStatus, int, str]] = field(default_factory=dict)

    def __enter__(self) -> LineDisplay:
        return self

    def __exit__(self, *exception: object) -> None:
        return

    def show(self, run: Run) -> None:
        note_begun(run, self.begun)
        for step in run.pipeline.order:
            state = run.state(step.name)
            now = (state.status, state.round, state.blocked)
            if now == self._shown.get(step.name, (StepStatus.WAITING, 0, "")):
                continue
            self._shown[step.name] = now
            words = [f"{step.name:12}", f"{state.status:10}", progress_of(run, step).render()]
            words.append(_beside(run, step))
            if state.status.is_terminal:
                words.append(elapsed_of(run, step.name, datetime.now(UTC), self.begun))
            if why := state.reason or _blocked(state):
                words.append(f"({why})")
            self.console.print(printable(" ".join(word for word in words if word)))


def note_begun(run: Run, begun: dict[str, datetime]) -> None:
    """Remember when a step left WAITING, as far as it was seen."""
    for name, state in run.steps.items():
        if name not in begun and state.since is not None:
            submitted = [part.since for part in state.parts if part.since is not None]
            first = min(submitted, default=state.since)
            begun[name] = min(first, state.since)


def _blocked(state: StepState) -> str:
    return f"blocked: {state.blocked}" if state.blocked else ""


def _beside(run: Run, step: Step) -> str:
    """Which level of an aggregate."""
    state = run.state(step.name)
    if step.aggregate is not None and state.status is not StepStatus.WAITING:
        return f"level {state.round + 1}"
    return ""


def step_table(run: Run, begun: Mapping[str, datetime]) -> Table:
    """One line a step: status, children done, elapsed."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("step", "status", "children", "elapsed", ""):
        table.add_column(heading, justify="right" if heading == "elapsed" else "left")
    now = datetime.now(UTC)
    for step in run.pipeline.order:
        state = run.state(step.name)
        table.add_row(
            step.name,
            coloured(state.status),
            " ".join(filter(None, (progress_of(run, step).render(), _beside(run, step)))),
            elapsed_of(run, step.name, now, begun),
            printable(state.reason or _blocked(state)),
        )
    return table


def coloured(status: StepStatus) -> Text:
    """A status as tables show it."""
    return Text(status, style=COLOURS.get(status, ""))
