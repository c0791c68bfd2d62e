"""An engine's HTTP API over its Unix socket: that of Docker, which Podman has too.

Source: Docker Engine API, 1.41 and later; podman-system-service(1), "Docker compatible".
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterable, Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlencode

from batch_local.errors import EngineError
from batch_local.images import without_tag

ANSWER_S = 60
"""Seconds until an engine that says nothing is given up; not where it waits for a container."""

PULL_S = 1_800
"""Likewise, between two lines of a pull."""

_FRAME = 8
"""Bytes before each piece of a log: its stream, and its length. Source: ContainerAttach."""

_NOT_THERE = 404


class Engine:
    """One engine. Every method may be called from any thread.

    Args:
        path: of its socket.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def check(self) -> None:
        """Raises: EngineError, if none answers."""
        try:
            self._call("GET", "/_ping")
        except EngineError as error:
            raise EngineError(
                f"no engine answers at {self._path} ({error}): start it, or name its socket: "
                "unix:///PATH/OF/ITS.sock"
            ) from None

    def create(self, body: Mapping[str, Any]) -> str:
        """The id of a new container, whose image is pulled if it is not there.

        Raises:
            EngineError: begins with the name that ECS has for it.
        """
        try:
            try:
                return self._created(body)
            except _NotThereError:
                self._pull(str(body["Image"]))
            return self._created(body)
        except EngineError as error:
            if str(error).startswith("CannotPull"):
                raise
            raise EngineError(f"CannotCreateContainerError: {error}") from None

    def start(self, container: str) -> None:
        """Raises: EngineError."""
        try:
            self._call("POST", f"/containers/{container}/start")
        except EngineError as error:
            raise EngineError(f"CannotStartContainerError: {error}") from None

    def kill(self, container: str, signal: str) -> None:
        """Signal a container. Raises: EngineError, if it does not run, too."""
        self._call("POST", f"/containers/{container}/kill?signal={signal}")

    def copy_log(self, container: str, output: int) -> None:
        """Write what a container prints to a file, until its end. Raises: EngineError."""
        query = urlencode({"follow": 1, "stdout": 1, "stderr": 1})
        path = f"/containers/{container}/logs?{query}"
        with self._answer("GET", path, timeout=None) as answer:
            while len(head := answer.read(_FRAME)) == _FRAME:
                piece = answer.read(int.from_bytes(head[4:]))
                while piece:
                    piece = piece[os.write(output, piece) :]

    def wait(self, container: str) -> tuple[int, bool]:
        """The exit code of a container, and whether its memory was used up. Raises: EngineError."""
        ended = self._call("POST", f"/containers/{container}/wait", timeout=None)
        state = self._call("GET", f"/containers/{container}/json")["State"]
        return int(ended["StatusCode"]), bool(state["OOMKilled"])

    def remove(self, container: str) -> None:
        """Remove a container with its volumes without a name. Raises: EngineError."""
        self._call("DELETE", f"/containers/{container}?force=1&v=1")

    def remove_volume(self, name: str) -> None:
        """Raises: EngineError, if another container has it, too."""
        self._call("DELETE", f"/volumes/{name}")

    def _created(self, body: Mapping[str, Any]) -> str:
        return str(self._call("POST", "/containers/create", body)["Id"])

    def _pull(self, image: str) -> None:
        """Raises: EngineError."""
        query = {"fromImage": image} | ({"tag": "latest"} if without_tag(image) == image else {})
        try:
            path = f"/images/create?{urlencode(query, quote_via=quote)}"
            with self._answer("POST", path, timeout=PULL_S) as answer:
                _check_pulled(answer)
        except (EngineError, ValueError) as error:
            raise EngineError(f"CannotPullContainerError: {error}") from None

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        timeout: float | None = ANSWER_S,
    ) -> dict[str, Any]:
        with self._answer(method, path, body, timeout) as answer:
            text = answer.read()
        try:
            document = json.loads(text) if text.startswith(b"{") else {}
        except ValueError:
            raise EngineError("its answer is not JSON") from None
        return dict(document)

    def _answer(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        timeout: float | None = ANSWER_S,
    ) -> _Answer:
        """An answer without an error. Raises: EngineError."""
        connection = _Connection(self._path, timeout)
        try:
            text = None if body is None else json.dumps(body).encode()
            headers = {"Host": "engine", "Connection": "close"}
            connection.request(
                method, path, text, headers | ({"Content-Type": "application/json"} if text else {})
            )
            answer = connection.getresponse()
            if answer.status >= 400:
                raise _error(answer)
        except (OSError, HTTPException) as error:
            connection.close()
            raise EngineError(str(error)) from None
        except EngineError:
            connection.close()
            raise
        return _Answer(connection, answer)


class _NotThereError(EngineError):
    """What is named is not there."""


class _Connection(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, timeout: float | None) -> None:
        super().__init__("engine", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class _Answer:
    """An answer that is read piece by piece; its connection is closed with it."""

    def __init__(self, connection: HTTPConnection, answer: HTTPResponse) -> None:
        self._connection = connection
        self._answer = answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with closing(self._connection), self._answer:
            pass

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        line = self._read(self._answer.readline)
        if not line:
            raise StopIteration
        return line

    def read(self, size: int | None = None) -> bytes:
        """So many bytes, fewer at the end only. Raises: EngineError."""
        return self._read(lambda: self._answer.read(size))

    @staticmethod
    def _read(read: Any) -> bytes:
        try:
            return bytes(read())
        except (OSError, HTTPException) as error:
            raise EngineError(str(error) or type(error).__name__) from None


def _check_pulled(lines: Iterable[bytes]) -> None:
    """A pull is accepted; a line of JSON says that it failed. Raises: EngineError, ValueError."""
    for line in filter(bytes.strip, lines):
        trouble = json.loads(line).get("error")
        if trouble:
            raise EngineError(f"Error response from daemon: {trouble}")


def _error(answer: HTTPResponse) -> EngineError:
    text = answer.read()
    try:
        message = json.loads(text)["message"]
    except (ValueError, KeyError, TypeError):
        message = text.decode(errors="replace").strip() or answer.reason
    kind = _NotThereError if answer.status == _NOT_THERE else EngineError
    return kind(f"Error response from daemon: {message}")
