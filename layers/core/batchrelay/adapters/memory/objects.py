"""S3 in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from batchrelay.domain.errors import InvalidItems


@dataclass
class MemoryUpload:
    """An object in the making."""

    objects: dict[str, bytes]
    uri: str
    body: bytearray = field(default_factory=bytearray)

    def write(self, chunk: bytes) -> None:
        self.body += chunk

    def complete(self) -> None:
        self.objects[self.uri] = bytes(self.body)

    def abort(self) -> None:
        self.body.clear()

    def suspend(self) -> Mapping[str, Any]:
        return {"body": self.body.hex()}


@dataclass
class MemoryObjects:
    """Objects in a dictionary, by URI."""

    objects: dict[str, bytes] = field(default_factory=dict)
    chunk_bytes: int = 65_536
    content_types: dict[str, str] = field(default_factory=dict)

    def read(self, uri: str) -> Iterable[bytes]:
        if uri not in self.objects:
            raise InvalidItems(f"{uri}: there is no such object")
        body = self.objects[uri]
        return (body[at : at + self.chunk_bytes] for at in range(0, len(body), self.chunk_bytes))

    def read_all(self, uris: Sequence[str]) -> Iterator[bytes | None]:
        yield from map(self.objects.get, uris)

    def put(self, uri: str, body: bytes, content_type: str) -> None:
        self.objects[uri] = body
        self.content_types[uri] = content_type

    def read_range(self, uri: str, first: int, last: int) -> bytes:
        body = b"".join(self.read(uri))
        if first >= len(body):
            raise InvalidItems(f"{uri}: cannot be read: it ends before byte {first}")
        return body[first : last + 1]

    def list(self, prefix: str, after: str) -> Iterator[tuple[str, int]]:
        bucket = prefix.removeprefix("s3://").partition("/")[0]
        root = f"s3://{bucket}/"
        for uri in sorted(self.objects, key=str.encode):
            key = uri.removeprefix(root)
            if uri.startswith(prefix) and uri.startswith(root) and key.encode() > after.encode():
                yield key, len(self.objects[uri])

    def upload(self, uri: str, state: Mapping[str, Any] | None = None) -> MemoryUpload:
        body = bytearray.fromhex(state["body"]) if state is not None else bytearray()
        return MemoryUpload(self.objects, uri, body)

    def presigned(self, uri: str, seconds: int) -> str:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        if not key:
            raise InvalidItems(f"{uri!r} is not the S3 URI of an object")
        return f"https://{bucket}.s3.example/{key}?X-Amz-Expires={seconds}"
