"""S3: objects as streams, in constant memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError, ParamValidationError

from batchrelay.adapters.client_errors import classified
from batchrelay.domain.errors import InvalidItems, Refused
from batchrelay.ports import ObjectSink

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

READ_CHUNK_BYTES = 256 * 1024

UPLOAD_PART_BYTES = 8 * 1024 * 1024
"""Held in memory; 10,000 parts of 8 MiB make 80 GB. Source: S3, multipart upload limits."""

_ABSENT = frozenset({"NoSuchKey", "NoSuchBucket", "404"})


@dataclass
class S3Objects:
    """Objects in S3, by URI."""

    @cached_property
    def _client(self) -> S3Client:
        return boto3.client("s3")

    def read(self, uri: str) -> Iterable[bytes]:
        bucket, key = split_uri(uri)
        try:
            body = self._client.get_object(Bucket=bucket, Key=key)["Body"]
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                raise InvalidItems(f"{uri}: there is no such object") from None
            problem = classified(error)
            if isinstance(problem, Refused):
                raise InvalidItems(f"{uri}: cannot be read: {problem}") from None
            raise
        except ParamValidationError as error:
            raise InvalidItems(f"{uri}: {error}") from None
        return body.iter_chunks(READ_CHUNK_BYTES)

    @contextmanager
    def write(self, uri: str) -> Iterator[ObjectSink]:
        bucket, key = split_uri(uri)
        upload = _Upload(self._client, {"Bucket": bucket, "Key": key})
        try:
            yield upload
        except BaseException:
            upload.abort()
            raise
        upload.complete()


@dataclass
class _Upload:
    """One PutObject, or a multipart upload once more than a part was written."""

    client: S3Client
    target: dict[str, Any]
    _held: bytearray = field(default_factory=bytearray)
    _etags: list[str] = field(default_factory=list)
    _upload_id: str | None = None

    def write(self, chunk: bytes) -> None:
        self._held += chunk
        if len(self._held) >= UPLOAD_PART_BYTES:
            self._send_part()

    def complete(self) -> None:
        if self._upload_id is None:
            self.client.put_object(Body=bytes(self._held), **self.target)
            return
        if self._held:
            self._send_part()
        parts = [{"ETag": etag, "PartNumber": n} for n, etag in enumerate(self._etags, start=1)]
        self.client.complete_multipart_upload(
            UploadId=self._upload_id,
            MultipartUpload={"Parts": parts},  # type: ignore[typeddict-item]
            **self.target,
        )

    def abort(self) -> None:
        if self._upload_id is not None:
            self.client.abort_multipart_upload(UploadId=self._upload_id, **self.target)

    def _send_part(self) -> None:
        if self._upload_id is None:
            self._upload_id = self.client.create_multipart_upload(**self.target)["UploadId"]
        answer = self.client.upload_part(
            UploadId=self._upload_id,
            PartNumber=len(self._etags) + 1,
            Body=bytes(self._held),
            **self.target,
        )
        self._etags.append(answer["ETag"])
        self._held.clear()


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key. Raises: InvalidItems."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not bucket or not key:
        raise InvalidItems(f"{uri!r} is not the S3 URI of an object: write s3://bucket/key")
    return bucket, key
