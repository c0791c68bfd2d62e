"""What is found out about the failures of a round, and what is written of it."""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NoReturn

import pytest

from batchrelay.adapters.memory.logs import MemoryLogs
from batchrelay.domain.errors import Refused
from batchrelay.domain.events import FailuresCollected, SubmissionRefused
from batchrelay.domain.failures import Cause, FailureClass, RetryFailed, Tolerate
from batchrelay.domain.pipeline import Group, ListFile, ListFormat, Step, StepOutputs
from batchrelay.domain.requests import submit_request
from batchrelay.domain.run import Run, RunStatus
from batchrelay.domain.step_state import StepStatus
from batchrelay.domain.transitions import advance
from batchrelay.domain.values import numbers_uri
from batchrelay.preparation.failures import causes, latest_round
from batchrelay.preparation.failures.collector import with_sample_of
from tests.builders import Flow, at, key, step, variables_of
from tests.unit.preparation.collected import LIST, OOM, Collected, child

RETRY = RetryFailed(rounds=1)


def a(**flow: Any) -> Step:
    more: Flow = {"retry_failed": RETRY, **flow}  # type: ignore[typeddict-item]
    return step("a", file=LIST, **more)


def test_the_failed_items_and_their_numbers_are_listed_for_the_next_round() -> None:
    one = Collected(a())
    one.end("a", child(2), child(7, 137, OOM))
    one.prepare()
    assert one.lines("failures.jsonl") == [
        {
            "number": 2, "group": 0, "class": "ExitCode", "exitCode": 1, "reason": "",
            "round": 0, "again": True, "item": {"name": "n2"},
        },
        {
            "number": 7, "group": 0, "class": "OutOfMemory", "exitCode": 137, "reason": OOM,
            "round": 0, "again": True, "item": {"name": "n7"},
        },
    ]  # fmt: skip
    assert one.file("numbers.txt") == b"         2\n         7\n"
    assert one.lines("items.jsonl") == [{"name": "n2"}, {"name": "n7"}]
    assert struct.unpack("<3Q", one.file("items.offsets")) == (0, 14, 28)
    assert json.loads(one.file("list.json")) == {"Items": [{"name": "n2"}, {"name": "n7"}]}
    assert one.run.state("a").reason == (
        "1 × ExitCode (exit code 1), 1 × OutOfMemory (exit code 137)"
    )
    assert [part.size for part in one.run.state("a").parts] == [2]


def test_numbers_lie_in_the_folder_of_their_items_whatever_it_is_called() -> None:
    folder = "s3://my-items/runs/run1/items/r1/t/"
    assert numbers_uri(folder, 0) == f"{folder}numbers.txt"
    assert numbers_uri(folder, 2) == f"{folder}numbers-2.txt"


def test_each_cause_has_one_sample_with_the_end_of_its_log() -> None:
    one = Collected(a())
    name = key("a").name
    [job_id] = [job.job_id for job in one.cloud.jobs.jobs.values() if job.name == name]
    one.cloud.logs.lines[f"{job_id}:2"] = (
        *map(str, range(29)),
        "S3 403 for key 17",
        "",
        "[batchrelay] 1 of 1 item failed",
    )
    one.end("a", child(2, 1, "Task 2 failed"), child(3, 1, "Task 3 failed"), child(5, 2))
    one.prepare()
    assert one.causes() == [
        {
            "class": "ExitCode", "exitCode": 1, "reason": "Task 2 failed", "count": 2, "again": 2,
            "sample": {
                "number": 2, "job": f"{job_id}:2",
                "log": [
                    *map(str, range(12, 29)), "S3 403 for key 17", "",
                    "[batchrelay] 1 of 1 item failed",
                ],
            },
        },
        {
            "class": "ExitCode", "exitCode": 2, "reason": "", "count": 1, "again": 1,
            "sample": {"number": 5, "job": f"{job_id}:5", "log": []},
        },
    ]  # fmt: skip
    assert one.run.state("a").reason == (
        "2 × ExitCode (exit code 1): S3 403 for key 17, 1 × ExitCode (exit code 2)"
    )


class _Refusing(dict[str, tuple[str, ...]]):
    """Logs that CloudWatch refuses to give."""

    def get(self, *_: object) -> NoReturn:
        raise Refused("the log stream is gone")


def test_a_log_that_is_refused_leaves_its_cause_without_one() -> None:
    one = Collected(a())
    one.cloud.logs.lines = _Refusing()
    one.end("a", child(2))
    one.prepare()
    [cause] = one.causes()
    assert cause["sample"]["log"] == []
    assert [part.size for part in one.run.state("a").parts] == [1]


def _cause(named: FailureClass, exit_code: int | None, sample: str) -> Cause:
    return Cause(
        named=named, exit_code=exit_code, reason="gone", count=1, sample_number=3, sample_job=sample
    )


@pytest.mark.parametrize("named", [FailureClass.STOPPED, FailureClass.UPSTREAM])
def test_the_log_of_what_did_not_fail_of_its_own_is_not_read(named: FailureClass) -> None:
    logs = MemoryLogs()
    logs.lines["job:3"] = ("it went well until it was stopped",)
    assert causes.with_log(logs, _cause(named, None, "job:3")).log == ()
    assert causes.with_log(logs, _cause(FailureClass.EXIT_CODE, 1, "job:3")).log != ()


def test_a_cause_keeps_its_earlier_sample_and_takes_no_other_ones() -> None:
    earlier = [_cause(FailureClass.EXIT_CODE, code, f"job:{code}") for code in (1, 2)]
    found = with_sample_of(_cause(FailureClass.EXIT_CODE, 2, "later:0"), earlier)
    assert found.sample_job == "job:2"
    found = with_sample_of(_cause(FailureClass.EXIT_CODE, 4, "later:0"), earlier)
    assert found.sample_job == "later:0"


def test_the_rarer_causes_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(causes, "CAUSES_MAX", 2)
    one = Collected(a())
    one.end("a", child(0), child(1), child(2, 2), child(3, 2), child(4, 3), child(5, 4))
    one.prepare()
    counts = [(cause["reason"], cause["count"], cause["sample"] is None) for cause in one.causes()]
    assert counts == [("", 2, False), ("", 2, False), ("2 rarer causes", 2, True)]


def test_what_fails_again_is_listed_with_what_was_given_up() -> None:
    retry = RetryFailed(rounds=1, when=frozenset({"ExitCode"}))
    one = Collected(a(retry_failed=retry, tolerate=Tolerate(count=3)))
    one.end("a", child(2), child(4), child(7, 137, OOM))
    one.prepare()
    one.end("a", child(1), round_number=1)
    one.prepare()
    state = one.run.state("a")
    assert (state.status, state.failed_items) == (StepStatus.PARTIAL, 2)
    assert [(f["number"], f["round"], f["again"]) for f in one.lines("failures.jsonl")] == [
        (7, 0, False),
        (4, 1, False),
    ]
    assert [cause["count"] for cause in one.causes()] == [1, 1]
    succeeded = [item["name"] for item in one.lines("succeeded.jsonl")]
    assert succeeded == ["n0", "n1", "n2", "n3", "n5", "n6", "n8", "n9"]


def test_nothing_runs_again_in_a_step_that_fails_whatever_it_does() -> None:
    one = Collected(a(retry_failed=RetryFailed(rounds=1, when=frozenset({"ExitCode"}))))
    one.end("a", child(2), child(7, 137, OOM))
    one.prepare()
    state = one.run.state("a")
    assert (state.status, state.failed_items) == (StepStatus.FAILED, 2)
    assert [failure["again"] for failure in one.lines("failures.jsonl")] == [False, False]


def test_an_item_that_ran_out_of_memory_gets_more_and_the_others_do_not() -> None:
    retry = RetryFailed(rounds=2, memory_factor=2.0, memory_mib=1_000)
    one = Collected(a(retry_failed=retry))
    one.end("a", child(2), child(7, 137, OOM))
    one.prepare()
    assert [(part.size, part.group) for part in one.run.state("a").parts] == [(1, 0), (1, 1)]
    assert _memory(one.run, 1) == [None, "2000"]
    one.end("a", round_number=1, part=0)
    one.end("a", child(0, 137, OOM), round_number=1, part=1)
    one.prepare()
    assert [(part.size, part.group) for part in one.run.state("a").parts] == [(1, 2)]
    assert _memory(one.run, 2) == ["4000"]
    assert one.file("numbers-2.txt") == b"         7\n"


def _memory(run: Run, round_number: int) -> list[str | None]:
    found: list[str | None] = []
    for part in range(len(run.state("a").parts)):
        overrides: Any = submit_request(run, key("a", part, round=round_number))[
            "containerOverrides"
        ]
        entries = overrides.get("resourceRequirements", [])
        found.append(next((e["value"] for e in entries if e["type"] == "MEMORY"), None))
    return found


def test_a_group_keeps_its_request_when_its_items_run_again() -> None:
    groups = (Group(when="item.name == 'n3'", overrides={"jobQueue": "large"}),)
    one = Collected(a(groups=groups))
    one.end("a", child(0), part=0)
    one.end("a", child(4), part=1)
    one.prepare()
    queues = [submit_request(one.run, key("a", part, round=1))["jobQueue"] for part in range(2)]
    assert queues == ["large", "queue"]
    assert one.lines("items.jsonl") == [{"name": "n3"}]
    assert one.lines("items-1.jsonl") == [{"name": "n5"}]
    assert one.file("numbers-1.txt") == b"         5\n"


def test_an_item_of_a_group_gets_more_memory_in_its_own_group() -> None:
    groups = (Group(when="item.name == 'n3'", overrides={"jobQueue": "large"}),)
    retry = RetryFailed(rounds=1, memory_factor=1.5, memory_mib=1_001)
    one = Collected(a(groups=groups, retry_failed=retry))
    one.end("a", child(0, 137, OOM), part=0)
    one.end("a", child(4), child(5, 137, OOM), part=1)
    one.prepare()
    assert [(part.size, part.group) for part in one.run.state("a").parts] == [
        (1, 1), (1, 2), (1, 3),
    ]  # fmt: skip
    requests = [submit_request(one.run, key("a", part, round=1)) for part in range(3)]
    assert [request["jobQueue"] for request in requests] == ["queue", "large", "queue"]
    assert _memory(one.run, 1) == [None, "1502", "1502"]
    variables = [variables_of(request) for request in requests]
    names = [v["BATCHRELAY_ITEM_NUMBERS"].rpartition("/")[2] for v in variables]
    assert names == ["numbers-1.txt", "numbers-2.txt", "numbers-3.txt"]
    assert [one.lines(f"items-{n}.jsonl")[0]["name"] for n in (1, 2, 3)] == ["n5", "n3", "n6"]
    assert [v.get("BATCHRELAY_GROUP_OFFSET") for v in variables] == ["0", "1", "2"]


def test_a_round_may_have_another_queue() -> None:
    one = Collected(a(retry_failed=RetryFailed(rounds=1, overrides={"jobQueue": "on-demand"})))
    one.end("a", child(2))
    one.prepare()
    assert submit_request(one.run, key("a", round=1))["jobQueue"] == "on-demand"
    assert [job.request["jobQueue"] for job in one.cloud.jobs.jobs.values()] == [
        "queue",
        "on-demand",
    ]


@pytest.mark.parametrize(
    ("overrides", "memory"),
    [({}, "200"), ({"resourceRequirements": [{"type": "MEMORY", "value": "300"}]}, "600")],
)
def test_memory_grows_from_what_the_round_has(overrides: dict[str, Any], memory: str) -> None:
    own = {
        "resourceRequirements": [{"type": "MEMORY", "value": "100"}, {"type": "VCPU", "value": "1"}]
    }
    again = {"containerOverrides": overrides} if overrides else {}
    retry = RetryFailed(rounds=1, memory_factor=2, memory_mib=50, overrides=again)
    one = Collected(step("a", size=10, request={"containerOverrides": own}, retry_failed=retry))
    one.end("a", child(2, 137, OOM))
    one.prepare()
    request: Any = submit_request(one.run, key("a", round=1))
    entries = request["containerOverrides"]["resourceRequirements"]
    assert [e["value"] for e in entries if e["type"] == "MEMORY"] == [memory]


@pytest.mark.parametrize(
    ("groups", "name"),
    [((), "list.json"), ((Group(when="item.name == 'n0'", overrides={}),), "items-1.jsonl")],
)
def test_the_file_of_a_later_round_lists_its_items_only(
    groups: tuple[Group, ...], name: str
) -> None:
    request: Any = {"parameters": {"list": "${items.file}"}}
    one = Collected(step("a", file=LIST, request=request, groups=groups, retry_failed=RETRY))
    if groups:
        one.end("a", part=0)
    one.end("a", child(2), part=len(groups))
    one.prepare()
    part = len(one.run.state("a").parts) - 1
    again: Any = submit_request(one.run, key("a", part, round=1))
    assert again["parameters"]["list"] == one.run.state("a").failures + name


# --- chunks


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


# --- lists of every shape


SHAPES = [
    (
        ListFile(file="s3://b/x.json", format=ListFormat.JSON, items="plan.files"),
        b'{"plan": {"other": 1, "files": ["a", "b", "c"]}}',
        "list.json",
        b'{"plan":{"files":[\n"a",\n"c"\n]}}\n',
    ),
    (
        ListFile(file="s3://b/x.json", format=ListFormat.JSON),
        b'["a", "b", "c"]',
        "list.json",
        b'[\n"a",\n"c"\n]\n',
    ),
    (ListFile(file="s3://b/x.jsonl"), b'"a"\n"b"\n"c"\n', "list.jsonl", b'"a"\n"c"\n'),
    (ListFile(file="s3://b/x.txt"), b"a\nb\nc\n", "list.txt", b"a\nc\n"),
    (
        ListFile(file="s3://b/x.csv"),
        b'name,note\na,"1, 2"\nb,2\nc,3\n',
        "list.csv",
        b'name,note\na,"1, 2"\nc,3\n',
    ),
    (
        ListFile(file="s3://b/x.csv", format=ListFormat.CSV, separator=";"),
        b"name;n\na;1\nb;2\nc;3\n",
        "list.csv",
        b"name;n\na;1\nc;3\n",
    ),
    (
        ListFile(file="s3://b/x.tsv"),
        b"name\tn\na\t1\nb\t2\nc\t3\n",
        "list.tsv",
        b"name\tn\na\t1\nc\t3\n",
    ),
]


@pytest.mark.parametrize(("listed", "body", "name", "expected"), SHAPES)
@pytest.mark.parametrize("is_gzipped", [False, True])
def test_the_list_has_the_shape_of_the_first(
    listed: ListFile, body: bytes, name: str, expected: bytes, is_gzipped: bool
) -> None:
    suffix = ".gz" if is_gzipped else ""
    source = ListFile(
        file=listed.file + suffix, format=listed.format, items=listed.items,
        separator=listed.separator,
    )  # fmt: skip
    data = gzip.compress(body) if is_gzipped else body
    one = Collected(step("a", for_each=source, retry_failed=RETRY), lists={source.file: data})
    one.end("a", child(0), child(2))
    one.prepare()
    written = one.file(name + suffix)
    assert (gzip.decompress(written) if is_gzipped else written) == expected


# --- steps without items, and pairs


def test_a_step_without_items_lists_numbers_only() -> None:
    one = Collected(step("a", size=10, retry_failed=RETRY))
    one.end("a", child(4), child(9))
    one.prepare()
    assert one.file("numbers.txt") == b"         4\n         9\n"
    written = {uri.rpartition("/")[2] for uri in one.cloud.objects.objects if "/r1/" in uri}
    assert written == {"failures.jsonl", "numbers.txt", "causes.json"}


def test_children_of_a_second_part_are_counted_on_from_the_first() -> None:
    one = Collected(step("a", size=20_000, retry_failed=RETRY))
    assert [part.size for part in one.run.state("a").parts] == [10_000, 10_000]
    one.end("a", child(4), part=0)
    one.end("a", child(9), part=1)
    one.prepare()
    assert one.file("numbers.txt") == b"         4\n     10009\n"


def test_a_plain_job_is_one_item() -> None:
    one = Collected(step("a", retry_failed=RETRY))
    one.end("a", child(0))
    one.prepare()
    assert one.file("numbers.txt") == b"         0\n"
    one.end("a", round_number=1)
    assert one.run.state("a").status is StepStatus.SUCCEEDED


def test_a_pair_runs_again_once_its_first_half_has_succeeded() -> None:
    one = Collected(a(), step("b", "a", n_to_n_needs=frozenset({"a"})))
    one.end("a", child(7))
    one.end("b", child(7, None, "Dependent Job failed"))
    one.prepare()
    one.end("a", round_number=1)
    one.prepare()
    state = one.run.state("b")
    assert (state.status, state.round) == (StepStatus.SUBMITTING, 1) or state.parts[0].job_id
    variables = variables_of(submit_request(one.run, key("b", round=1)))
    assert one.cloud.objects.objects[variables["BATCHRELAY_ITEM_NUMBERS"]] == b"         7\n"
    one.end("b", round_number=1)
    assert one.run.status.value == "SUCCEEDED"


def test_a_pair_whose_first_half_failed_for_good_does_not_run_again() -> None:
    one = Collected(a(tolerate=Tolerate(count=1)), step("b", "a", n_to_n_needs=frozenset({"a"})))
    one.end("a", child(7))
    one.end("b", child(3), child(7, None, "Dependent Job failed"))
    one.prepare()
    one.end("a", child(0), round_number=1)
    one.prepare()
    state = one.run.state("b")
    assert (state.status, state.failed_items, state.upstream_items) == (StepStatus.FAILED, 1, 1)


def test_the_sample_of_what_failed_upstream_is_an_item_that_stays_failed() -> None:
    first = a(
        tolerate=Tolerate(count=2),
        retry_failed=RetryFailed(rounds=1, when=frozenset({"ExitCode:1"})),
    )
    one = Collected(
        first, step("b", "a", n_to_n_needs=frozenset({"a"}), tolerate=Tolerate(count=2))
    )
    one.end("a", child(3, 1), child(7, 9))
    one.end("b", *(child(index, None, "Dependent Job failed") for index in (3, 7)))
    one.prepare()
    one.end("a", round_number=1)
    one.prepare()
    one.end("b", round_number=1)
    one.prepare()
    folder = one.run.state("b").failures
    [cause] = json.loads(one.cloud.objects.objects[f"{folder}causes.json"])["causes"]
    assert (cause["count"], cause["sample"]["number"]) == (1, 7)
    assert cause["sample"]["job"].endswith(":7")


def test_pairs_that_never_had_a_job_all_run_once_the_first_half_is_done() -> None:
    behind = step("b", "a", "slow", n_to_n_needs=frozenset({"a"}))
    one = Collected(a(), step("slow"), behind)
    one.end("a", child(7))
    one.prepare()
    one.end("a", round_number=1)
    one.end("slow")
    one.prepare()
    assert [part.size for part in one.run.state("b").parts] == [10]
    one.end("b", round_number=1)
    assert one.run.status is RunStatus.SUCCEEDED


def test_a_pair_whose_first_half_is_tolerated_stays_undone() -> None:
    one = Collected(
        a(retry_failed=None, tolerate=Tolerate(count=1)),
        step("b", "a", n_to_n_needs=frozenset({"a"})),
    )
    one.end("a", child(7))
    one.end("b", child(7, None, "Dependent Job failed"))
    one.prepare()
    state = one.run.state("b")
    assert (state.status, state.round, state.upstream_items) == (StepStatus.PARTIAL, 0, 1)


# --- what is gone


def test_children_of_a_job_that_aws_batch_has_forgotten_are_lost_and_run_again() -> None:
    one = Collected(step("a", size=3, retry_failed=RETRY))
    one.end("a", child(1))
    [job_id] = one.cloud.jobs.jobs
    one.cloud.jobs.forget(job_id)
    one.prepare()
    assert one.file("numbers.txt") == b"         0\n         1\n         2\n"
    assert [cause["class"] for cause in one.causes()] == ["Lost"]


def test_a_manifest_that_is_gone_is_the_reason_of_the_failure() -> None:
    one = Collected(a())
    one.end("a", child(1))
    uri = f"{one.run.state('a').manifest}items.jsonl"
    del one.cloud.objects.objects[uri]
    one.prepare()
    state = one.run.state("a")
    assert state.status is StepStatus.FAILED
    reason = f"Array Child Job failed; its failures cannot be collected: {uri}"
    assert state.reason.startswith(reason)


@pytest.mark.parametrize("body", [b"x\n", b"12345678901\n", b"-1\n", "²\n".encode()])
def test_numbers_that_are_none_are_the_reason_of_the_failure(body: bytes) -> None:
    one = Collected(a(retry_failed=RetryFailed(rounds=2)))
    one.end("a", child(1))
    one.prepare()
    one.cloud.objects.objects[one.run.state("a").failures + "numbers.txt"] = body
    one.end("a", child(0), round_number=1)
    one.prepare()
    assert "is no number of an item" in one.run.state("a").reason


def test_outputs_of_failed_items_are_not_among_the_outputs() -> None:
    one = Collected(
        a(retry_failed=None, tolerate=Tolerate(count=2), output="s3://b/out/${item.name}"),
        step("z", "a", for_each=StepOutputs(step="a")),
    )
    one.end("a", child(2), child(7))
    one.prepare()
    folder = one.run.state("z").manifest
    listed = one.cloud.objects.objects[f"{folder}items.jsonl"].splitlines()
    names = [json.loads(line)["output"].rpartition("/")[2] for line in listed]
    assert names == ["n0", "n1", "n3", "n4", "n5", "n6", "n8", "n9"]


def test_a_join_behind_a_later_round_gets_the_outputs_of_every_group() -> None:
    groups = (Group(when="item.name == 'n3'", overrides={"jobQueue": "large"}),)
    one = Collected(
        a(groups=groups, output="s3://b/out/${item.name}"),
        step("z", "a", for_each=StepOutputs(step="a")),
    )
    one.end("a", part=0)
    one.end("a", child(2), part=1)
    one.prepare()
    one.end("a", round_number=1)
    one.prepare()
    assert one.run.state("z").items == 10


def test_the_items_that_succeeded_are_known_by_their_number_in_every_group() -> None:
    groups = (Group(when="item.name in ['n3', 'n4']", overrides={"jobQueue": "large"}),)
    one = Collected(a(groups=groups, retry_failed=None, tolerate=Tolerate(count=2)))
    one.end("a", child(1), part=0)
    one.end("a", child(0), part=1)
    one.prepare()
    assert [failure["number"] for failure in one.lines("failures.jsonl")] == [1, 2]
    succeeded = [item["name"] for item in one.lines("succeeded.jsonl")]
    assert succeeded == ["n3", "n1", "n2", "n5", "n6", "n7", "n8", "n9"]


def test_the_event_says_what_was_found() -> None:
    one = Collected(a(tolerate=Tolerate(count=2)))
    one.end("a", child(2), child(7))
    event = one.cloud.engine.preparation.prepare(one.run, "a", 1)
    assert isinstance(event, FailuresCollected)
    assert (event.failed, event.upstream, event.children) == (0, 0, (2,))


def test_each_attempt_writes_into_a_folder_of_its_own() -> None:
    one = Collected(a())
    one.end("a", child(2))
    first = one.cloud.engine.preparation.prepare(one.run, "a", 1)
    one.cloud.clock.move(0.001)
    second = one.cloud.engine.preparation.prepare(one.run, "a", 1)
    assert isinstance(first, FailuresCollected)
    assert isinstance(second, FailuresCollected)
    assert first.failures != second.failures


def test_a_refused_round_keeps_the_sentence_of_aws_batch() -> None:
    one = Collected(step("a", size=3, retry_failed=RETRY))
    one.end("a", child(1))
    event = SubmissionRefused(at=at(20), key=key("a", round=1), reason="no such queue: x")
    state = advance(one.run, FailuresCollected(
        at=at(19), step="a", round=1, failed=0, upstream=0, reason="1 × ExitCode",
        failures="s3://the-bucket/f/", children=(1,),
    )).state("a")  # fmt: skip
    assert state.reason == "1 × ExitCode"
    refused = advance(one.run.with_step("a", state), event).state("a")
    assert (refused.status, refused.round) == (StepStatus.PREPARING, 2)
    assert refused.job_reason == "no such queue: x"


def test_a_refused_job_has_the_sentence_of_aws_batch_as_its_cause() -> None:
    one = Collected(step("a", size=3, tolerate=Tolerate(count=3)))
    [job_id] = one.cloud.jobs.jobs
    part = replace(one.run.state("a").parts[0], job_id=None, since=at(0))
    state = replace(one.run.state("a"), status=StepStatus.SUBMITTING, parts=(part,))
    refusal = SubmissionRefused(at=at(20), key=key("a"), reason="no such queue: x")
    run = advance(one.run.with_step("a", state), refusal)
    one.cloud.runs.runs["run1"] = run
    one.cloud.engine.prepare("run1", "a", 1)
    assert [cause["reason"] for cause in one.causes()] == ["no such queue: x"]
    assert one.run.state("a").status is StepStatus.PARTIAL
    assert job_id in one.cloud.jobs.jobs
