"""Manifests of a million items, and what a worker costs before its first one.

An S3 that answers from memory stands in: it renders pages of a listing, streams one JSONL object,
and swallows uploads, so that what is measured is ours and boto3's. Each measurement is a process
of its own: `python -m benchmarks.items MODE ENDPOINT` prints {"seconds", "cpu", "rss_mb"}.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

ITEMS = 1_000_000
PAGE = 1_000
_ENTRY = (
    "<Contents><Key>in/sample-{0:07d}.bam</Key><LastModified>2026-01-01T00:00:00.000Z"
    "</LastModified><ETag>&quot;9b2cf535f27731c974343645a3985328&quot;</ETag><Size>{0}</Size>"
    "<StorageClass>STANDARD</StorageClass></Contents>"
)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One process."""

    seconds: float
    cpu: float
    rss_mb: int


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        if "list-type" in query:
            self._answer(_page(int(query.get("continuation-token", ["0"])[0])))
        else:
            line = b'{"key":"in/sample-%07d.bam","size":%d}\n'
            self._answer(b"".join(line % (number, number) for number in range(ITEMS)))

    def do_PUT(self) -> None:
        self._swallow()
        self._answer(b"", {"ETag": '"x"'})

    def do_POST(self) -> None:
        self._swallow()
        self._answer(
            b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
            if "uploads" in self.path
            else b"<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>"
        )

    def _swallow(self) -> None:
        left = int(self.headers.get("Content-Length", 0))
        while left:
            left -= len(self.rfile.read(min(left, 1 << 16)))

    def _answer(self, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(200)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        return


def _page(start: int) -> bytes:
    end = min(start + PAGE, ITEMS)
    more = end < ITEMS
    token = f"<NextContinuationToken>{end}</NextContinuationToken>" if more else ""
    entries = "".join(_ENTRY.format(number) for number in range(start, end))
    return (
        f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>{token}{entries}"
        "</ListBucketResult>"
    ).encode()


@contextmanager
def fake_s3() -> Iterator[str]:
    """Its endpoint; it runs in a process of its own."""
    server = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.items", "serve", "-"],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    try:
        yield server.stdout.readline().strip()
    finally:
        server.kill()
        server.wait()


def measure(mode: str, endpoint: str) -> Measured:
    """Run one mode in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.items", mode, endpoint],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return Measured(**json.loads(done.stdout))


# --- the modes ---------------------------------------------------------------


def _s3(endpoint: str) -> Any:
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="bench",
        aws_secret_access_key="bench",  # noqa: S106  # not checked
    )


def bare_listing(endpoint: str) -> None:
    """What boto3 alone takes to list."""
    pages = _s3(endpoint).get_paginator("list_objects_v2").paginate(Bucket="b", Prefix="in/")
    assert sum(len(page["Contents"]) for page in pages) == ITEMS


def bare_loads(endpoint: str) -> None:
    """What json alone takes to read the JSONL object as a whole and write it again."""
    body = _s3(endpoint).get_object(Bucket="b", Key="f.jsonl")["Body"].read()
    items = [json.loads(line) for line in body.splitlines()]
    with Path(os.devnull).open("w") as out:
        for item in items:
            out.write(json.dumps(item) + "\n")


def _prepare(endpoint: str, for_each: Any) -> None:
    from batchrelay.adapters.memory import MemoryClock, MemoryJobs, MemoryLogs, MemoryQueues
    from batchrelay.adapters.s3 import S3Objects
    from batchrelay.domain.events import Prepared
    from batchrelay.domain.pipeline import Pipeline, Step
    from batchrelay.domain.transitions import new_run
    from batchrelay.preparation.prepare import Preparation

    step = Step(name="a", request={"jobQueue": "q", "jobDefinition": "d"}, for_each=for_each)
    clock = MemoryClock()
    run = new_run(
        run_id="r",
        pipeline=Pipeline(name="p", version=1, steps=(step,)),
        params={},
        environment={"bucket": "b", "topicArn": "t"},
        at=clock.now(),
    )
    objects = S3Objects()
    objects.__dict__["_client"] = _s3(endpoint)
    preparation = Preparation(
        objects=objects,
        queues=MemoryQueues(),
        jobs=MemoryJobs(),
        logs=MemoryLogs(),
        clock=clock,
    )
    outcome = preparation.prepare(run, "a", 0)
    assert isinstance(outcome, Prepared), outcome
    assert outcome.items == ITEMS


def listing(endpoint: str) -> None:
    """A manifest of a listing."""
    from batchrelay.domain.pipeline import Listing

    _prepare(endpoint, Listing(prefix="s3://b/in/", suffix=".bam"))


def jsonl(endpoint: str) -> None:
    """A manifest of a JSONL object."""
    from batchrelay.domain.pipeline import ListFile

    _prepare(endpoint, ListFile(file="s3://b/f.jsonl"))


def serve(_: str) -> None:
    """The S3 of these benchmarks."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    server.serve_forever()


MODES: dict[str, Callable[[str], None]] = {
    "bare-listing": bare_listing,
    "bare-loads": bare_loads,
    "listing": listing,
    "jsonl": jsonl,
    "serve": serve,
}


def main() -> None:
    """Run a mode and print what it took."""
    mode, endpoint = sys.argv[1:3]
    began = time.perf_counter()
    MODES[mode](endpoint)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "seconds": time.perf_counter() - began,
                "cpu": usage.ru_utime + usage.ru_stime,
                "rss_mb": usage.ru_maxrss // 1024,
            }
        )
    )


if __name__ == "__main__":
    main()
