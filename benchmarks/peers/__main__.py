"""`make bench-peers`: installs the peers, measures all, keeps the JSON and writes the page.

With --quick, --only or --work nothing is kept: the table is printed alone.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from batchrelay_worker import __version__
from benchmarks import machine
from benchmarks.peers.environments import NotInstalled, install, version_of
from benchmarks.peers.page import page, tables
from benchmarks.peers.results import Measurement, Outcome, Results, dumps, load
from benchmarks.peers.rounds import Plan, Session, clock, play
from benchmarks.peers.runners import OURS, OURS_CHUNKED, ROOT, RUNNERS, SPAWN_LOOP, Runner
from benchmarks.peers.work import Kind, Work

PAGE = ROOT / "docs/reference/peers.md"
RESULTS = ROOT / "benchmarks/results"
WORKS = (
    Work(kind=Kind.FAN_OUT, size=1_000),
    Work(kind=Kind.FAN_OUT, size=10_000),
    Work(kind=Kind.CHAIN, size=200),
    Work(kind=Kind.WORD_COUNT, size=500),
)
QUICK = (
    Work(kind=Kind.FAN_OUT, size=20),
    Work(kind=Kind.CHAIN, size=5),
    Work(kind=Kind.WORD_COUNT, size=10),
)
ROUNDS, LONG_S, LIMIT_S = 3, 15.0, 200.0
INTERRUPTED = 130


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    names = ", ".join(runner.name for runner in RUNNERS)
    parser.add_argument("--only", action="append", metavar="NAME", help=f"one of: {names}")
    parser.add_argument("--work", choices=[*Kind], help="this kind of work alone")
    parser.add_argument("--quick", action="store_true", help="small sizes, one round")
    parser.add_argument("--rounds", type=int, metavar="N", help=f"{ROUNDS} by default")
    parser.add_argument(
        "--limit", type=float, default=LIMIT_S, metavar="S", help=f"of a run: {LIMIT_S:g} s"
    )
    parser.add_argument(
        "--page",
        type=Path,
        metavar="JSON",
        help="write the page of kept results, and measure nothing",
    )
    return parser.parse_args(words)


def chosen(only: Sequence[str] | None) -> list[Runner]:
    """The runners to measure: always with the spawn loop, and with ours if none is named."""
    if not only:
        return [*RUNNERS]
    wanted = {SPAWN_LOOP.lower(), *(name.lower() for name in only)}
    if unknown := wanted - {runner.name.lower() for runner in RUNNERS}:
        raise SystemExit(f"no runner {', '.join(sorted(unknown))}: see --help")
    return [runner for runner in RUNNERS if runner.name.lower() in wanted]


def installed(runners: Sequence[Runner]) -> tuple[list[Runner], dict[str, str]]:
    """Those that can be run, and of the others the reason."""
    ready, absent = [], {}
    for runner in runners:
        try:
            if runner.lock:
                install(runner)
            ready.append(runner)
        except NotInstalled as error:
            report(f"{runner.name}: not installed: {error}")
            absent[runner.name] = str(error)
    return ready, absent


def report(text: str) -> None:
    """A progress line."""
    print(f"{clock()} {text}", file=sys.stderr, flush=True)


def report_run(run: Measurement) -> None:
    """A progress line of one run."""
    what = f"{run.outcome}: {run.reason}" if run.reason else f"{run.seconds:.2f} s"
    report(f"{run.work}, round {run.round}: {run.runner}: {what}")


def measure(options: argparse.Namespace) -> Results:
    """Install, and run all rounds."""
    before = machine.describe()
    runners, absent = installed(chosen(options.only))
    rounds = options.rounds or (1 if options.quick else ROUNDS)
    plan = Plan(rounds=rounds, long_s=LONG_S, limit_s=options.limit)
    session = Session(plan=plan, play=play, report=report_run)
    for work in QUICK if options.quick else WORKS:
        if options.work in (None, work.kind):
            session.measure(runners, work)
    versions = {runner.name: version_of(runner) for runner in RUNNERS if runner.lock}
    return Results(
        machine=before,
        versions={OURS: __version__, OURS_CHUNKED: __version__, **versions},
        forms={runner.name: runner.form for runner in RUNNERS},
        absent=absent,
        limit_s=options.limit,
        measurements=tuple(session.measurements),
    )


def write_page(file: Path) -> None:
    """The page of a kept file."""
    name = file.resolve().relative_to(ROOT).as_posix()
    PAGE.write_text(page(load(file), name))


def main() -> int:
    """1 if a run failed."""
    options = arguments()
    if options.page:
        write_page(options.page)
        return 0
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)  # also where a shell ignores SIGINT
    try:
        results = measure(options)
    except KeyboardInterrupt:
        report("interrupted: nothing is kept")
        return INTERRUPTED
    if not (options.only or options.work or options.quick):
        RESULTS.mkdir(exist_ok=True)
        file = RESULTS / f"peers-{results.machine['date']}.json"
        file.write_text(dumps(results))
        write_page(file)
    print(tables(results), end="")
    failed = any(run.outcome is Outcome.FAILED for run in results.measurements)
    return int(failed or bool(results.absent))


if __name__ == "__main__":
    sys.exit(main())
