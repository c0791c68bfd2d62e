"""Folders of their own for attempts: what its own file system is to a container.

A folder that an attempt left empty is given to a later one: an array of 10,000 that writes nothing
needs as many as run at once. One with files is removed, by a thread of its own.
"""

from __future__ import annotations

import os
import queue
import shutil
import stat
import threading
import time
from contextlib import suppress
from itertools import count
from pathlib import Path

STOP_S = 5.0
"""Seconds that the removal of the last folders may take."""

FRESH_NS = 50_000_000
"""Nanoseconds for which a folder's time of change may be too coarse to distinguish two changes."""


class ScratchFolders:
    """The folders below one that is created here.

    Args:
        root: it must not be there yet.
    """

    def __init__(self, root: Path) -> None:
        root.mkdir(mode=0o700)
        self._root = str(root)
        self._numbers = count()
        self._free: list[str] = []
        self._last_changes: dict[str, tuple[int, int]] = {}
        """Inode and time of change of a folder when it was empty."""
        self._rubbish: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._remove_all, name="batch-scratch", daemon=True)
        self._thread.start()

    def take(self) -> str:
        """An empty folder."""
        if self._free:
            return self._free.pop()
        path = f"{self._root}/{next(self._numbers)}"
        os.mkdir(path, mode=0o700)  # noqa: PTH102  # text, thousands of times
        return path

    def give_back(self, path: str) -> None:
        """Nothing runs in a folder any more."""
        if self._is_as_new(path):
            self._free.append(path)
        else:
            self._last_changes.pop(path, None)
            self._rubbish.put(path)

    def close(self) -> None:
        """Wait until what was given back is removed."""
        self._rubbish.put(None)
        self._thread.join(timeout=STOP_S)

    def _is_as_new(self, path: str) -> bool:
        """Whether it is empty. One that has not changed since it was need not be read again."""
        try:
            status = os.lstat(path)
            change = (status.st_ino, status.st_ctime_ns)
            if self._last_changes.get(path) == change:
                return True
            if status.st_mode != stat.S_IFDIR | 0o700:
                return False
            with os.scandir(path) as entries:
                is_empty = next(entries, None) is None
        except OSError:
            return False
        if is_empty and time.time_ns() - status.st_ctime_ns > FRESH_NS:
            self._last_changes[path] = change
        return is_empty

    def _remove_all(self) -> None:
        while (path := self._rubbish.get()) is not None:
            _remove(path)


def _remove(path: str) -> None:
    """A folder with what is in it; what its owner may not write too."""
    shutil.rmtree(path, ignore_errors=True)
    if not os.path.isdir(path) or os.path.islink(path):  # noqa: PTH112, PTH114  # text
        with suppress(OSError):
            os.unlink(path)  # noqa: PTH108  # a file or a link in its place
        return
    with suppress(OSError):
        _unlock(path)
    shutil.rmtree(path, ignore_errors=True)


def _unlock(path: str) -> None:
    os.chmod(path, 0o700)  # noqa: PTH101  # text
    for folder, names, _ in os.walk(path):
        for name in names:
            inner = f"{folder}/{name}"
            if not os.path.islink(inner):  # noqa: PTH114  # what it points to is another's
                os.chmod(inner, 0o700)  # noqa: PTH101  # text
