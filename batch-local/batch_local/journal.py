"""What happened, in a file that survives the end of this process: a table of SQLite.

A record is there once `append` returns: a process that is killed then, by anything, loses nothing.
A machine that loses power may lose the last records, never those before them.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from batch_local.errors import StateError

FORMAT = 1
"""Of the file; what reads another is another version of this program."""

_APPLICATION = 0x62617463
"""Marks a file of SQLite as ours: `batc`."""

_FILE = "state.sqlite"


class Journal:
    """The records of a folder, which no other process can open meanwhile.

    Args:
        folder: created if it is not there.
        maker: who writes the records, and how; a journal of another one is refused.

    Raises:
        StateError: the folder is in use, or its state is damaged or of another maker.
        OSError: there cannot be such a folder.
    """

    def __init__(self, folder: Path, maker: str) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = folder / _FILE
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        try:
            connection = sqlite3.connect(
                self.path, isolation_level=None, check_same_thread=False, timeout=0
            )
            try:
                _prepare(connection, self.path, maker)
            except BaseException:
                connection.close()
                raise
        except sqlite3.DatabaseError as error:
            raise StateError(_trouble(self.path, error)) from None
        self._connection = connection

    def append(self, kind: str, body: dict[str, Any]) -> None:
        """Keep a record; nothing, once the journal is closed."""
        text = json.dumps(body, separators=(",", ":"))
        with self._lock:
            if self._connection is not None:
                self._connection.execute("INSERT INTO record (kind, body) VALUES (?, ?)",
                                         (kind, text))  # fmt: skip

    def records(self) -> Iterator[tuple[int, str, dict[str, Any]]]:
        """All of them with their numbers, in order. Raises: StateError."""
        assert self._connection is not None
        try:
            for number, kind, body in self._connection.execute(
                "SELECT number, kind, body FROM record ORDER BY number"
            ):
                yield number, kind, json.loads(body)
        except (sqlite3.DatabaseError, ValueError) as error:
            raise StateError(_trouble(self.path, error)) from None

    def close(self) -> None:
        """What happens from now on is not kept."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None


def _prepare(connection: sqlite3.Connection, path: Path, maker: str) -> None:
    """Own the file, and check it. Raises: StateError, sqlite3.DatabaseError."""
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("BEGIN EXCLUSIVE")  # takes the lock, which stays
    connection.execute("COMMIT")
    if _pragma(connection, "application_id") == 0 and not _has_tables(connection):
        _create(connection, maker)
    if _pragma(connection, "application_id") != _APPLICATION:
        raise StateError(f"{path} is not a state of batch-local: choose another folder")
    version = _pragma(connection, "user_version")
    if version != FORMAT:
        raise StateError(
            f"{path} has the format {version}, and this batch-local reads {FORMAT}: use the "
            "version that wrote it, or choose another folder"
        )
    [flaw] = connection.execute("PRAGMA quick_check(1)").fetchone()
    if flaw != "ok":
        raise StateError(_trouble(path, flaw))
    [writer] = connection.execute("SELECT name FROM maker").fetchone()
    if writer != maker:
        raise StateError(
            f"{path} was written by {writer}, and this is {maker}: use that again, or choose "
            "another folder"
        )


def _create(connection: sqlite3.Connection, maker: str) -> None:
    connection.execute("BEGIN")
    connection.execute("CREATE TABLE maker (name TEXT NOT NULL)")
    connection.execute("INSERT INTO maker VALUES (?)", (maker,))
    connection.execute(
        "CREATE TABLE record (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, body TEXT NOT NULL)"
    )
    connection.execute(f"PRAGMA application_id = {_APPLICATION}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("COMMIT")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    [value] = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)


def _has_tables(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master").fetchone() is not None


def _trouble(path: Path, error: object) -> str:
    if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
        return f"{path.parent} is in use by another batch-local: stop it, or choose another folder"
    return f"{path} is damaged ({error}): restore it, or choose another folder"
