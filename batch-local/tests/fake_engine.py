"""An engine that listens on a Unix socket, and whose containers are processes of this machine.

It answers as the Docker Engine API is documented, as far as it is used. Its only image is
`busybox`, whose entry point is `env`; `registry/alpine` can be pulled.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

ENTRYPOINT = ["env"]

MEMORY_THAT_IS_TOO_LITTLE = 8 * 1_024 * 1_024
"""Bytes: a container with less is killed by its engine."""


class FakeEngine(ThreadingMixIn, UnixStreamServer):
    """What it was asked for, and what it has."""

    daemon_threads = True

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), _Handler)
        self.url = f"unix://{path}"
        self.images = {"busybox"}
        self.bodies: list[dict[str, Any]] = []
        self.pulls: list[str] = []
        self.signals: list[str] = []
        self.containers: dict[str, dict[str, Any]] = {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.volumes: list[str] = []
        self.may_pull = threading.Event()
        """Set, once `registry/slow` may be there."""

    def get_request(self) -> tuple[Any, Any]:
        request, _ = super().get_request()
        return request, ("engine", 0)


class _Handler(BaseHTTPRequestHandler):
    server: FakeEngine
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """It is silent."""

    def do_GET(self) -> None:
        match self._parts():
            case ["_ping"]:
                self._answer(200, b"OK")
            case ["containers", name, "json"]:
                process, body = self.server.processes[name], self.server.containers[name]
                has_too_little = body["HostConfig"]["Memory"] < MEMORY_THAT_IS_TOO_LITTLE
                state = {"OOMKilled": has_too_little, "ExitCode": process.returncode}
                self._answer(200, {"State": state})
            case ["containers", name, "logs"]:
                self._follow(self.server.processes[name])

    def do_POST(self) -> None:
        match self._parts():
            case ["containers", "create"]:
                self._create()
            case ["images", "create"]:
                self._pull()
            case ["containers", name, "start"]:
                self._start(name)
            case ["containers", name, "kill"]:
                self._kill(self.server.processes[name], signal.Signals[self._query("signal")])
            case ["containers", name, "wait"]:
                code = self.server.processes[name].wait()
                self._answer(200, {"StatusCode": code if code >= 0 else 128 - code})

    def do_DELETE(self) -> None:
        match self._parts():
            case ["containers", name]:
                del self.server.containers[name]
            case ["volumes", name]:
                self.server.volumes.append(name)
        self._answer(204, b"")

    def _create(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if body["Image"] not in self.server.images:
            self._answer(404, {"message": f"No such image: {body['Image']}"})
            return
        name = uuid.uuid4().hex
        self.server.bodies.append(body)
        self.server.containers[name] = body
        self._answer(201, {"Id": name, "Warnings": []})

    def _pull(self) -> None:
        image = self._query("fromImage")
        self.server.pulls.append(f"{image} {self._query('tag')}".strip())
        if image == "registry/slow":
            self.server.may_pull.wait(10)
            image = "registry/alpine"
            self.server.images.add("registry/slow")
        if image == "registry/alpine":
            self.server.images.add(image)
            self._answer(200, b'{"status":"Pulling"}\r\n{"status":"Done"}\r\n')
        elif image == "registry/broken":
            self._answer(200, b'{"status":"Pulling"}\r\n{"error":"no space left on device"}\r\n')
        else:
            message = f"pull access denied for {image}, repository does not exist"
            self._answer(404, {"message": message})

    def _kill(self, process: subprocess.Popen[bytes], number: signal.Signals) -> None:
        """The first process of a container has a signal; with it, all others end."""
        self.server.signals.append(number.name)
        if number is signal.SIGKILL:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        self._answer(204, b"")

    def _start(self, name: str) -> None:
        body = self.server.containers[name]
        words = [*body.get("Entrypoint", ENTRYPOINT), *body.get("Cmd", ["echo", "no command"])]
        variables = dict(entry.split("=", 1) for entry in body["Env"])
        try:
            process = subprocess.Popen(
                words,
                env={"PATH": os.defpath, **variables},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            self._answer(400, {"message": f'exec: "{words[0]}": {error.strerror}'})
            return
        if body["HostConfig"]["Memory"] < MEMORY_THAT_IS_TOO_LITTLE:
            process.kill()
        self.server.processes[name] = process
        self._answer(204, b"")

    def _follow(self, process: subprocess.Popen[bytes]) -> None:
        """Pieces of the output, each behind eight bytes, in chunks."""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        assert process.stdout is not None
        with process.stdout:
            while piece := os.read(process.stdout.fileno(), 65_536):
                self._chunk(b"\1\0\0\0" + len(piece).to_bytes(4) + piece)
        self._chunk(b"")

    def _chunk(self, content: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))
        self.wfile.flush()

    def _answer(self, status: int, content: bytes | dict[str, Any]) -> None:
        text = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if text:
            self.wfile.write(text)

    def _parts(self) -> list[str]:
        return urlsplit(self.path).path.strip("/").split("/")

    def _query(self, name: str) -> str:
        return parse_qs(urlsplit(self.path).query).get(name, [""])[0]


@contextmanager
def fake_engine(folder: Path) -> Iterator[FakeEngine]:
    """One that runs; nothing of it is left."""
    with FakeEngine(folder / "engine.sock") as engine:
        thread = threading.Thread(target=engine.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield engine
        finally:
            engine.shutdown()
            thread.join()
            for process in engine.processes.values():
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
