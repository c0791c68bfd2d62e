"""What `batchrelay failures` shows of a run, and what `logs` then takes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from click.testing import CliRunner, Result

from batchrelay.domain.failures import RetryFailed, Tolerate
from batchrelay.domain.pipeline import Group, Step
from batchrelay.domain.values import causes_uri
from batchrelay_cli.main import cli
from batchrelay_cli.stack.client import Stack
from tests.builders import step
from tests.handlers import CONTEXT, api, serve
from tests.unit.preparation.collected import LIST, OOM, Collected, child

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


@dataclass(kw_only=True)
class MemoryStack(Stack):
    """The API's function, and the objects of a stack in memory."""

    objects: Mapping[str, bytes]

    def invoke(self, function: str, event: Mapping[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = api.handler(dict(event), CONTEXT)
        return answer

    def read(self, uri: str, first: int, last: int) -> bytes:
        return self.objects[uri][first : last + 1]


Begin = Callable[..., Collected]


@pytest.fixture
def begin(monkeypatch: pytest.MonkeyPatch) -> Begin:
    """A run of these steps, behind the verbs."""

    def begun(*steps: Step, lists: dict[str, bytes] | None = None) -> Collected:
        one = Collected(*steps, lists=lists)
        serve(one.cloud, monkeypatch)
        made = MemoryStack(
            make_client=lambda _: None,
            outputs={"AnswerApiName": "api"},
            objects=one.cloud.objects.objects,
        )
        monkeypatch.setattr("batchrelay_cli.stack.access.find_stack", lambda _: made)
        return one

    return begun


def batchrelay(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def lines(*arguments: str) -> list[str]:
    result = batchrelay("failures", *arguments)
    assert result.exit_code == 0, result.output
    return [" ".join(line.split()) for line in result.output.splitlines()]


def test_a_step_is_shown_with_its_causes_and_a_log_of_each(begin: Begin) -> None:
    one = begin(step("a", file=LIST, tolerate=Tolerate(count=5)))
    [job_id] = one.cloud.jobs.jobs
    one.cloud.logs.lines[f"{job_id}:2"] = (*map(str, range(30)), "S3 403 for key 17", "")
    one.end("a", child(2), child(5), child(7, 137, OOM))
    one.prepare()
    assert lines("run1") == [
        "step a: PARTIAL, 3 of 10 items failed",
        "count class exit code reason / last log line runs again sample item",
        '2 ExitCode 1 S3 403 for key 17 0 2 {"name": "n2"}',
        f'1 OutOfMemory 137 {OOM} 0 7 {{"name": "n7"}}',
        'the end of the log of item 2 {"name": "n2"}:',
        *map(str, range(21, 30)),
        "S3 403 for key 17",
        "all of it: batchrelay logs run1/a:2",
        "once more, on this machine: batchrelay spin run1/a:2",
        'the log of item 7 {"name": "n7"}: batchrelay logs run1/a:7',
        "once more, on this machine: batchrelay spin run1/a:7",
        f"every failed item: {one.run.state('a').failures}failures.jsonl",
        "",
    ]
    assert lines("run1/a") == lines("run1")
    shown = json.loads(batchrelay("failures", "run1", "--output", "json").stdout)
    assert [cause["count"] for cause in shown["steps"][0]["causes"]] == [2, 1]


def test_a_later_round_is_named_with_its_log(begin: Begin) -> None:
    one = begin(step("a", file=LIST, retry_failed=RetryFailed(rounds=1)))
    one.end("a", child(2), child(7))
    one.prepare()
    assert lines("run1")[0] == "step a: ACTIVE, 2 of 10 items failed, 2 of them run again"
    job_id = one.run.state("a").parts[0].job_id
    one.cloud.logs.lines[f"{job_id}:1"] = ("again",)
    one.end("a", child(1), round_number=1)
    one.prepare()
    shown = lines("run1")
    assert shown[0] == "step a: FAILED, 1 of 10 items failed (to round 1)"
    assert "all of it: batchrelay logs run1/a:1 --round 1" in shown


def test_an_item_is_found_behind_groups_and_chunks(begin: Begin) -> None:
    groups = (Group(when="item.name == 'n3'", overrides={"jobQueue": "large"}),)
    one = begin(step("a", file=LIST, groups=groups, chunk=4, tolerate=Tolerate(count=9)))
    one.end("a", part=0)
    one.end("a", child(1), part=1)
    one.prepare()
    [table] = [line for line in lines("run1") if "ExitCode" in line]
    number = one.causes()[0]["sample"]["number"]
    items = [entry["item"]["name"] for entry in one.lines("failures.jsonl")]
    assert table.endswith(f'{number} {{"name": "{items[0]}"}}')


def test_an_item_that_cannot_be_read_is_its_number(begin: Begin) -> None:
    one = begin(step("a", file=LIST, tolerate=Tolerate(count=5)))
    one.end("a", child(2))
    one.prepare()
    uri = f"{one.run.state('a').manifest}items.offsets"
    one.cloud.objects.objects[uri] = b""
    assert any(line.endswith(" 0 2") for line in lines("run1"))


def test_nothing_failed_is_a_sentence_and_no_error(begin: Begin) -> None:
    one = begin(step("a", size=10), step("b", "a"))
    assert lines("run1") == ["run run1 is RUNNING: no item of it failed"]
    assert lines("run1/b") == ["step b of run run1 is WAITING: no item of it failed"]
    one.cloud.engine.cancel("run1", "enough")
    one.cloud.engine.reconcile("run1")
    assert lines("run1") == ["run run1 is CANCELLED (enough): no item of it failed"]


def test_a_step_without_a_job_has_its_reason(begin: Begin) -> None:
    begin(step("a", file="s3://b/absent.json"), step("b", "a"))
    first, reason, _ = lines("run1")
    assert first == "step a: FAILED"
    assert "there is no such object" in reason
    [skipped] = lines("run1/b")
    assert skipped.startswith("step b of run run1 is SKIPPED (needs a, which is FAILED)")


def test_what_is_gone_is_named(begin: Begin) -> None:
    one = begin(step("a", file=LIST, tolerate=Tolerate(count=5)))
    [job_id] = one.cloud.jobs.jobs
    one.end("a", child(2))
    one.prepare()
    del one.cloud.objects.objects[causes_uri(one.run.state("a").failures)]
    one.cloud.jobs.forget(job_id)
    shown = lines("run1")
    assert shown[:2] == ["step a: PARTIAL", "1 × ExitCode (exit code 1)"]
    assert shown[2].startswith("note: its causes are no longer in S3")
    assert shown[3].startswith(f"note: AWS Batch no longer knows job {job_id}")


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("absent", "there is no run absent"),
        ("run1/c", "run run1 has no step c: it has a"),
        ("run1/a:3", "'run1/a:3': write RUN or RUN/STEP"),
        ("run1/", "'run1/': write RUN or RUN/STEP"),
        ("run1/a/b", "'run1/a/b': write RUN or RUN/STEP"),
        ("", "'': write RUN or RUN/STEP"),
    ],
)
def test_a_wrong_place_is_one_line(begin: Begin, place: str, sentence: str) -> None:
    begin(step("a", size=10))
    result = batchrelay("failures", place)
    assert (result.exit_code, result.stdout) == (2, "")
    assert sentence in result.stderr


# --- exit codes


def test_partial_is_4_for_every_verb_that_says_how_a_run_ended(begin: Begin) -> None:
    one = begin(step("a", file=LIST, tolerate=Tolerate(count=5)))
    one.end("a", child(2))
    one.prepare()
    for arguments in (("status", "run1"), ("status", "run1", "--watch")):
        result = batchrelay(*arguments)
        assert (result.exit_code, "PARTIAL" in result.output) == (4, True)
    assert batchrelay("failures", "run1").exit_code == 0, "it was shown"
