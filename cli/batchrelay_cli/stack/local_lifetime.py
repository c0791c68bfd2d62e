"""What a verb does when the local cloud that it started is gone."""

from __future__ import annotations

import os
import sys
import time
from typing import NoReturn

from rich.console import Console

from batchrelay_cli.terminal import say
from batchrelay_local.launch import LocalCloud

GONE = 1
"""The exit code."""

WAIT_S = 0.2


def end_with(cloud: LocalCloud, screen: Console | None = None) -> None:
    """From now on, end this process with one sentence if the cloud ends unexpectedly.

    At once and from a thread: the main thread may be within any call of AWS, which is repeated for
    a minute before it fails. Nothing is left to clean up: what the cloud started ends with it.
    """

    def end(sentence: str) -> None:
        if screen is not None and screen.is_terminal:
            screen.show_cursor()
            screen.print()
        sys.stdout.flush()
        say(f"batchrelay: {sentence}", err=True)
        os._exit(GONE)

    cloud.watch(end)


def stay() -> NoReturn:
    """Wait for Ctrl-C, or for the cloud's end, which `end_with` sees."""
    while True:
        time.sleep(WAIT_S)
