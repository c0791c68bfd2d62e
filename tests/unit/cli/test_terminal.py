"""What comes from outside cannot act on the terminal of who prints it, whatever the verb."""

from __future__ import annotations

import io
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from batchrelay.api.views import run_document
from batchrelay.domain.events import JobBlocked
from batchrelay.domain.notices import notice_of
from batchrelay.domain.pipeline import NoticeRule, Param
from batchrelay.domain.run import Run, StartRequest
from batchrelay.domain.step_state import JobOutcome
from batchrelay.domain.values import JobKey, printable
from batchrelay_cli.main import cli
from batchrelay_cli.stack.client import Log, Stack
from batchrelay_cli.terminal import LINE_CHARS_MAX, TEXT_CHARS_MAX, console, cut_line, excerpt
from batchrelay_cli.views.failure import Failure, last_words
from batchrelay_cli.views.run_table import LineDisplay, run_table
from tests.builders import T0, MemoryCloud, pipeline, step
from tests.handlers import CONTEXT, api, serve
from tests.stack import ROOT

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

HOSTILE = "k\x1b]0;a\x07\x1b[2J\x9b31m[bold red]x[/] :smile:\n\rSUCCEEDED\x85\u202e\u2066\u2028\tz"
"""A title, a cleared screen, a colour in C1, markup, a forged line, directions turned round."""

SHOWN = r"k\x1b]0;a\x07\x1b[2J\x9b31m[bold red]x[/] :smile:\n\rSUCCEEDED\x85\u202e\u2066\u2028\tz"


def test_printable_is_a_table() -> None:
    for text, wanted in (
        ("plain é ☃ 漢字", "plain é ☃ 漢字"),
        ("a\xa0b\u3000c", "a\xa0b\u3000c"),
        ("n\u200cm \U0001f469\u200d\U0001f4bb", "n\u200cm \U0001f469\u200d\U0001f4bb"),
        ("\x1b[31mred\x1b[0m \x1b[1;38:5:9mx", "red x"),
        ("\x1b[2J\x1b[31", r"\x1b[2J\x1b[31"),
        ("a\tb\nc\r", r"a\tb\nc\r"),
        ("\x00\x08\x7f\x80\x9b", r"\x00\x08\x7f\x80\x9b"),
        ("\xad\ufeff\u200b\u200e", r"\xad\ufeff\u200b\u200e"),
        ("".join(map(chr, range(0x202A, 0x202F))), r"\u202a\u202b\u202c\u202d\u202e"),
        ("".join(map(chr, range(0x2066, 0x206A))), r"\u2066\u2067\u2068\u2069"),
        ("\u2028\u2029\x85\x0b\x0c\x1c", r"\u2028\u2029\x85\x0b\x0c\x1c"),
        ("\ud800x", r"\ud800x"),
        ("[bold]x[/]", "[bold]x[/]"),
    ):  # fmt: skip
        assert printable(text) == wanted
    assert printable("a\tb\nc", keep="\t") == "a\tb\\nc"
    assert printable(HOSTILE) == SHOWN


def test_no_character_passes_that_acts_on_a_terminal() -> None:
    passed = [chr(n) for n in range(0x110000) if printable(chr(n)) == chr(n)]
    kinds = {unicodedata.category(char) for char in passed}
    assert kinds.isdisjoint({"Cc", "Cs", "Zl", "Zp"})
    assert {char for char in passed if unicodedata.category(char) == "Cf"} == {"\u200c", "\u200d"}


def test_an_excerpt_is_short_and_of_a_progress_bar_the_end() -> None:
    bar = "".join(f"\r{n:,} of 1,000,000" for n in range(300_000)) + "\r"
    assert len(bar) > 5_000_000
    assert last_words([bar, " "]) == ": 299,999 of 1,000,000"
    no_end = "12 %\rdisk full[batchrelay] item 3 (1 of 1) failed: exit code 7"
    assert last_words([no_end]) == ": disk full (item 3 (1 of 1) failed: exit code 7)"
    assert last_words(["x" * 5_000_000]) == ": " + "x" * (TEXT_CHARS_MAX - 1) + "…"
    assert excerpt("  why\n  not ") == r"why\n  not"
    assert excerpt("") == last_words(["", "\r"]) == last_words([]) == ""
    line = cut_line("y" * 5_000_000 + "\r")
    assert line == "y" * LINE_CHARS_MAX + "… (4,990,000 more characters)"


def test_a_screen_filters_every_text_of_its_own() -> None:
    """Also one that was not filtered before."""
    written = io.StringIO()
    console(file=written, width=1_000).print(f"a\tb {HOSTILE}", HOSTILE)
    assert printable(written.getvalue(), keep="\n\t ") == written.getvalue()
    assert written.getvalue().count(r"k\x1b]0;a\x07\x1b[2J\x9b31m[bold red]x[/] :smile:") == 2


def test_a_text_on_a_screen_forges_no_line() -> None:
    written = io.StringIO()
    console(file=written, width=1_000).print("wrong\nRun them again: batchrelay z")
    assert written.getvalue() == "wrong\\nRun them again: batchrelay z\n"


# --- every verb ----------------------------------------------------------------


@dataclass(kw_only=True)
class MemoryStack(Stack):
    """The functions of a stack in memory, and jobs as AWS Batch describes them."""

    cloud: MemoryCloud
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    printed: dict[str, Log] = field(default_factory=dict)
    letters: list[str] = field(default_factory=list)

    def invoke(self, function: str, event: Mapping[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = api.handler(dict(event), CONTEXT)
        return answer

    def describe(self, job_ids: Sequence[str]) -> list[Mapping[str, Any]]:
        return [self.jobs[job_id] for job_id in job_ids if job_id in self.jobs]

    def failed_child(self, parent_id: str) -> str | None:
        return f"{parent_id}:0"

    def log_of(self, job: Mapping[str, Any], lines_max: int = 1_000) -> Log:
        return self.printed.get(job["jobId"], Log(lines=[]))


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> MemoryStack:
    """A run whose every text from outside is hostile, behind the verbs."""
    cloud = MemoryCloud(
        pipeline(step("a", size=2), step("b"), step("c"), params=(Param(name="text", default=""),))
    )
    serve(cloud, monkeypatch)
    trigger = {"bucket": "b", "key": HOSTILE}
    order = StartRequest(run_id="run1", pipeline="test", version=1, trigger=trigger)
    cloud.engine.start(replace(order, params={"text": HOSTILE}))
    cloud.pipelines.register(pipeline(step("a")), T0)
    first, second, _ = cloud.jobs.jobs
    cloud.jobs.end(first, JobOutcome.FAILED, HOSTILE)
    cloud.engine.reconcile("run1")
    cloud.prepare()
    key = JobKey(run_id="run1", label="b", round=0, part=0)
    cloud.engine.handle("run1", [JobBlocked(at=T0, key=key, job_id=second, reason=HOSTILE)])
    outputs = {"AnswerApiName": "api", "ReconcileName": "r", "TableName": "t"}
    monkeypatch.setattr("batchrelay_cli.client.budget_check.store", lambda *_: cloud.pipelines)
    made = MemoryStack(make_client=lambda _: None, outputs=outputs, cloud=cloud)
    detail: dict[str, Any] = {"jobId": f"{first}:0", "status": "FAILED", "attempts": [{}]}
    detail["container"] = {"exitCode": 1, "logStreamName": "s"}
    made.jobs[f"{first}:0"] = {**detail, "arrayProperties": {"index": 0}}
    made.printed[f"{first}:0"] = Log(lines=["first", HOSTILE], is_cut=True)
    monkeypatch.setattr("batchrelay_cli.stack.access.find_stack", lambda _: made)
    return made


def batchrelay(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def check(output: str) -> None:
    """Nothing acts on the terminal, and markup stays what it is."""
    assert printable(output, keep="\n") == output
    assert "[bold red]x[/] :smile:" in re.sub(r"\s*\n\s*", "", output)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("status", "run1"), 3),
        (("runs",), 0),
        (("runs", "test"), 0),
        (("history", "run1"), 0),
        (("failures", "run1"), 0),
        (("failures", HOSTILE), 2),
        (("cancel", HOSTILE), 2),
        (("status", HOSTILE), 2),
        (("history", HOSTILE), 2),
        (("logs", f"{HOSTILE}/a"), 2),
        (("logs", f"run1/{HOSTILE}"), 2),
        (("logs", HOSTILE), 2),
        (("runs", HOSTILE), 2),
        (("runs", "--next", "x", HOSTILE), 2),
        (("start", "test", "--param", f"{HOSTILE}=x"), 2),
        (("start", HOSTILE), 2),
        (("tune", HOSTILE.replace("/", "")), 2),
        (("cancel", "--all-of", HOSTILE), 2),
        (("cancel", "--all-of", "test", "--no" + HOSTILE), 2),
    ],
)
@pytest.mark.usefixtures("stack")
def test_a_verb_prints_nothing_that_acts(arguments: tuple[str, ...], code: int) -> None:
    result = batchrelay(*arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        shown = io.StringIO()  # click's own refusals are shown by `main`
        result.exception.show(shown)  # type: ignore[attr-defined]
        check(printable(shown.getvalue(), keep="\n"))
        return
    assert result.exit_code == code, result.output
    assert printable(result.output, keep="\n") == result.output
    if code != 2:
        check(result.output)


def test_a_key_is_one_line_of_the_table_of_runs(stack: MemoryStack) -> None:
    [line] = batchrelay("runs").output.splitlines()
    assert line.endswith(f"s3://b/{SHOWN}")
    [run] = json.loads(batchrelay("runs", "--output", "json").stdout)["runs"]
    assert run["cause"] == f"s3://b/{HOSTILE}", "a program gets it exactly"


def test_a_log_keeps_its_tabs_and_its_json_is_exact(stack: MemoryStack) -> None:
    result = batchrelay("logs", "run1/a")
    assert result.stdout == "first\n" + SHOWN.replace(r"\t", "\t") + "\n"
    document = json.loads(batchrelay("logs", "run1/a:0", "--output", "json").stdout)
    assert document["lines"] == ["first", HOSTILE]


def test_a_dead_letter_is_one_short_line(
    stack: MemoryStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies = [HOSTILE, json.dumps({"pipeline": HOSTILE * 50, "run_id": HOSTILE, "step": HOSTILE})]
    bodies.append(json.dumps({"detail": {"jobName": HOSTILE, "status": HOSTILE}}))
    sent = {"ReceiptHandle": "r", "Attributes": {"SentTimestamp": "0"}}
    messages = [{"Body": body, **sent} for body in bodies]
    names = ("JobEvent", "Trigger", "Prepare")
    answers = {f"{name}DeadLettersUrl": list(messages) for name in names}

    def receive_message(QueueUrl: str, **_: object) -> Any:  # noqa: N803  # boto3's word
        taken, answers[QueueUrl] = answers[QueueUrl], []
        return {"Messages": taken}

    kinds = ("DeadLettersUrl", "QueueUrl")
    urls = {f"{name}{kind}": f"{name}{kind}" for name in names for kind in kinds}
    stack.outputs = {**stack.outputs, **urls}
    stack.__dict__["sqs"] = SimpleNamespace(receive_message=receive_message)
    result = batchrelay("dlq")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert len(lines) == 10
    assert all(len(line) < TEXT_CHARS_MAX + 60 for line in lines)
    check(result.output)


def test_a_pipeline_file_of_a_stranger_is_shown_safely(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yaml"
    one = {"jobName": "a", "jobQueue": "q", "jobDefinition": "d"}
    document = {
        "pipeline": "p",
        "params": {"x": {"type": "string", "description": HOSTILE, "default": HOSTILE}},
        "steps": [{**one, "flow": {"when": "${params.x} == '1'"}}],
    }
    file.write_text(json.dumps(document))
    shown = batchrelay("plan", str(file))
    assert shown.exit_code == 0, shown.output
    check(shown.output)
    assert batchrelay("plan", str(file), "--graph").exit_code == 0
    file.write_text(json.dumps({**document, HOSTILE: 1, "steps": [{HOSTILE: 1}]}))
    for verb in ("lint", "plan", "deploy", "run"):
        refused = batchrelay(verb, str(file))
        assert refused.exit_code == 2
        check(refused.output)
    problems = json.loads(batchrelay("lint", str(file), "--output", "json").stdout)["problems"]
    assert any(HOSTILE in problem["message"] for problem in problems), "exact for programs"


def blocked_run(stack: MemoryStack) -> Run:
    return stack.cloud.runs.load("run1")


def test_the_output_of_run_holds_no_control_characters(stack: MemoryStack) -> None:
    run = blocked_run(stack)
    for shown in (
        lambda screen: LineDisplay(screen).show(run_document(run)),
        lambda s: s.print(run_table(run_document(run), datetime.now(UTC))),
    ):
        out = io.StringIO()
        shown(console(file=out, width=240))
        check(out.getvalue())
    uncollected = run.with_step("a", replace(run.state("a"), failures=""))
    sentence = Failure(stack=stack, run=run_document(uncollected)).sentence()
    last = r"SUCCEEDED\x85\u202e\u2066\u2028\tz"
    assert sentence == f"step a failed: child 0 of 2, exit code 1: {last}"


def test_a_notice_has_a_line_for_each_step_and_none_that_is_forged() -> None:
    rule = NoticeRule(topic="arn:t", on=frozenset({"FAILED"}), link=None)
    cloud = MemoryCloud(pipeline(step("a"), notify=(rule,)))
    cloud.engine.start(StartRequest(run_id="run1", pipeline="test", version=1))
    job_id = next(iter(cloud.jobs.jobs))
    cloud.logs.lines[job_id] = (HOSTILE.replace("\r", ""),)  # of what follows one is shown alone
    cloud.jobs.end(job_id, JobOutcome.FAILED, HOSTILE)
    cloud.engine.reconcile("run1")
    cloud.prepare()
    message = notice_of(cloud.runs.load("run1"), 0).message
    check(message)
    assert [line.split(":")[0] for line in message.splitlines()] == [
        "test FAILED",
        "Run run1, version 1, ended 2026-01-01 00",
        "Cause in a",
        "Why items failed",
        "Run one here",
        "Run them again",
        "",
        "  a",
    ]


def test_prices_of_a_stranger_are_shown_safely(tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text(json.dumps({HOSTILE: 1}))
    result = batchrelay("tune", "run1/a", "--prices", str(file))
    assert result.exit_code == 2


def test_nothing_is_printed_but_through_the_terminal() -> None:
    """The exceptions print JSON, our own words, or a script."""
    mine = {
        "terminal.py",
        "errors.py",
        "options.py",
        "lint.py",
        "local.py",
        "completion.py",
        "schema.py",
        "spin.py",
    }
    for path in (ROOT / "cli/batchrelay_cli").rglob("*.py"):
        if path.name not in mine:
            assert not re.search(r"click\.echo\(|[^_\w.]print\(|Console\(", path.read_text()), path


@pytest.mark.parametrize("place", ["run1", "run1/work"])
def test_why_nothing_failed_is_one_line(
    place: str, stack: MemoryStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = MemoryCloud(pipeline(step("work")))
    serve(cloud, monkeypatch)
    cloud.engine.start(StartRequest(run_id="run1", pipeline="test", version=1))
    stack.cloud = cloud
    assert batchrelay("cancel", "run1", "--reason", "wrong\nz \x1b[31m").exit_code == 0
    assert "run run1: already CANCELLING\n" in batchrelay("cancel", "run1").stdout
    [job] = cloud.jobs.jobs
    cloud.jobs.end(job, JobOutcome.FAILED, "wrong\nz \x1b[31m")
    cloud.engine.reconcile("run1")
    lines = batchrelay("failures", place).stdout.splitlines()
    assert "wrong\\nz" in "".join(lines)
    assert not [line for line in lines if line.startswith("z")]
