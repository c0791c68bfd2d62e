"""Listing and joining objects in shell, against the local cloud's S3; odd keys stay themselves."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from batchrelay_local.launch import LocalCloud
from batchrelay_worker import aws
from batchrelay_worker.aws import Answer, Aws
from batchrelay_worker.errors import ServiceError
from tests.conftest import client_of
from tests.stack import ROOT

BUCKET = "odd-keys"
ODD = (
    "a b",
    "a+b",
    "a%20b",
    "a%2Bb",
    "-leading",
    "q'uote\"s",
    "$(id)`id`;id>x",
    "ümlaut ☃ 漢",
    "{item.key}${run.id}",
    "[brackets]*?",
    "a//b",
    "tab\there",
    "<&>",
    "#?=&",
    "esc\x1b[2J",
    "turned\u202eround",
)


@pytest.fixture(scope="module")
def s3(cloud: LocalCloud) -> Any:
    client = client_of(cloud, "s3")
    client.create_bucket(Bucket=BUCKET)
    for key in ODD:
        client.put_object(Bucket=BUCKET, Key=f"odd/{key}", Body=f"<{key}>".encode())
    client.put_object(Bucket=BUCKET, Key="odd-sibling", Body=b"sibling")
    client.put_object(Bucket=BUCKET, Key="lines/two\nlines", Body=b"x")
    client.put_object(Bucket=BUCKET, Key="marked/", Body=b"")
    client.put_object(Bucket=BUCKET, Key="marked/2", Body=b"two")
    client.put_object(Bucket=BUCKET, Key="marked/10", Body=b"ten")
    return client


def environment(cloud: LocalCloud) -> dict[str, str]:
    return {"PYTHONPATH": str(ROOT / "worker"), **cloud.environment}


def worker(cloud: LocalCloud, *words: str, check: bool = True, **more: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "batchrelay_worker.main", *words],
        env={**environment(cloud), **more},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert not check or done.returncode == 0, done.stderr
    return done


@pytest.mark.cloud
def test_odd_keys_are_listed_in_order_and_each_can_be_read(cloud: LocalCloud, s3: Any) -> None:
    wanted = sorted((f"odd/{key}" for key in ODD), key=str.encode)
    for encoding in ("utf-8", "ascii"):
        done = worker(cloud, "ls", f"s3://{BUCKET}/odd/", PYTHONIOENCODING=encoding)
        assert done.stdout.decode().split("\n") == [f"s3://{BUCKET}/{key}" for key in wanted] + [""]
    listed = worker(cloud, "ls", f"s3://{BUCKET}/odd/", "--output", "json").stdout.splitlines()
    assert [json.loads(line) for line in listed] == [
        {"uri": f"s3://{BUCKET}/{key}", "bytes": len(f"<{key[4:]}>".encode())} for key in wanted
    ]
    uris = [f"s3://{BUCKET}/{key}" for key in wanted]
    assert worker(cloud, "cat", *uris).stdout == "".join(f"<{key[4:]}>" for key in wanted).encode()


@pytest.mark.cloud
def test_what_lies_below_a_prefix_is_joined_in_the_order_of_the_keys(
    cloud: LocalCloud, s3: Any
) -> None:
    joined = "".join(f"<{key}>" for key in sorted(ODD, key=str.encode)).encode()
    assert worker(cloud, "cat", f"s3://{BUCKET}/odd/").stdout == joined
    assert worker(cloud, "cat", f"s3://{BUCKET}/marked/").stdout == b"tentwo"
    assert worker(cloud, "cat", f"s3://{BUCKET}/odd-sibling").stdout == b"sibling"
    assert worker(cloud, "cat", f"s3://{BUCKET}/marked/2", f"s3://{BUCKET}/marked/").stdout == (
        b"twotentwo"
    )
    lines = worker(cloud, "ls", f"s3://{BUCKET}/odd-").stdout
    assert lines == f"s3://{BUCKET}/odd-sibling\n".encode()
    for whole in (f"s3://{BUCKET}", f"s3://{BUCKET}/"):
        listed = worker(cloud, "ls", whole, "--output", "json").stdout
        assert listed.count(b"\n") >= len(ODD) + 5


@pytest.mark.cloud
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("ls", f"s3://{BUCKET}/lines/"), "has a line feed: use --output json"),
        (("ls", "s3://no-such-bucket/"), "NoSuchBucket"),
        (("ls", BUCKET), "is not an S3 URI: write s3://bucket/prefix"),
        (("ls", "s3://"), "is not an S3 URI: write s3://bucket/prefix"),
        (("cat", f"s3://{BUCKET}/nothing/"), f"there is no object below s3://{BUCKET}/nothing/"),
        (("cat", f"s3://{BUCKET}/nothing"), "NoSuchKey"),
        (("cat", f"s3://{BUCKET}"), "is not the S3 URI of an object"),
    ],
)
def test_what_cannot_be_listed_or_read_is_a_sentence(
    cloud: LocalCloud, s3: Any, words: tuple[str, ...], sentence: str
) -> None:
    done = worker(cloud, *words, check=False)
    assert (done.returncode, done.stdout) == (1, b"")
    assert sentence in done.stderr.decode()
    assert done.stderr.decode().count("\n") == 1


@pytest.mark.cloud
def test_a_listing_has_pages_and_a_reader_may_go(cloud: LocalCloud, s3: Any) -> None:
    for number in range(1_005):
        s3.put_object(Bucket=BUCKET, Key=f"many/{number:04}", Body=b"%d\n" % number)
    lines = worker(cloud, "ls", f"s3://{BUCKET}/many/").stdout.decode().splitlines()
    assert lines == [f"s3://{BUCKET}/many/{number:04}" for number in range(1_005)]
    s3.put_object(Bucket=BUCKET, Key="large", Body=b"x" * 2_000_000)
    script = '"$0" -m batchrelay_worker.main cat "$1" | head -c 1; echo " ${PIPESTATUS[0]}"'
    done = subprocess.run(
        ["bash", "-c", script, sys.executable, f"s3://{BUCKET}/large"],
        env={"PATH": "/usr/bin:/bin", **environment(cloud)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == ("x 141\n", "")


class Pieces(Aws):
    """An S3 that has one object, and answers ranges of it."""

    def __init__(self, body: bytes) -> None:
        super().__init__({"AWS_REGION": "r"})
        self.body = body
        self.asked: list[dict[str, str]] = []

    def _s3(self, method: str, uri: str, body: bytes = b"", headers: Any = None) -> Answer:
        self.asked.append(headers)
        first, last = map(int, headers["range"].removeprefix("bytes=").split("-"))
        if first >= len(self.body):
            raise ServiceError("416", 416, "InvalidRange")
        piece = self.body[first : last + 1]
        span = f"bytes {first}-{first + len(piece) - 1}/{len(self.body)}"
        return Answer(206, {"etag": '"e"', "content-range": span}, piece)


@pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 25])
def test_a_large_object_is_read_in_pieces_of_one_version(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aws, "PIECE_BYTES", 10)
    s3 = Pieces(bytes(range(size)))
    pieces: Iterator[bytes] = s3.read("s3://b/k")
    assert b"".join(pieces) == bytes(range(size))
    assert len(s3.asked) == max(1, -(-size // 10))
    assert [asked.get("if-match") for asked in s3.asked[1:]] == ['"e"'] * (len(s3.asked) - 1)
