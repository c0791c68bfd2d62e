"""Why children fail: their classes, and what a step does about them.

AWS Batch says it in two texts and a number (docs/reference/aws-batch.md, Reasons). The texts decide
first: exit code 137 is a SIGKILL, which may be the memory limit, a timeout or a Spot reclaim.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain

from batchrelay.domain.values import Json, fits, printable


class FailureClass(StrEnum):
    """What `retryFailed.when` may name."""

    OUT_OF_MEMORY = "OutOfMemory"
    SPOT = "SpotInterruption"
    """Its host was terminated: reclaimed by Spot, scaled in, or stopped by hand."""
    TIMEOUT = "Timeout"
    IMAGE = "ImagePull"
    KILLED = "Killed"
    """By SIGKILL (exit code 137), and AWS Batch does not say for what."""
    EXIT_CODE = "ExitCode"
    """The program ended with an exit code that is not 0."""
    UPSTREAM = "Upstream"
    """The same child of a step before it failed (N_TO_N)."""
    NOT_SUBMITTED = "NotSubmitted"
    """AWS Batch refused its job, or an earlier part of a SEQUENTIAL step failed."""
    LOST = "Lost"
    """AWS Batch no longer knows its job."""
    STOPPED = "Stopped"
    """By a cancellation, a timeout or `failFast`; or never begun because of one, or of a canary."""
    OTHER = "Other"


WORKER = "[batchrelay] "
"""How the lines of batchrelay-worker begin."""

_WORKERS_REST = re.compile(r"(?<=.)(?=\[batchrelay\] item [0-9]+ \()")
"""Where a line of the worker begins behind one of the program that has no end."""

LAST_LINE_CHARS = (60, 30)
"""Of a log's last line, where causes are shown in one line: the most that lets
all of them fit."""

SIGKILL = 137
"""The exit code of a process that a SIGKILL ended: 128 + 9."""

ITEM_NUMBERS = "BATCHRELAY_ITEM_NUMBERS"
"""The variable by which a job of a further round knows its items' numbers, where the index of its
array does not say them."""

NEVER_BEGUN = "batchrelay: never begun"
"""Why a child has no job whose part was CANCELLED without one."""

_REASONS: tuple[tuple[re.Pattern[str], FailureClass], ...] = (
    (re.compile(r"DescribeJobs has left this job out"), FailureClass.LOST),
    (re.compile(r"^batchrelay: "), FailureClass.STOPPED),
    (re.compile(r"dependent job failed", re.IGNORECASE), FailureClass.UPSTREAM),
    (re.compile(r"no longer knows the job"), FailureClass.LOST),
    (re.compile(r"OutOfMemory|memory usage", re.IGNORECASE), FailureClass.OUT_OF_MEMORY),
    (re.compile(r"exceeded timeout|timed out", re.IGNORECASE), FailureClass.TIMEOUT),
    (re.compile(r"Host EC2|spot", re.IGNORECASE), FailureClass.SPOT),
    (re.compile(r"CannotPull|pull.*image", re.IGNORECASE), FailureClass.IMAGE),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildFailure:
    """What AWS Batch says of a child that FAILED."""

    index: int
    """Within its array; 0 of a plain job."""
    job_id: str
    """Of the child itself: `ARRAY:INDEX`, or that of a plain job. Empty if it never had a job."""
    exit_code: int | None = None
    reason: str = ""
    """statusReason, and the container's reason behind it."""


def failure_class(failure: ChildFailure) -> FailureClass:
    """The class of a failure: its reason decides, then its exit code."""
    for pattern, named in _REASONS:
        if pattern.search(failure.reason):
            return named
    if not failure.job_id:
        return FailureClass.NOT_SUBMITTED
    if failure.exit_code == SIGKILL:
        return FailureClass.KILLED
    return FailureClass.OTHER if failure.exit_code in (None, 0) else FailureClass.EXIT_CODE


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryFailed:
    """Further rounds of a step, over the items that failed in the one before."""

    rounds: int
    """After the first; 1 or more."""
    when: frozenset[str] = frozenset()
    """The classes that are retried, or a class with an exit code (`ExitCode:75`); empty for every
    class but NotSubmitted and Stopped."""
    overrides: Mapping[str, Json] = field(default_factory=dict)
    """Fields of SubmitJob, merged over the step's request in these rounds."""
    memory_factor: float | None = None
    """By what the memory of an item grows each time that it ran out of memory."""
    memory_mib: int | None = None
    """The memory of the first round, where the step's request does not say it."""

    def takes(self, named: FailureClass, exit_code: int | None) -> bool:
        """Whether an item that failed so runs again. Upstream failures are not for it to decide."""
        if not self.when:
            return named not in (FailureClass.NOT_SUBMITTED, FailureClass.STOPPED)
        return takes(self.when, named, exit_code)


def takes(classes: frozenset[str], named: FailureClass, exit_code: int | None) -> bool:
    """Whether one of the classes means a failure."""
    return named in classes or f"{named}:{exit_code}" in classes


def is_redriven(classes: frozenset[str], named: FailureClass, exit_code: int | None) -> bool:
    """Whether a redrive of these classes, or of all without one, runs an item that failed so. One
    that failed upstream is behind an item that runs again."""
    return not classes or named is FailureClass.UPSTREAM or takes(classes, named, exit_code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerate:
    """How many items of a step may fail for good: a count, or a percentage of its items."""

    count: int | None = None
    percent: float | None = None

    def covers(self, failed: int, items: int) -> bool:
        """Whether a step may end PARTIAL with so many failures."""
        if self.count is not None:
            return failed <= self.count
        assert self.percent is not None, self
        return failed * 100 <= self.percent * items


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Failures with the same class, exit code and reason."""

    named: FailureClass
    exit_code: int | None
    reason: str
    """With numbers and ids taken out."""
    count: int
    again: int = 0
    """Those of them that run again."""
    sample_number: int = 0
    """The item of one of them."""
    sample_job: str = ""
    log: tuple[str, ...] = ()
    """The end of that one's log."""

    @property
    def last_line(self) -> str:
        """Of that log: the program's, not the worker's."""
        if self.named is FailureClass.STOPPED:
            return ""  # the program was not asked
        return own_line(self.log, self.sample_number)

    def text(self, line_chars: int) -> str:
        """`31 × OutOfMemory (exit code 137): ` and so much of its last line; of what left neither a
        line nor an exit code, of the reason."""
        code = "" if self.exit_code is None else f" (exit code {self.exit_code})"
        says_it = self.named in (FailureClass.STOPPED, FailureClass.UPSTREAM) or code
        line = self.last_line or ("" if says_it else self.reason)
        line = line if len(line) <= line_chars else line[: max(0, line_chars - 1)] + "…"
        line = f": {line}" if line and line_chars else ""
        return printable(f"{self.count:,} × {self.named}{code}{line}")


def own_line(log: Sequence[str], number: int) -> str:
    """The last line that the program printed for an item; empty if it printed none.

    The log is its child's, which may have other items too: the worker says behind each what became
    of it; in the same line, if the program left its last one without an end. Where the item is not
    among the lines, that of the last one that failed.
    """
    log = separated(log)
    ends = [place for place, line in enumerate(log) if line.startswith(f"{WORKER}item ")]
    bad = [place for place in ends if ") failed" in log[place]]
    its = [place for place in bad if log[place].startswith(f"{WORKER}item {number} (")]
    first, last = 0, len(log)
    if bad:
        last = (its or bad)[-1]
        first = max((place for place in ends if place < last), default=0)
    own = (line for line in reversed(log[first:last]) if not line.startswith(WORKER))
    return next(filter(None, (shown_last(line).strip() for line in own)), "")


def separated(log: Sequence[str]) -> list[str]:
    """A log with each line of the worker on its own, also one behind a line without an end."""
    is_its = f"{WORKER}item "  # a line has up to 256 KiB, and a search for a text is quick
    lines = ([line] if is_its not in line else _WORKERS_REST.split(line) for line in log)
    return list(chain.from_iterable(lines))


def shown_last(line: str) -> str:
    """Of a progress bar, which a carriage return writes anew, what it showed last."""
    return line.rstrip("\r").rpartition("\r")[2]


_ID = re.compile(
    r"\b[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\b|\bi-[0-9a-f]{8,17}\b|0x[0-9a-f]+"
)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def normalised(reason: str) -> str:
    """A text in which what differs from child to child is replaced: ids and numbers."""
    return _NUMBER.sub("N", _ID.sub("ID", reason))


def in_order(named: str, count: int) -> tuple[bool, int]:
    """By what causes are sorted: the most frequent first. What was stopped has not failed, and is
    the last."""
    return named == FailureClass.STOPPED, -count


def causes_text(causes: Iterable[Cause], before: str = "") -> str:
    """The causes in one line that is kept whole, also behind another text: with shorter last lines
    if they are many, and then without the last of them, which are counted. Empty if none fits."""
    order = sorted(causes, key=lambda cause: in_order(cause.named, cause.count))
    candidates = [(len(order), chars) for chars in LAST_LINE_CHARS]
    candidates += [(shown, LAST_LINE_CHARS[-1]) for shown in range(len(order) - 1, 0, -1)]
    texts = (_causes_text(order, *candidate) for candidate in [*candidates, (1, 0)])
    return next((text for text in texts if fits(before + text)), "")


def _causes_text(order: Sequence[Cause], shown: int, line_chars: int) -> str:
    text = ", ".join(cause.text(line_chars) for cause in order[:shown])
    more = len(order) - shown
    if more <= 0:
        return text
    return f"{text}, and {more:,} more {'cause' if more == 1 else 'causes'}"
