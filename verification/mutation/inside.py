"""A pytest plugin: measures which test runs which line, then judges mutants in forks.

The process has imported and collected everything once. A fork replaces the code of one function
and runs the tests that cover the line, the fastest first, until one fails. So a mutant costs
a fraction of a second, where a new interpreter costs four.
"""

from __future__ import annotations

import functools
import gc
import json
import os
import signal
import sys
import time
import types
from pathlib import Path

import coverage
import pytest

from verification.mutation.generate import FOLDERS, path_of

SECONDS_PER_MUTANT = 6.0
"""The tests of a mutant, up to this measured time; at least one of them. Those of the module's own
folder come first, then the fastest."""
DEAD, ALIVE, STUCK, UNCOVERED = "killed", "survived", "timed out", "not covered"
INVALID = "not Python"
_FAILED = 1
_COLD = 3


class Judge:
    """Runs in place of pytest's own loop over the tests."""

    def __init__(self, work: Path, results: Path, root: Path) -> None:
        self._work = [json.loads(line) for line in work.read_text().splitlines()]
        self._results = results
        self._root = root
        self._items: dict[str, pytest.Item] = {}
        self._seconds: dict[str, float] = {}
        self._tests: dict[tuple[str, int], set[str]] = {}
        self._functions: dict[tuple[str, str, int], list[types.FunctionType]] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Measure, then fork for each mutant."""
        self._items = {item.nodeid: item for item in session.items}
        self._measure(session)
        if session.testsfailed:
            raise pytest.UsageError("the tests fail without a mutant")
        self._index()
        gc.collect()
        gc.freeze()
        with self._results.open("a") as results:
            for number, mutation in enumerate(self._work, 1):
                verdict = self._judge(session, mutation)
                record = {name: mutation[name] for name in ("module", "function", "text", "digest")}
                results.write(json.dumps({**record, "verdict": verdict}) + "\n")
                results.flush()
                print(
                    f"{number:5}/{len(self._work)}  {verdict:11}  {mutation['module']}"
                    f" {mutation['function']}",
                    file=sys.__stderr__,
                    flush=True,
                )
        return True

    def _measure(self, session: pytest.Session) -> None:
        folders = [str(self._root / folder / "*") for folder in FOLDERS.values()]
        measured = coverage.Coverage(data_file=None, include=folders, config_file=False)
        caches = _caches()
        measured.start()
        for nodeid, item in self._items.items():
            for cache in caches:
                cache.cache_clear()
            measured.switch_context(nodeid)
            begin = time.monotonic()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            self._seconds[nodeid] = time.monotonic() - begin
        measured.stop()
        data = measured.get_data()
        for file in data.measured_files():
            path = str(Path(file).relative_to(self._root))
            for line, nodeids in data.contexts_by_lineno(file).items():
                self._tests[path, line] = {nodeid for nodeid in nodeids if nodeid}

    def _index(self) -> None:
        """Every function of the mutated modules, also those below a decorator."""
        for item in gc.get_objects():
            if isinstance(item, types.FunctionType):
                code = item.__code__
                if code.co_filename.startswith(str(self._root)):
                    path = str(Path(code.co_filename).relative_to(self._root))
                    place = (path, code.co_qualname, code.co_firstlineno)
                    self._functions.setdefault(place, []).append(item)

    def _judge(self, session: pytest.Session, mutation: dict[str, object]) -> str:
        path = path_of(str(mutation["module"]))
        source, function = str(mutation["source"]), str(mutation["function"])
        try:
            code = _code_of(source, function, _int(mutation["line"]))
        except SyntaxError:
            return INVALID
        lines = range(_int(mutation["statement"]), _int(mutation["line"]) + 1)
        nodeids = set().union(*(self._tests.get((path, line), set()) for line in lines))
        functions = self._functions.get((path, code.co_qualname, code.co_firstlineno), [])
        if not nodeids or not functions:
            return UNCOVERED
        items: list[pytest.Item] = []
        budget = SECONDS_PER_MUTANT
        own = f"tests/unit/{str(mutation['module']).partition('/')[0]}/"
        for nodeid in sorted(nodeids, key=lambda n: (not n.startswith(own), self._seconds[n])):
            budget -= self._seconds[nodeid]
            if items and budget < 0:
                break
            items.append(self._items[nodeid])
        process = os.fork()
        if not process:
            _run(session, functions, code, items)
        try:
            _, status = os.waitpid(process, 0)
        except BaseException:
            os.kill(process, signal.SIGKILL)
            raise
        if os.WIFSIGNALED(status):
            return STUCK
        return {0: ALIVE, _FAILED: DEAD}.get(os.WEXITSTATUS(status), UNCOVERED)


def _run(
    session: pytest.Session,
    functions: list[types.FunctionType],
    code: types.CodeType,
    items: list[pytest.Item],
) -> None:
    """In the fork; never returns."""
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(int(5 * SECONDS_PER_MUTANT))
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(nowhere, stream)
        try:
            for function in functions:
                function.__code__ = code
        except ValueError:  # a closure that has lost or won a variable
            os._exit(_COLD)
        for cache in _caches():
            cache.cache_clear()
        for item in items:
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            if session.testsfailed:
                os._exit(_FAILED)
        os._exit(0)
    except BaseException:  # noqa: BLE001 - whatever a mutant raises out of pytest is a failure
        os._exit(_FAILED)


def _caches() -> list[functools._lru_cache_wrapper[object]]:
    return [
        item
        for item in gc.get_objects()
        if isinstance(item, functools._lru_cache_wrapper)
        and str(item.__module__).startswith(("batchrelay.", "batchrelay_worker."))
    ]


def _code_of(source: str, function: str, line: int) -> types.CodeType:
    """The code of the outermost function that holds this line."""
    code = compile(source, "mutated", "exec", dont_inherit=True)
    candidates = [each for each in _nested(code) if each.co_qualname == function]
    before = [each for each in candidates if each.co_firstlineno <= line]
    return max(before, key=lambda each: each.co_firstlineno, default=code)


def _nested(code: types.CodeType) -> list[types.CodeType]:
    children = [each for each in code.co_consts if isinstance(each, types.CodeType)]
    return children + [deeper for child in children for deeper in _nested(child)]


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value


def pytest_configure(config: pytest.Config) -> None:
    """Take the loop over."""
    work, results, root = (
        Path(os.environ[f"MUTATION_{name}"]) for name in ("WORK", "RESULTS", "ROOT")
    )
    config.pluginmanager.register(Judge(work, results, root))
