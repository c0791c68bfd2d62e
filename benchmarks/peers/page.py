"""Tables and the page, made of the JSON alone."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.peers.results import Measurement, Outcome, Results, Summary, summary
from benchmarks.peers.runners import OURS, OURS_CHUNKED, SPAWN_LOOP
from benchmarks.peers.work import Kind, Work

TITLES = {
    Kind.FAN_OUT: "Fan-out: children that depend on nothing",
    Kind.CHAIN: "Chain: each step after the one before",
    Kind.WORD_COUNT: "Word count: list, count each text, merge",
}
UNITS = {Kind.FAN_OUT: "child", Kind.CHAIN: "step", Kind.WORD_COUNT: "text"}
REASON_CHARACTERS = 160


def tables(results: Results) -> str:
    """A table for each kind that was measured."""
    parts = [
        f"## {TITLES[kind]}\n\n{_table(results, works)}"
        for kind in Kind
        if (works := results.works(kind))
    ]
    return "\n\n".join(parts) + "\n"


def _table(results: Results, works: list[Work]) -> str:
    kind = works[0].kind
    heads = [
        head
        for work in works
        for head in (f"{work.size:,}: seconds", "× spawn loop", f"ms a {UNITS[kind]}")
    ]
    heads += ["growth, over linear"] if len(works) > 1 else []
    lines = [_row("", *heads), _row("---", *("---" for _ in heads))]
    for runner in results.runners():
        if any(results.of(runner, work) for work in works):
            cells = [cell for work in works for cell in _cells(results, runner, work)]
            cells += [_growth(results, runner, works)] if len(works) > 1 else []
            lines.append(_row(runner, *cells))
    return "\n".join(lines)


def _row(*cells: str) -> str:
    return "".join(f"| {cell} " if cell else "| " for cell in cells) + "|"


def _cells(results: Results, runner: str, work: Work) -> tuple[str, str, str]:
    measured = summary(results, runner, work, SPAWN_LOOP)
    if measured is None:
        return _ended_otherwise(results.of(runner, work), results.limit_s), "", ""
    ratio = "" if measured.ratio is None else f"{measured.ratio:.1f}"
    return _seconds(measured), ratio, f"{measured.median_s / work.size * 1000:.1f}"


def _seconds(measured: Summary) -> str:
    """The median, and from the least to the most of the rounds."""
    text = _short(measured.median_s)
    if measured.rounds == 1:
        return f"{text} (once)"
    return f"{text} ({_short(measured.least_s)}–{_short(measured.most_s)})"


def _short(seconds: float) -> str:
    """Two digits at least: 0.47, 5.1, 86."""
    return f"{seconds:.{2 if seconds < 1 else 1 if seconds < 20 else 0}f}"


def _ended_otherwise(runs: list[Measurement], limit_s: float) -> str:
    for run in runs:
        match run.outcome:
            case Outcome.FAILED:
                return "failed"
            case Outcome.LIMIT:
                return f"> {limit_s:g}"
            case Outcome.NOT_STARTED:
                return f"> {limit_s:g}, not started"
            case Outcome.VERIFIED:
                continue
    return "not run"


def _growth(results: Results, runner: str, works: list[Work]) -> str:
    """From the smallest to the largest size: 1.0 is linear, less is a start that both share."""
    few, many = (summary(results, runner, work, SPAWN_LOOP) for work in (works[0], works[-1]))
    if few is None or many is None:
        return ""
    return f"{many.median_s / few.median_s / (works[-1].size / works[0].size):.2f}"


def faster_than_ours(results: Results, work: Work) -> list[str]:
    """Runners, without the bare loop, that took less than batchrelay's better form."""
    medians = {
        runner: measured.median_s
        for runner in results.runners()
        if (measured := summary(results, runner, work, SPAWN_LOOP)) is not None
    }
    ours = min((medians[name] for name in (OURS, OURS_CHUNKED) if name in medians), default=None)
    if ours is None:
        return []
    peers = medians.keys() - {SPAWN_LOOP, OURS, OURS_CHUNKED}
    return sorted((name for name in peers if medians[name] < ours), key=lambda name: medians[name])


def _standing(results: Results) -> Iterator[str]:
    for kind in Kind:
        for work in results.works(kind):
            faster = faster_than_ours(results, work)
            text = f"slower than {', '.join(faster)}" if faster else "no peer was faster"
            yield f"- {work}: {text}."


def _failures(results: Results) -> Iterator[str]:
    for runner, reason in results.absent.items():
        yield f"- {runner} is absent: `{_one_line(reason)}`"
    for run in results.measurements:
        if run.outcome is Outcome.FAILED:
            yield f"- {run.runner}, {run.work}, round {run.round}: `{_one_line(run.reason)}`"
        if run.outcome is Outcome.NOT_STARTED:
            yield f"- {run.runner}, {run.work}: not started; {run.seconds:,.0f} s at {run.reason}"


def _one_line(reason: str) -> str:
    return " ".join(reason.split())[-REASON_CHARACTERS:].replace("`", "'")


def page(results: Results, file: str) -> str:
    """docs/reference/peers.md; `file` is the JSON's path in the repository."""
    machine = results.machine
    parts = [
        HEAD.format(**machine, file=file, limit=results.limit_s),
        tables(results),
        STANDING,
        "\n".join(_standing(results)),
        ABSENT,
        "\n".join(_failures(results)) or "Every run was verified.",
        FORMS,
        "\n".join(_forms(results)),
        LIMITS,
    ]
    return "\n".join(part.strip("\n") + "\n" for part in parts)


def _forms(results: Results) -> Iterator[str]:
    yield _row("", "version", "form")
    yield _row("---", "---", "---")
    for runner, form in results.forms.items():
        yield _row(runner, results.versions.get(runner, "–"), form)


HEAD = """\
# Peers side by side

The same work on one machine by batchrelay on its local cloud, by other workflow programs, and by a bare loop that
starts the processes and does nothing else. `make bench-peers` installs each peer from its lock file
(`locks/peers/`), measures, and writes this page from `{file}`.

{date}; {cpu}, {cores} cores, {memory}; Python {python}; {system}. At the beginning the load was {load}, and a byte
was on the disk after {fsync}, for which a database waits.

Every process is the same small shell script (word count: Python's standard library), two at a time. The seconds are of
the whole command that a user types, from its start to its end: with the start of a server where there is one, and
of the local cloud. Rounds are interleaved: the median, and in brackets the least and the most. A runner that takes
long is measured once. The ratio is to the spawn loop of the same round. After each run it is verified that each process
ran exactly once, a chain in its order, and that the sum of a word count is right. A command still running after
{limit:g} s is ended.
"""
STANDING = """\
## Where batchrelay is slower

By the medians, the fastest first:
"""
ABSENT = "## What failed, or was not started"
FORMS = """\
## What each was given

Each has its own ordinary way to keep its state on disk, and its defaults otherwise. Telemetry is off.
"""
LIMITS = """\
## What this does not say

- It measures what a program adds to processes that take a millisecond. Beside jobs of minutes, all of these are small.
- One machine. A peer's own cluster, server or cloud executor is another form, and was not measured.
- batchrelay's local cloud keeps a run's state in memory, for as long as the command runs; in AWS it is in DynamoDB. The
  peers keep theirs on disk, can go on after an interrupt, and some wait for the disk after each process.
"""
