"""Takes events out of the queue while the probes are at work."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from batchrelay_cli.doctor.live import LivePort
from batchrelay_cli.doctor.port import CallFailed

WAIT_S = 1
"""Seconds of one ReceiveMessage: the thread ends so soon."""

PAUSE_S = 1
"""Seconds after a call that failed."""


@contextmanager
def receiving(port: LivePort, queue_url: str) -> Iterator[None]:
    """Events are received until this ends."""
    ending = threading.Event()

    def receive() -> None:
        while not ending.is_set():
            try:
                port.receive(queue_url, WAIT_S)
            except CallFailed:
                ending.wait(PAUSE_S)
            except OSError:  # of the transcript: probes have it too
                return

    thread = threading.Thread(target=receive, name="doctor-events", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()
