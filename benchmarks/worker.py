"""What a child costs before its first item, and what all children read together."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from batchrelay.adapters.memory import MemoryObjects
from batchrelay.preparation.manifest import ManifestWriter
from batchrelay_local.launch import LocalCloud
from batchrelay_worker.items import Child, row_items
from benchmarks.batch import client

ROOT = Path(__file__).resolve().parent.parent
STARTS = 5

_BY_BOTO3 = """
import boto3, os
s3 = boto3.client("s3")
s3.get_object(Bucket="bench", Key="items.jsonl", Range="bytes=0-9")["Body"].read()
"""

_MEASURED = """
from batchrelay_worker.main import main
main(["run", "--", "python3", "-S", "-c", "pass"])
"""
_UNMEASURED = (
    """
from batchrelay_worker import program, record, usage
program._ended = lambda process: (process.wait(), {})
usage.Container.__init__ = lambda self, environment: None
usage.Container.oom_kills = lambda self: None
usage.Container.usage = lambda self: {}
usage.is_metadata_url = lambda url: False
"""
    + _MEASURED
)


class _CountedS3:
    """S3 in memory, as the worker reads it; counts the bytes."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self._objects = objects
        self.bytes = 0

    def get(self, uri: str, first: int, last: int) -> bytes:
        body = self._objects[uri][first : last + 1]
        self.bytes += len(body)
        return body


def bytes_read(children: int) -> tuple[int, int]:
    """Bytes that all children read of a manifest of so many objects, and of whole lists."""
    objects = MemoryObjects()
    writer = ManifestWriter.begin(objects, "s3://bench/items.jsonl", 1)
    for number in range(children):
        writer.add({"bucket": "my-bucket", "key": f"in/sample-{number:07d}.bam", "size": number})
    writer.complete()
    s3: Any = _CountedS3(objects.objects)
    for number in range(children):
        child = Child(number, number, 1, "s3://bench/items.jsonl", "", "", 1)
        [item] = row_items(child, number, s3)
        assert item.value["size"] == number
    return s3.bytes, children * len(objects.objects["s3://bench/items.jsonl"])


@contextmanager
def _child_of(items: int) -> Iterator[dict[str, str]]:
    """The environment of a child with so many items, beside a cloud that has them."""
    cloud = LocalCloud.start(directory=ROOT, stack=False)
    try:
        s3 = client(cloud, "s3")
        s3.create_bucket(Bucket="bench")
        objects = MemoryObjects()
        writer = ManifestWriter.begin(objects, "s3://bench/items.jsonl", items)
        for _ in range(items):
            writer.add("item")
        writer.complete()
        for uri, body in objects.objects.items():
            s3.put_object(Bucket="bench", Key=uri.removeprefix("s3://bench/"), Body=body)
        yield {
            "PATH": "/usr/bin:/bin",
            **cloud.environment,
            "AWS_BATCH_JOB_ARRAY_INDEX": "0",
            "BATCHRELAY_CHUNK": str(items),
            "BATCHRELAY_MANIFEST": "s3://bench/items.jsonl",
            "BATCHRELAY_RESULTS": "s3://bench/results/",
        }
    finally:
        cloud.stop()


def cpu_to_first_item() -> tuple[float, float]:
    """Seconds of CPU: of the worker until its first item has run, of boto3 until it has read."""
    with _child_of(1) as environment:
        worker = [str(Path(sys.executable).parent / "batchrelay-worker"), "run", "--", "true"]
        boto3 = [sys.executable, "-c", _BY_BOTO3]
        return _cpu(worker, environment), _cpu(boto3, environment)


class _Metadata(BaseHTTPRequestHandler):
    """What ECS says of a task."""

    def do_GET(self) -> None:
        """Answer as on Fargate."""
        body = json.dumps({"LaunchType": "FARGATE", "Limits": {"CPU": 1, "Memory": 2048}}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def cpu_of_measuring(items: int = 40, pairs: int = 10) -> tuple[float, float]:
    """Seconds of CPU of an item, measured and not: children that alternate, in one run; the least.

    A child's CPU is its worker's and its programs', which do nothing but start Python, so that what
    measuring adds is a large part of it. ECS's endpoint is asked too.
    """
    server = HTTPServer(("127.0.0.1", 0), _Metadata)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with _child_of(items) as environment:
            url = f"http://127.0.0.1:{server.server_port}/v4/x"
            environment["ECS_CONTAINER_METADATA_URI_V4"] = url
            ways = [(sys.executable, "-c", script) for script in (_MEASURED, _UNMEASURED)]
            seconds = [[_cpu_once([*way], environment) for way in ways] for _ in range(pairs)]
        measured, unmeasured = (min(of_way) for of_way in zip(*seconds, strict=True))
        return measured / items, unmeasured / items
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _cpu(command: list[str], environment: dict[str, str]) -> float:
    """The least of a few starts."""
    return min(_cpu_once(command, environment) for _ in range(STARTS))


def _cpu_once(command: list[str], environment: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    nowhere = subprocess.DEVNULL
    subprocess.run(command, env=environment, check=True, stdout=nowhere, stderr=nowhere)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def chunked_pipeline(items: int, chunk: int, folder: Path) -> tuple[Path, Path]:
    """A pipeline over the lines of a file, and that file."""
    listed = folder / "items.txt"
    listed.write_text("".join(f"item-{number}\n" for number in range(items)))
    command = ["batchrelay-worker", "run", "--", "true", "{item}"]
    document = {
        "pipeline": "chunked",
        "params": {"items": {"type": "s3uri"}},
        "defaults": {"jobQueue": "q", "jobDefinition": "d"},
        "steps": [
            {"jobName": "a", "flow": {"forEach": {"file": "${params.items}"}, "chunk": chunk}}
        ],
        "jobDefinitions": [
            {
                "jobDefinitionName": "d",
                "type": "container",
                "containerProperties": {"image": "i", "command": command, "vcpus": 1, "memory": 64},
            }
        ],
    }
    file = folder / "chunked.json"
    file.write_text(json.dumps(document))
    return file, listed
