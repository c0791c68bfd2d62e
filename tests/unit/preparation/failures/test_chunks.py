"""Of a chunk that failed, the items that its worker did not record as done."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from batchrelay.domain.requests import submit_request
from batchrelay.preparation.failures import latest_round
from tests.builders import key, variables_of
from tests.unit.preparation.collected import Collected, child
from tests.unit.preparation.failures.retried import a


def _record(one: Collected, number: int, entries: Iterable[tuple[int, bool]]) -> None:
    document = {"items": [{"n": n, "ok": ok} for n, ok in entries]}
    uri = f"s3://the-bucket/runs/run1/a/r0/results/{number:07d}.json"
    one.cloud.objects.objects[uri] = json.dumps(document).encode()


def test_of_a_chunk_only_what_the_worker_did_not_record_as_done_runs_again() -> None:
    one = Collected(a(chunk=4))
    _record(one, 0, [(0, True), (1, False), (2, True)])
    one.end("a", child(0), child(2))
    one.prepare()
    assert [failure["number"] for failure in one.lines("failures.jsonl")] == [1, 3, 8, 9]
    assert [part.size for part in one.run.state("a").parts] == [1]
    assert variables_of(submit_request(one.run, key("a", round=1)))["BATCHRELAY_CHUNK"] == "4"


def test_an_item_of_a_chunk_is_done_only_if_its_record_says_true() -> None:
    one = Collected(a(chunk=4))
    entries = [{"n": 0, "ok": "no"}, {"n": 1, "ok": 1}, {"n": 2, "ok": True}]
    uri = "s3://the-bucket/runs/run1/a/r0/results/0000000.json"
    one.cloud.objects.objects[uri] = json.dumps({"items": entries}).encode()
    one.end("a", child(0))
    one.prepare()
    assert [failure["number"] for failure in one.lines("failures.jsonl")] == [0, 1, 3]


def test_the_sample_of_a_chunk_is_an_item_that_failed_with_its_own_last_words() -> None:
    one = Collected(a(chunk=4))
    _record(one, 0, [(0, True), (1, True), (2, False), (3, True)])
    name = key("a").name
    [job_id] = [job.job_id for job in one.cloud.jobs.jobs.values() if job.name == name]
    one.cloud.logs.lines[f"{job_id}:0"] = (
        "of item 1",
        "[batchrelay] item 1 (2 of 4) done in 0.1 s",
        "no header",
        "[batchrelay] item 2 (3 of 4) failed: exit code 1",
        "of item 3",
        "[batchrelay] item 3 (4 of 4) done in 0.1 s",
        "[batchrelay] 1 of 4 items failed, item 2: exit code 1",
    )
    one.end("a", child(0))
    one.prepare()
    [cause] = one.causes()
    assert cause["sample"]["number"] == 2
    assert one.run.state("a").reason == "1 × ExitCode (exit code 1): no header"


def test_a_chunk_whose_items_are_all_recorded_as_done_runs_again_whole() -> None:
    one = Collected(a(chunk=4))
    _record(one, 1, [(number, True) for number in range(4, 8)])
    one.end("a", child(1))
    one.prepare()
    assert [failure["number"] for failure in one.lines("failures.jsonl")] == [4, 5, 6, 7]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"items": [{"n": "x", "ok": true}]}', b"null"])
def test_a_damaged_record_is_ignored(body: bytes) -> None:
    one = Collected(a(chunk=4))
    one.cloud.objects.objects["s3://the-bucket/runs/run1/a/r0/results/0000001.json"] = body
    one.end("a", child(1))
    one.prepare()
    assert [failure["number"] for failure in one.lines("failures.jsonl")] == [4, 5, 6, 7]


def test_records_beyond_the_limit_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latest_round, "RECORDS_READ_MAX", 2)
    one = Collected(a(chunk=4))
    _record(one, 0, [(0, True)])
    _record(one, 1, [(4, True)])
    one.end("a", child(0), child(1))
    one.prepare()
    assert [f["number"] for f in one.lines("failures.jsonl")] == [1, 2, 3, 4, 5, 6, 7]
