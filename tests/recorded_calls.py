"""Every AWS call that a function makes in a test is held against its role.

For the whole of `pytest`, so that it is every test's and every example's: tests start clouds of
their own, and commands that do. A call that AWS would refuse fails the session and is named below
the tests. BATCHRELAY_SEEN_CALLS names a file where all that was seen is kept.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from verification.permissions.check import Roles
from verification.permissions.recording import Recording
from verification.permissions.seen import write

KEPT_IN = "BATCHRELAY_SEEN_CALLS"


class RecordedCalls:
    """The plugin, in the process that the tests' own processes come from."""

    def __init__(self) -> None:
        self._recording = Recording()
        self._problems: list[str] = []

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        needs = self._recording.needs()
        self._problems = Roles().refused(needs)
        if self._problems:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if KEPT_IN in os.environ:
            write(needs, Path(os.environ[KEPT_IN]))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._problems:
            terminalreporter.section("AWS calls that the role of a function does not allow")
            for problem in self._problems:
                terminalreporter.line(problem)

    def pytest_unconfigure(self) -> None:
        self._recording.end()


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # a process of xdist finds the recording in PYTHONPATH
        config.pluginmanager.register(RecordedCalls())
