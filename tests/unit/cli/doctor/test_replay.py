"""`doctor --replay`: the table of a transcript, without a call."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from batchrelay_cli.doctor.transcript import LINE_CHARS_MAX
from batchrelay_cli.main import cli
from tests.unit.cli.doctor.transcripts import TABLE, Line, altered, recorded_lines, written


def replay(path: str, *options: str) -> Result:
    return CliRunner().invoke(cli, ["doctor", "--replay", path, *options])


def differing(path: str) -> list[tuple[str, str]]:
    """Number and aspect of what differs."""
    result = replay(path, "--output", "json")
    assert result.exit_code == 4, result.output
    rows = json.loads(result.stdout)["rows"]
    return [(row["number"], row["aspect"]) for row in rows if row["verdict"] == "differs"]


def test_the_kept_transcript_gives_the_table_that_was_seen(tmp_path: Path) -> None:
    result = replay(written(tmp_path, recorded_lines()), "--output", "json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == json.loads(TABLE.read_text())


def test_the_table_for_people_has_number_question_assumed_observed_and_verdict(
    tmp_path: Path,
) -> None:
    lines = replay(written(tmp_path, recorded_lines())).stdout.splitlines()
    assert lines[0].split() == ["question", "assumed", "observed", "verdict"]
    row = next(line for line in lines if "SUCCEEDED job" in line)
    assert row.split() == ["a", "SUCCEEDED", "job", "runs", "runs", "as", "assumed"]
    assert lines[-1].endswith(" as assumed, 0 differs, 2 not observable")


def test_a_reason_in_other_words_differs(tmp_path: Path) -> None:
    def change(entry: Line) -> None:
        for job in entry["answer"]["jobs"]:
            if job.get("statusReason") == "Array Child Job failed":
                job["statusReason"] = "Array child job failed"

    path, _ = altered(tmp_path, "Q24", "batch.DescribeJobs", change)
    assert differing(path) == [("Q24", "a parent")]


def test_a_request_that_is_accepted_instead_differs(tmp_path: Path) -> None:
    def change(entry: Line) -> None:
        del entry["error"]
        entry["answer"] = {"jobId": "00000000-0000-4000-8000-000000000001"}

    path, _ = altered(tmp_path, "Q1", "batch.SubmitJob", change)
    assert differing(path) == [("Q1", "size 1")]


def test_a_missing_event_differs(tmp_path: Path) -> None:
    lines = [json.loads(line) for line in recorded_lines()]
    submitted = next(e for e in lines if e.get("call") == "batch.SubmitJob" and e["probe"] == "Q5")
    parent = submitted["answer"]["jobId"]

    def is_dropped(entry: Line) -> bool:
        detail = entry.get("event", {}).get("detail", {})
        return (detail.get("jobId"), detail.get("status")) == (parent, "PENDING")

    kept = [entry for entry in lines if not is_dropped(entry)]
    assert len(kept) == len(lines) - 1
    path = written(tmp_path, [json.dumps(entry) for entry in kept])
    assert ("Q5", "of a parent") in differing(path)


def test_a_job_that_never_ends_is_not_observable_and_exit_code_1(tmp_path: Path) -> None:
    """The clock is that of the transcript: nothing waits."""

    def change(entry: Line) -> None:
        entry["at"] += 3_600_000
        entry["answer"]["jobs"] = []

    path, _ = altered(tmp_path, "Q3", "batch.DescribeJobs", change)
    result = replay(path, "--output", "json")
    assert result.exit_code == 1
    rows = [row for row in json.loads(result.stdout)["rows"] if row["number"] == "Q3"]
    assert {row["verdict"] for row in rows} == {"not observable"}
    assert rows[0]["observed"] == "the end of jobs: not within 20 s"


def test_an_answer_of_another_shape_is_not_observable(tmp_path: Path) -> None:
    def change(entry: Line) -> None:
        entry["answer"] = {"jobs": [{"jobName": "without an id"}]}

    path, _ = altered(tmp_path, "Q13", "batch.DescribeJobs", change)
    result = replay(path)
    assert result.exit_code == 1
    assert "KeyError('jobId')" in result.stdout


# --- what is no transcript


def refused(path: str) -> str:
    result = replay(path)
    assert (result.exit_code, result.stdout) == (2, "")
    prefix = f"batchrelay: {path}:"
    assert result.stderr.startswith(prefix)
    return result.stderr.removeprefix(prefix).rstrip("\n")


def test_a_file_without_its_end_is_refused_with_its_last_line(tmp_path: Path) -> None:
    lines = recorded_lines()[:100]
    assert refused(written(tmp_path, lines)) == (
        "100: the transcript ends here, without its last line: doctor was interrupted, or the file "
        "is cut off"
    )


def test_a_line_that_is_cut_off_is_refused_with_its_number(tmp_path: Path) -> None:
    lines = recorded_lines()[:100]
    lines[99] = lines[99][:50]
    assert refused(written(tmp_path, lines)).startswith("100: this is not JSON: ")


def test_a_request_that_no_probe_makes_is_refused_with_its_line(tmp_path: Path) -> None:
    def change(entry: Line) -> None:
        entry["request"]["jobQueue"] = "another"

    path, number = altered(tmp_path, "Q2", "batch.SubmitJob", change)
    assert refused(path).startswith(
        f"{number}: Q2 calls batch.SubmitJob here, with another request"
    )


def test_a_call_that_is_missing_is_refused_with_the_probe(tmp_path: Path) -> None:
    lines = [line for line in recorded_lines() if '"probe": "Q18"' not in line]
    message = refused(written(tmp_path, lines))
    assert message.startswith(f"{len(lines)}: Q18 comes to batch.CancelJobs, which the transcript")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "1: the file is empty: name a transcript of doctor"),
        (['{"a": 1}'], "1: this is no transcript of batchrelay doctor"),
        (["[1]"], "1: a line of a transcript is a JSON object"),
        (["pipeline: p"], "1: this is not JSON: the line is cut off, or not of a transcript"),
        (
            ['{"transcript": "batchrelay doctor", "version": 9}'],
            "1: version 9 of transcripts: this doctor reads 1",
        ),
        (
            ['{"transcript": "batchrelay doctor", "version": 1, "id": 5}'],
            "1: the first line has id, a text, and isLocal, true or false",
        ),
    ],
)
def test_a_foreign_file_is_refused(tmp_path: Path, lines: list[str], message: str) -> None:
    assert refused(written(tmp_path, lines)) == message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"at": "noon"}, "at is a time in milliseconds"),
        ({"answer": 5}, "a call has an answer, or an error with code and message"),
    ],
)
def test_a_line_of_another_form_is_refused(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    path, number = altered(
        tmp_path, "Q18", "batch.TerminateJobs", lambda entry: entry.update(change)
    )
    assert refused(path) == f"{number}: {message}"


def test_a_file_that_is_absent_or_no_text_is_refused(tmp_path: Path) -> None:
    assert refused(str(tmp_path / "absent")) == "1: No such file or directory"
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")
    assert refused(str(binary)) == "1: this is not UTF-8"


def test_a_separator_of_lines_within_a_text_ends_no_line(tmp_path: Path) -> None:
    lines = recorded_lines()
    number = next(n for n, line in enumerate(lines) if "error" in json.loads(line))
    entry = json.loads(lines[number])
    entry["error"]["message"] += "\u2028\x85"
    lines[number] = json.dumps(entry, ensure_ascii=False)
    result = replay(written(tmp_path, lines))
    assert result.exit_code in (0, 4), result.output


def test_a_number_that_is_too_large_is_not_observable(tmp_path: Path) -> None:
    lines = recorded_lines()
    for number, line in enumerate(lines):
        if "sentAt" in (entry := json.loads(line)):
            lines[number] = json.dumps({**entry, "sentAt": 10**400})
    result = replay(written(tmp_path, lines))
    assert result.exit_code == 1
    assert "OverflowError" in result.stdout


def test_a_large_foreign_file_is_refused_at_its_first_line(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(40 * LINE_CHARS_MAX)
    tracemalloc.start()
    assert refused(str(path)) == "1: the line is longer than any of a transcript"
    assert tracemalloc.get_traced_memory()[1] < 10 * LINE_CHARS_MAX
    tracemalloc.stop()
    path.write_text('{"a": 1}\n' + "no JSON\n" * 1000)
    assert refused(str(path)) == "1: this is no transcript of batchrelay doctor"


def test_a_replay_calls_nothing() -> None:
    result = CliRunner().invoke(cli, ["doctor", "--replay", "x", "--account"])
    assert result.exit_code == 2
    assert "--replay calls nothing: leave --account and --transcript out" in result.output
