"""A URI from a list of items never sends a signed request anywhere but to S3."""

from __future__ import annotations

from typing import Any

import pytest

from batchrelay_worker.aws import Answer, Aws
from batchrelay_worker.errors import WorkerError
from batchrelay_worker.signing import Request

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "token",
    "AWS_REGION": "eu-west-1",
}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """What would have been sent."""
    requests: list[Request] = []

    def answer(_: Aws, __: str, request: Request) -> Answer:
        requests.append(request)
        return Answer(200, {}, b"<ListBucketResult></ListBucketResult>")

    monkeypatch.setattr(Aws, "_once", answer)
    return requests


@pytest.mark.parametrize("call", [Aws.get, Aws.exists, lambda aws, uri: list(aws.listed(uri))])
@pytest.mark.parametrize(
    "bucket",
    [
        *("localhost#", "3232235521#", "evil?", "evil:443#", "user@evil", "evil%2f", "evil\\"),
        *(
            "a b",
            "a\r\nhost: evil",
            "a\n",
            "..",
            ".",
            "-a",
            "ü",
            "\udcff",
            "a\0",
            "[::1]",
            "a" * 256,
        ),
    ],
)
def test_a_bucket_that_would_be_another_host_is_refused(
    sent: list[Request], call: Any, bucket: str
) -> None:
    with pytest.raises(WorkerError, match="S3 URI"):
        call(Aws(ENVIRONMENT), f"s3://{bucket}/key")
    assert sent == []


@pytest.mark.parametrize(
    ("uri", "host", "path"),
    [
        ("s3://bucket/a/../b", "bucket.s3.eu-west-1.amazonaws.com", "/a/../b"),
        ("s3://bucket//evil/x", "bucket.s3.eu-west-1.amazonaws.com", "//evil/x"),
        ("s3://bucket/a?b#c%2f", "bucket.s3.eu-west-1.amazonaws.com", "/a%3Fb%23c%252f"),
        ("s3://bucket/a\r\nhost: b", "bucket.s3.eu-west-1.amazonaws.com", "/a%0D%0Ahost%3A%20b"),
        ("s3://My_Old/a", "My_Old.s3.eu-west-1.amazonaws.com", "/a"),
        ("s3://evil.com/a", "s3.eu-west-1.amazonaws.com", "/evil.com/a"),
    ],
)
def test_a_strange_key_is_one_object_of_its_bucket(
    sent: list[Request], uri: str, host: str, path: str
) -> None:
    Aws(ENVIRONMENT).get(uri)
    assert [(request.host, request.path) for request in sent] == [(host, path)]
