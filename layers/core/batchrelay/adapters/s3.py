"""S3: objects as streams, in constant memory."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError

from batchrelay.adapters.client_errors import AWS_ERRORS, classified
from batchrelay.adapters.clients import aws_client
from batchrelay.domain.errors import InvalidItems, Refused

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client

READ_CHUNK_BYTES = 256 * 1024

UPLOAD_PART_BYTES = 8 * 1024 * 1024
"""Held in memory; 10,000 parts of 8 MiB make 80 GB. Source: S3, multipart upload limits."""

READ_THREADS = 8
"""Objects that are read at the same time; botocore keeps 10 connections."""

_ABSENT = frozenset({"NoSuchKey", "NoSuchBucket", "404"})


@dataclass
class S3Objects:
    """Objects in S3, by URI."""

    make_client: Callable[..., Any] = field(default=aws_client, repr=False)

    @cached_property
    def _client(self) -> S3Client:
        client: S3Client = self.make_client("s3")
        return client

    def read(self, uri: str) -> Iterable[bytes]:
        return self._body(uri).iter_chunks(READ_CHUNK_BYTES)

    def _body(self, uri: str, **part: Any) -> StreamingBody:
        bucket, key = split_uri(uri)
        try:
            return self._client.get_object(Bucket=bucket, Key=key, **part)["Body"]
        except ClientError as error:
            raise _unreadable(uri, error) from None
        except ParamValidationError as error:
            raise InvalidItems(f"{uri}: {error}") from None

    def read_all(self, uris: Sequence[str]) -> Iterator[bytes | None]:
        _ = self._client  # made once, before the threads
        with ThreadPoolExecutor(READ_THREADS) as pool:
            yield from pool.map(self._whole, uris)

    def _whole(self, uri: str) -> bytes | None:
        try:
            return self._body(uri).read()
        except InvalidItems:
            return None

    def put(self, uri: str, body: bytes, content_type: str) -> None:
        bucket, key = split_uri(uri)
        try:
            self._client.put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type)
        except AWS_ERRORS as error:
            raise classified(error) from error

    def read_range(self, uri: str, first: int, last: int) -> bytes:
        return self._body(uri, Range=f"bytes={first}-{last}").read()

    def list(self, prefix: str, after: str) -> Iterator[tuple[str, int]]:
        bucket, _, start = prefix.removeprefix("s3://").partition("/")
        if not prefix.startswith("s3://") or not bucket:
            raise InvalidItems(f"{prefix!r} is not an S3 URI: write s3://bucket/prefix")
        wanted: dict[str, Any] = {"Bucket": bucket, "Prefix": start}
        if after:
            wanted["StartAfter"] = after
        try:
            for page in self._client.get_paginator("list_objects_v2").paginate(**wanted):
                for found in page.get("Contents", ()):
                    yield found["Key"], found["Size"]
        except ClientError as error:
            raise _unreadable(prefix, error) from None
        except ParamValidationError as error:
            raise InvalidItems(f"{prefix}: {error}") from None

    def presigned(self, uri: str, seconds: int) -> str:
        bucket, key = split_uri(uri)
        try:
            return self._signer.generate_presigned_url(
                "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=seconds
            )
        except AWS_ERRORS as error:
            raise classified(error) from error

    @cached_property
    def _signer(self) -> S3Client:
        """Signature Version 4, for the endpoint of the region: new buckets take nothing older, and
        a redirect would change what is signed."""
        style = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
        client: S3Client = self.make_client("s3", config=style)
        return client

    def upload(self, uri: str, state: Mapping[str, Any] | None = None) -> S3Upload:
        bucket, key = split_uri(uri)
        upload = S3Upload(self._client, {"Bucket": bucket, "Key": key})
        if state is not None:
            upload.go_on(state)
        return upload


def _unreadable(uri: str, error: ClientError) -> Exception:
    """Whose fault it is that something cannot be read."""
    if error.response["Error"]["Code"] in _ABSENT:
        return InvalidItems(f"{uri}: there is no such object or bucket")
    problem = classified(error)
    if isinstance(problem, Refused):
        return InvalidItems(f"{uri}: cannot be read: {problem}")
    return error


@dataclass
class S3Upload:
    """One PutObject, or a multipart upload once more than a part was written."""

    client: S3Client
    target: dict[str, Any]
    _held: bytearray = field(default_factory=bytearray)
    _etags: list[str] = field(default_factory=list)
    _upload_id: str | None = None

    def write(self, chunk: bytes) -> None:
        self._held += chunk
        if len(self._held) >= UPLOAD_PART_BYTES:
            try:
                self._send_part()
            except AWS_ERRORS as error:
                raise classified(error) from error

    def complete(self) -> None:
        try:
            self._complete()
        except AWS_ERRORS as error:
            raise classified(error) from error

    def _complete(self) -> None:
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

    def suspend(self) -> Mapping[str, Any]:
        held = base64.b64encode(self._held).decode()
        return {"held": held, "etags": self._etags, "uploadId": self._upload_id}

    def go_on(self, state: Mapping[str, Any]) -> None:
        """Take up what was suspended."""
        self._held = bytearray(base64.b64decode(state["held"]))
        self._etags = list(state["etags"])
        self._upload_id = state["uploadId"]

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
