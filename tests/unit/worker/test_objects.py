"""What `ls` and `cat` write."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from batchrelay_worker import objects
from batchrelay_worker.errors import WorkerError
from batchrelay_worker.objects import cat, ls
from tests.unit.worker.services import MemoryAws


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> MemoryAws:
    whole = MemoryAws(
        {"s3://b/d/": b"", "s3://b/d/10": b"ten", "s3://b/d/2": b"two", "s3://b/d\x1b": b"x"}
    )

    def made(environment: Any) -> MemoryAws:
        assert environment is os.environ
        return whole

    monkeypatch.setattr(objects, "Aws", made)
    return whole


def options(**fields: Any) -> Any:
    return SimpleNamespace(**fields)


def test_objects_are_listed_a_line_each(
    aws: MemoryAws, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert ls(options(uri="s3://b/d", output="text")) == 0
    lines = b"s3://b/d\x1b\ns3://b/d/\ns3://b/d/10\ns3://b/d/2\n"
    assert capfdbinary.readouterr().out == lines


def test_a_listing_in_json_has_the_sizes(
    aws: MemoryAws, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    aws.objects["s3://b/d/\n"] = b"x"
    assert ls(options(uri="s3://b/d/", output="json")) == 0
    assert capfdbinary.readouterr().out == (
        b'{"uri": "s3://b/d/", "bytes": 0}\n'
        b'{"uri": "s3://b/d/\\n", "bytes": 1}\n'
        b'{"uri": "s3://b/d/10", "bytes": 3}\n'
        b'{"uri": "s3://b/d/2", "bytes": 3}\n'
    )


@pytest.mark.parametrize("end", ["\n", "\r"])
def test_a_key_that_would_be_two_lines_is_refused(aws: MemoryAws, end: str) -> None:
    aws.objects = {f"s3://b/{end}": b""}
    with pytest.raises(WorkerError) as caught:
        ls(options(uri="s3://b/", output="text"))
    assert str(caught.value) == (
        f"the key of {f's3://b/{end}'!r} has a line feed: use --output json"
    )


def test_a_key_cannot_act_on_a_terminal(
    aws: MemoryAws, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True)
    assert ls(options(uri="s3://b/d\x1b", output="text")) == 0
    assert capfdbinary.readouterr().out == b"s3://b/d\\x1b\n"


def test_a_key_that_is_no_text_is_written_as_its_bytes(
    aws: MemoryAws, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    aws.objects = {"s3://b/ü\udcff": b""}
    assert ls(options(uri="s3://b/", output="text")) == 0
    assert capfdbinary.readouterr().out == "s3://b/ü".encode() + b"\xff\n"


def test_objects_and_folders_are_joined_in_order(
    aws: MemoryAws, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert cat(options(uris=["s3://b/d/2", "s3://b/d/"])) == 0
    assert capfdbinary.readouterr().out == b"twotentwo"
    assert aws.calls == [
        ("get", "s3://b/d/2"),
        ("list", "s3://b/d/"),
        ("get", "s3://b/d/10"),
        ("get", "s3://b/d/2"),
    ]


def test_a_folder_with_nothing_in_it_is_refused(aws: MemoryAws) -> None:
    with pytest.raises(WorkerError) as caught:
        cat(options(uris=["s3://b/none/"]))
    assert str(caught.value) == "there is no object below s3://b/none/"


def test_a_folder_of_empty_objects_is_an_empty_text(
    aws: MemoryAws, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    aws.objects = {"s3://b/d/": b"", "s3://b/d/1": b""}
    assert cat(options(uris=["s3://b/d/"])) == 0
    assert capfdbinary.readouterr().out == b""


def test_a_reader_that_has_gone_is_the_code_that_a_shell_has(
    aws: MemoryAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert cat(options(uris=["s3://b/d/2"])) == 141
        stream.write("goes nowhere")
