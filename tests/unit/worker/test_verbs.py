"""What each verb of the worker does with its options."""

from __future__ import annotations

import io
import os
import struct
import sys
from pathlib import Path
from typing import Any

import pytest

from batchrelay_worker import main as command_line
from batchrelay_worker import objects
from batchrelay_worker.items import Child
from batchrelay_worker.main import main
from tests.unit.worker.services import MemoryAws


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> MemoryAws:
    whole = MemoryAws({"s3://b/k": b"\xff"})

    def made(environment: Any) -> MemoryAws:
        assert environment is os.environ
        return whole

    monkeypatch.setattr(command_line, "Aws", made)
    monkeypatch.setattr(objects, "Aws", made)
    return whole


class Steps:
    """What `run` builds, in place of a child at work."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.built: list[Any] = []
        monkeypatch.setattr(command_line, "Program", self._program)
        monkeypatch.setattr(command_line, "Stopping", lambda: self)
        monkeypatch.setattr(command_line, "Work", self._work)

    def _program(self, words: list[str], **options: Any) -> str:
        self.built.append((words, options))
        return "program"

    def _work(self, *arguments: Any) -> Steps:
        self.built.append(arguments)
        return self

    def listen(self) -> None:
        self.built.append("listens")

    def run(self) -> int:
        return 9


CHILD = Child(number=0, row=0, chunk=1, manifest="", results="", queue="", attempt=1)


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ([], {"attempts": 1, "backoff_s": 1.0, "skip_existing": ""}),
        (
            ["--attempts", "3", "--backoff", "0.5", "--skip-existing", "s3://b/{item}"],
            {"attempts": 3, "backoff_s": 0.5, "skip_existing": "s3://b/{item}"},
        ),
    ],
)
def test_a_child_is_run_with_the_options(
    aws: MemoryAws, monkeypatch: pytest.MonkeyPatch, words: list[str], options: dict[str, Any]
) -> None:
    steps = Steps(monkeypatch)
    assert main(["run", *words, "--", "convert", "-n", "{item}"]) == 9
    assert steps.built == [
        "listens",
        (["convert", "-n", "{item}"], {**options, "aws": aws, "stopping": steps}),
        (CHILD, aws, "program", steps),
    ]


def test_a_program_without_options_needs_no_dashes(
    aws: MemoryAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = Steps(monkeypatch)
    assert main(["run", "convert", "{item}"]) == 9
    defaults = {"attempts": 1, "backoff_s": 1.0, "skip_existing": ""}
    options = {**defaults, "aws": aws, "stopping": steps}
    assert steps.built[1] == (["convert", "{item}"], options)


def test_the_words_of_the_process_are_the_default(
    aws: MemoryAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = Steps(monkeypatch)
    monkeypatch.setattr(sys, "argv", ["batchrelay-worker", "run", "--", "convert"])
    assert main() == 9
    assert steps.built[1][0] == ["convert"]


@pytest.mark.parametrize("attempts", ["0", "-1", "x"])
def test_a_number_of_attempts_is_positive(
    capsys: pytest.CaptureFixture[str], attempts: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["run", f"--attempts={attempts}", "--", "convert"])
    assert caught.value.code == 2
    assert f"argument --attempts: invalid _positive value: '{attempts}'" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["run"], ["get"], ["put", "f"], ["ls"], ["cat"], ["x"]])
def test_a_command_line_that_lacks_a_word_is_refused(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("usage: batchrelay-worker ")


def test_code_is_refused_unless_the_pipeline_allows_it(
    aws: MemoryAws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = Steps(monkeypatch)
    words = ["run", "--", "sh", "-c", "echo {item}"]
    assert main(words) == 1
    assert steps.built == []
    assert capsys.readouterr().err.startswith("[batchrelay] {item} is in the code of sh: ")
    monkeypatch.setenv("BATCHRELAY_UNSAFE_SHELL", "1")
    assert main(words) == 9


def test_the_items_are_printed_a_line_each(
    aws: MemoryAws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = '{"key": "é"}\n2\n'.encode()
    aws.objects = {
        "s3://b/m.jsonl": lines,
        "s3://b/m.offsets": struct.pack("<QQ", 0, len(lines)),
    }
    monkeypatch.setenv("BATCHRELAY_MANIFEST", "s3://b/m.jsonl")
    monkeypatch.setenv("AWS_BATCH_JOB_ARRAY_INDEX", "0")
    assert main(["items"]) == 0
    assert capsys.readouterr().out == '{"key": "é"}\n2\n'


def test_the_items_of_a_queue_cannot_be_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BATCHRELAY_QUEUE", "https://q")
    assert main(["items"]) == 1
    assert capsys.readouterr().err == (
        "[batchrelay] the items of this step come from a queue: use `batchrelay-worker run`\n"
    )


def test_an_object_is_copied_to_a_file_or_the_output(
    aws: MemoryAws, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["get", "s3://b/k", str(tmp_path / "f")]) == 0
    assert (tmp_path / "f").read_bytes() == b"\xff"
    for words in (["get", "s3://b/k"], ["get", "s3://b/k", "-"], ["cat", "s3://b/k"]):
        assert main(words) == 0
        sys.stdout.flush()
        assert capfdbinary.readouterr().out == b"\xff"


def test_a_file_or_the_input_is_copied_to_an_object(
    aws: MemoryAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "f").write_bytes(b"\xfe")
    assert main(["put", str(tmp_path / "f"), "s3://b/1"]) == 0
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xfd")))
    assert main(["put", "-", "s3://b/2"]) == 0
    assert aws.objects == {"s3://b/k": b"\xff", "s3://b/1": b"\xfe", "s3://b/2": b"\xfd"}


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["ls", "s3://b/"], b"s3://b/k\n"),
        (["ls", "s3://b/", "--output", "text"], b"s3://b/k\n"),
        (["ls", "s3://b/", "--output", "json"], b'{"uri": "s3://b/k", "bytes": 1}\n'),
    ],
)
def test_objects_are_listed_as_lines_or_json(
    aws: MemoryAws, capfdbinary: pytest.CaptureFixture[bytes], words: list[str], line: bytes
) -> None:
    assert main(words) == 0
    assert capfdbinary.readouterr().out == line


def test_what_goes_wrong_is_a_line_and_the_code_1(
    aws: MemoryAws, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["get", "s3://b/none"]) == 1
    assert main(["put", f"{tmp_path}/none", "s3://b/1"]) == 1
    assert capsys.readouterr().err == (
        "[batchrelay] GET s3://b/none: 404 NoSuchKey\n"
        f"[batchrelay] [Errno 2] No such file or directory: '{tmp_path}/none'\n"
    )


HELP = {
    "run": "run a program for each item",
    "items": "print the items of this child, a line of JSON each",
    "get": "copy an S3 object to a file, or to the output",
    "put": "copy a file, or the input (-), to an S3 object",
    "ls": "print the URIs of the objects below a prefix",
    "cat": "print objects, or all below PREFIX/ in key order",
}
EXAMPLE = """example:
  batchrelay-worker run --attempts 3 -- convert --in "{item.uri}" --number "{item.number}"
"""


def help_of(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as caught:
        main([*words, "--help"])
    assert caught.value.code == 0
    return capsys.readouterr().out


def test_every_verb_has_a_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = help_of([], monkeypatch, capsys)
    assert "Runs a program once for each item of this child of an AWS Batch array job.\n" in text
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line.startswith("    ")]
    assert dict(lines) == HELP
    assert text.endswith(EXAMPLE)


@pytest.mark.parametrize(
    ("verb", "usage", "lines"),
    [
        (
            "run",
            "[-h] [--attempts ATTEMPTS] [--backoff S] [--skip-existing URI] program [program ...]",
            [
                "of each item (1)",
                "seconds before the second (1)",
                "items whose output is there are done",
                "the command, with {item.key} and the like",
            ],
        ),
        ("items", "[-h]", []),
        ("get", "[-h] uri [file]", []),
        ("put", "[-h] file uri", []),
        ("ls", "[-h] [--output {text,json}] uri", ["a URI, or URI and size, a line"]),
        ("cat", "[-h] URI [URI ...]", []),
    ],
)
def test_every_option_has_a_help(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    verb: str,
    usage: str,
    lines: list[str],
) -> None:
    text = help_of([verb], monkeypatch, capsys)
    assert text.startswith(f"usage: batchrelay-worker {verb} {usage}\n")
    assert [line for line in lines if f" {line}\n" not in text] == []
    assert text.endswith(EXAMPLE) is (verb == "run")
