"""A transcript can be shared: it has no account, no person, no address."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from batchrelay_cli.doctor.place import Place
from batchrelay_cli.doctor.port import CallFailed
from batchrelay_cli.doctor.redaction import text_without_account, without_account
from tests.unit.cli.doctor.aws import ACCOUNT, CALLER, StubAws, client_error, port_to
from tests.unit.cli.doctor.transcripts import recorded_lines

PLACE = Place(id="0123456789", is_local=False)
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "shared"),
    [
        (f"arn:aws:batch:eu-west-1:{ACCOUNT}:job/x", "arn:aws:batch:eu-west-1:111122223333:job/x"),
        ("arn:aws-us-gov:iam::000000000000:role/r", "arn:aws-us-gov:iam::111122223333:role/r"),
        (f"https://example.com/{ACCOUNT}/q", "https://example.com/111122223333/q"),
        (f"User: {CALLER} is not", "User: arn:aws:sts::111122223333:assumed-role/caller is not"),
        ("no, RequestId: 0a1b-2c", "no, RequestId: …"),
        ("in subnet-0123456789abcdef0", "in subnet-0"),
        (f"9{ACCOUNT}", f"9{ACCOUNT}"),
    ],
)  # fmt: skip
def test_a_text_has_no_account(text: str, shared: str) -> None:
    assert text_without_account(text, ACCOUNT) == shared
    assert text_without_account(shared) == shared


def test_what_no_probe_looks_at_is_left_out() -> None:
    document = {
        "ResponseMetadata": {"RequestId": "r"},
        "Messages": [{"ReceiptHandle": "h", "Body": b"abc", "at": NEW_YEAR}],
        "detail": {"source-ip-address": "192.0.2.1", "requester": ACCOUNT, "size": 3},
    }
    assert without_account(document) == {
        "Messages": [{"Body": "3 bytes", "at": "2026-01-01T00:00:00+00:00"}],
        "detail": {"size": 3},
    }


def test_a_transcript_is_written_without_account_and_person() -> None:
    def respond(name: str, _: object) -> dict[str, object]:
        if name == "batch.submit_job":
            raise client_error("AccessDeniedException", f"User: {CALLER} is not authorized")
        return {"jobs": [{"jobQueue": f"arn:aws:batch:eu-west-1:{ACCOUNT}:job-queue/q"}]}

    port, transcript = port_to(StubAws(respond), PLACE)
    port.identify()
    answer = port.call("Q1", "batch", "DescribeJobs", {"jobs": ["j"]})
    [job] = answer.document["jobs"]
    assert job["jobQueue"] == "arn:aws:batch:eu-west-1:111122223333:job-queue/q"
    with pytest.raises(CallFailed, match="assumed-role/caller is not authorized"):
        port.call("Q1", "batch", "SubmitJob", {"jobName": "j"})
    text = transcript.getvalue()
    assert ACCOUNT not in text
    assert "jane" not in text
    assert [json.loads(line).get("call") for line in text.splitlines()] == [
        None,
        "sts.GetCallerIdentity",
        "batch.DescribeJobs",
        "batch.SubmitJob",
    ]


def test_the_kept_transcript_has_every_call_and_event_and_no_account() -> None:
    lines = [json.loads(line) for line in recorded_lines()]
    calls = {line["call"] for line in lines if "call" in line}
    assert {"batch.CreateComputeEnvironment", "events.PutRule", "sqs.DeleteQueue"} <= calls
    assert sum("event" in line for line in lines) > 150
    assert "000000000000:" not in "".join(recorded_lines())
