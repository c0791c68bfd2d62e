"""Runs the probes on a port, side by side; those that look at what others left come last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from batchrelay_cli.doctor.live import LivePort
from batchrelay_cli.doctor.place import Place
from batchrelay_cli.doctor.port import CallFailed, Port
from batchrelay_cli.doctor.probe import Observation, Probe, Row, all_unseen, judged
from batchrelay_cli.doctor.redaction import text_without_account
from batchrelay_cli.doctor.registry import PROBES
from batchrelay_cli.doctor.replay import ReplayPort
from batchrelay_cli.doctor.transcript import Transcript
from batchrelay_cli.doctor.world import Unfinished, World

LOOK_S = 0.2
"""Seconds for which a finished probe is not noticed at most: Ctrl-C is noticed at once."""

Report = Callable[[Probe, Sequence[Row]], None]
"""Called with each probe as it ends."""


def observe(port: Port, place: Place, probe: Probe) -> Observation:
    """What one probe sees. Raises: Stopped, TranscriptError."""
    world = World(port=port, place=place, probe=probe.number, attempts_max=probe.attempts)
    try:
        return probe.run(world)
    except (CallFailed, Unfinished) as error:
        return all_unseen(probe, text_without_account(str(error)))
    except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
        return all_unseen(probe, f"an answer is not of the shape that AWS documents: {error!r}")


def rows_of(port: Port, place: Place, probe: Probe) -> tuple[Row, ...]:
    """One probe, judged."""
    return tuple(judged(probe, observe(port, place, probe)))


def run_live(port: LivePort, place: Place, on_end: Report) -> tuple[Row, ...]:
    """All of them, in the order of the registry. Ctrl-C ends each at its next call."""
    first = [probe for probe in PROBES if not probe.is_last]
    rows: dict[str, tuple[Row, ...]] = {}
    executor = ThreadPoolExecutor(max_workers=len(first))
    try:
        futures = {executor.submit(rows_of, port, place, probe): probe for probe in first}
        for future in _as_they_end(futures):
            probe = futures[future]
            rows[probe.number] = future.result()
            on_end(probe, rows[probe.number])
    except BaseException:
        port.stop()
        raise
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
    for probe in (probe for probe in PROBES if probe.is_last):
        rows[probe.number] = rows_of(port, place, probe)
        on_end(probe, rows[probe.number])
    return _in_order(rows)


def run_replay(transcript: Transcript) -> tuple[Row, ...]:
    """The table of a transcript, without a call. Raises: TranscriptError."""
    port = ReplayPort(transcript)
    return _in_order(
        {probe.number: rows_of(port, transcript.place, probe) for probe in PROBES}
    )  # fmt: skip


def _as_they_end(futures: Iterable[Future[tuple[Row, ...]]]) -> Iterable[Future[tuple[Row, ...]]]:
    """Like `as_completed`, which a signal does not interrupt on every system."""
    pending = set(futures)
    while pending:
        done, pending = wait(pending, timeout=LOOK_S, return_when=FIRST_COMPLETED)
        yield from done


def _in_order(rows: dict[str, tuple[Row, ...]]) -> tuple[Row, ...]:
    return tuple(row for probe in PROBES for row in rows[probe.number])
