"""The program `batchrelay`, also as `python -m batchrelay_cli`.

The verbs are imported behind a handler of Ctrl-C: importing takes longer than a person who has
mistyped, and a traceback is no answer to an interrupt.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # `signal` makes enums of it: too slow
import os

from batchrelay_cli import INTERRUPTED


def _end(*_: object) -> None:
    """At once: nothing was begun, and an exception would be lost within an import."""
    os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)


def main() -> None:
    """The entry point."""
    signal.signal(signal.SIGTERM, _end)
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # a shell's `&`, nohup: on purpose
            signal.signal(number, _end)
    from batchrelay_cli.main import main as verbs

    verbs()


if __name__ == "__main__":
    main()
