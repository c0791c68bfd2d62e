"""`batchrelay report --watch`: the page of a run at work, on this machine only.

The server listens on 127.0.0.1 and answers GET of one path, which has a secret: other users of this
machine may find the port, but not the page. A name that is not its own is refused, so a site that
lets its name point here (DNS rebinding) reads nothing. The page is reloaded by the
browser, as a header says: its policy lets no other script run.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from batchrelay.report.page import page
from batchrelay_cli.terminal import say

HOST = "127.0.0.1"

WATCH_S = 5.0
"""Seconds between two collections, at least: one takes a call of AWS Batch for 100 children."""

REST_RATIO = 4
"""A collection that takes long is followed by a rest of so many times as long."""

LOOK_S = 0.2

REQUEST_S = 5
"""After which a connection that asks for nothing is closed."""


def watch_report(collect: Callable[[], dict[str, Any]], other: dict[str, Any] | None) -> None:
    """Serve the page until Ctrl-C; collect again while the run is open."""
    document = collect()
    shown = Shown()
    shown.show(document, other)
    with serving(shown) as url:
        say(f"{url} shows run {document['run']['id']}, until Ctrl-C")
        pause_s = WATCH_S
        while document["run"]["isOpen"]:
            time.sleep(pause_s)
            start_s = time.monotonic()
            document = collect()
            shown.show(document, other)
            pause_s = max(WATCH_S, REST_RATIO * (time.monotonic() - start_s))
        say(f"run {document['run']['id']} {document['run']['status']}; the page stays until Ctrl-C")
        while True:
            time.sleep(LOOK_S)


@dataclass
class Shown:
    """What is served now."""

    html: bytes = b""
    is_open: bool = True
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def show(self, document: dict[str, Any], other: dict[str, Any] | None) -> None:
        html = page(document, other).encode()
        with self._lock:
            self.html, self.is_open = html, document["run"]["isOpen"]

    def now(self) -> tuple[bytes, bool]:
        with self._lock:
            return self.html, self.is_open


@contextmanager
def serving(shown: Shown) -> Iterator[str]:
    """Yields the address; afterwards the port is closed."""
    path = f"/{secrets.token_urlsafe()}/"
    server = _Server((HOST, 0), _handler(shown, path))
    thread = threading.Thread(target=server.serve_forever, args=(LOOK_S,), daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_address[1]}{path}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def is_own_name(hosts: list[str], port: int) -> bool:
    """Whether a request with these Host headers asks this server, and by its own name."""
    return hosts in ([f"{HOST}:{port}"], [f"localhost:{port}"])


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        """A browser that goes away in the middle of an answer is no news."""


def _handler(shown: Shown, path: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = REQUEST_S
        server_version = "batchrelay"
        sys_version = ""

        def do_GET(self) -> None:
            port = self.connection.getsockname()[1]
            if not is_own_name(self.headers.get_all("Host", []), port):
                self.send_error(HTTPStatus.FORBIDDEN, "this server has another name")
                return
            if not secrets.compare_digest(self.path.encode(), path.encode()):
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            html, is_open = shown.now()
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(html)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("Referrer-Policy", "no-referrer")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("Content-Security-Policy", "frame-ancestors 'none'")
            self.send_header("Cross-Origin-Resource-Policy", "same-origin")
            if is_open:
                self.send_header("Refresh", str(round(WATCH_S)))
            self.end_headers()
            self.wfile.write(html)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
