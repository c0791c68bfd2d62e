"""The endpoint of ECS's task metadata, which may fail or hang, and a whole child beside it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from batchrelay_worker import usage
from batchrelay_worker.usage import Usage

pytestmark = pytest.mark.cloud  # a server on the loopback interface
TASK = {"AvailabilityZone": "eu-west-1b", "Limits": {"CPU": 0.25, "Memory": 512}}


@contextmanager
def endpoint(
    body: bytes, status: int = 200, wait_s: float = 0.0
) -> Iterator[tuple[str, list[str]]]:
    paths: list[str] = []
    is_over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            is_over.wait(wait_s)
            try:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                pass

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v4/abc", paths
    finally:
        is_over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_endpoint_is_asked_once_for_the_task() -> None:
    with endpoint(json.dumps(TASK).encode()) as (url, paths):
        child = Usage({usage.METADATA: url})
        place = child.so_far(is_last=True)
        assert child.so_far(is_last=True) == place
    assert (place["az"], place["mib"], paths) == ("eu-west-1b", 512, ["/v4/abc/task"])


@pytest.mark.parametrize(("body", "status"), [(b"{", 200), (b"[" * 100_000, 200), (b"{}", 500)])
def test_an_endpoint_that_fails_says_nothing(body: bytes, status: int) -> None:
    with endpoint(body, status) as (url, _):
        assert "az" not in Usage({usage.METADATA: url}).so_far(is_last=True)


def test_an_endpoint_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "METADATA_S", 0.2)
    with endpoint(b"{}", wait_s=30) as (url, _):
        began = time.monotonic()
        child = Usage({usage.METADATA: url})
        assert "az" not in child.so_far(is_last=False)
        assert time.monotonic() - began < 0.15, "a checkpoint waits for nothing"
        assert "az" not in child.so_far(is_last=True)
        assert 0.15 < time.monotonic() - began < 2
