"""Records the calls of the functions of every local cloud that is started meanwhile.

A cloud hands PYTHONPATH to its functions and not to its jobs. Python imports `sitecustomize` from
there at its start.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.stack import template
from verification.permissions import recorder
from verification.permissions.needs import Need, needs

_AT_START = """\
import os

if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    from batchrelay_recorder import record

    record(os.environ["AWS_LAMBDA_FUNCTION_NAME"], {folder!r})
"""


class Recording:
    """Of this process and of all that it starts from now on, until `end`."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="batchrelay-calls-"))
        self._calls = self._folder / "calls"
        self._calls.mkdir()
        shutil.copy(recorder.__file__, self._folder / "batchrelay_recorder.py")
        start = _AT_START.format(folder=str(self._calls))
        (self._folder / "sitecustomize.py").write_text(start)
        self._path_before = os.environ.get("PYTHONPATH")
        path = [str(self._folder), *([self._path_before] if self._path_before else [])]
        os.environ["PYTHONPATH"] = os.pathsep.join(path)
        os.environ[recorder.FOLDER] = str(self._calls)

    def needs(self) -> Counter[tuple[str, Need]]:
        """What was asked of IAM so far, by function."""
        found: Counter[tuple[str, Need]] = Counter()
        for path in self._calls.iterdir():
            function = _logical_id(path.name)
            for line in _lines(path):
                call = json.loads(line)
                asked = needs(call["call"], call["request"], call["how"])
                found.update((function, need) for need in asked)
        return found

    def end(self) -> None:
        """Remove what was written."""
        os.environ.pop(recorder.FOLDER)
        os.environ.pop("PYTHONPATH")
        if self._path_before is not None:
            os.environ["PYTHONPATH"] = self._path_before
        shutil.rmtree(self._folder)


def _lines(path: Path) -> Iterator[str]:
    """Without the last one if its process was killed while it wrote it."""
    for line in path.read_text().splitlines(keepends=True):
        if line.endswith("\n"):
            yield line


def _logical_id(name: str) -> str:
    """Of a function, from its name in the stack, or from its handler's."""
    for function, entry in template()["Resources"].items():
        if entry["Type"] == "AWS::Serverless::Function":
            handler = entry["Properties"]["Handler"].partition(".")[0]
            if f"-{function}-" in name or name.startswith(f"{handler}-"):
                return str(function)
    raise LookupError(name)
