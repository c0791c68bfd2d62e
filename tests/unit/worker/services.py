"""S3 and SQS in memory, as the worker calls them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from batchrelay_worker.aws import Aws
from batchrelay_worker.errors import ServiceError


class MemoryAws(Aws):
    """Objects in a dict; `refusals` has the status of a call that is refused."""

    def __init__(self, objects: Mapping[str, bytes] = {}) -> None:
        super().__init__({"AWS_REGION": "eu-west-1"})
        self.objects = dict(objects)
        self.calls: list[tuple[Any, ...]] = []
        self.refusals: dict[str, int] = {}
        self.answers: dict[str, list[dict[str, Any]]] = {}

    def get(self, uri: str, first: int = 0, last: int | None = None) -> bytes:
        """The bytes of an object."""
        self._called("get", uri, *(() if last is None else (first, last)))
        if uri not in self.objects:
            raise ServiceError(f"GET {uri}: 404 NoSuchKey", 404, "NoSuchKey")
        return self.objects[uri][first : None if last is None else last + 1]

    def read(self, uri: str) -> Iterator[bytes]:
        """An object in two pieces."""
        body = self.get(uri)
        yield from (body[:2], body[2:])

    def listed(self, uri: str) -> Iterator[tuple[str, int]]:
        """Keys and sizes."""
        self._called("list", uri)
        for key in sorted(self.objects):
            if key.startswith(uri):
                yield key, len(self.objects[key])

    def put(self, uri: str, body: bytes) -> None:
        """Write an object."""
        self._called("put", uri)
        self.objects[uri] = body

    def exists(self, uri: str) -> bool:
        """Whether there is an object."""
        self._called("exists", uri)
        return uri in self.objects

    def sqs(self, action: str, url: str, **fields: Any) -> dict[str, Any]:
        """The next answer that is prepared for this action; an empty one behind the last."""
        self._called(action, url, fields)
        answers = self.answers.get(action)
        return answers.pop(0) if answers else {}

    def _called(self, name: str, *rest: Any) -> None:
        self.calls.append((name, *rest))
        status = self.refusals.get(name)
        if status is not None:
            raise ServiceError(f"{name}: {status} Refused", status, "Refused")
