"""A shell completes verbs, options, pipelines and runs; without a stack it completes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from click.shell_completion import ShellComplete, get_completion_class
from click.testing import CliRunner

from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.main import cli
from batchrelay_cli.stack.client import Stack
from batchrelay_cli.verbs import completion

ANSWERS = {
    "/pipelines": {"pipelines": [{"pipeline": "nightly"}, {"pipeline": "word-count"}]},
    "/runs": {
        "runs": [
            {"runId": "k1", "status": "SUCCEEDED"},
            {"runId": "k2", "status": "QUEUED"},
            {"runId": "x", "status": "RUNNING"},
        ]
    },
}


class AnsweringStack(Stack):
    """Its API has these documents, by their paths."""

    def __init__(self, documents: Mapping[str, Any]) -> None:
        super().__init__(make_client=lambda _: None, outputs={"AnswerApiName": "api"})
        self.documents = documents

    def invoke(self, function: str, event: Mapping[str, Any]) -> dict[str, Any]:
        return {"statusCode": 200, "body": json.dumps(self.documents[event["path"]])}


def completed(*words: str) -> list[str]:
    """What the last word may become."""
    shell = ShellComplete(cli, {}, "batchrelay", "_BATCHRELAY_COMPLETE")
    return [item.value for item in shell.get_completions(list(words[:-1]), words[-1])]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_its_script(shell: str) -> None:
    result = CliRunner().invoke(cli, ["completion", shell])
    assert result.exit_code == 0
    assert f"_BATCHRELAY_COMPLETE={shell}_complete" in result.output


def test_verbs_and_options_are_completed() -> None:
    assert completed("un") == ["undeploy"]
    assert completed("runs", "--st") == ["--status", "--stack"]
    assert completed("runs", "--status", "Q") == ["QUEUED"]


def test_pipelines_and_runs_are_completed_by_what_the_stack_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    @contextmanager
    def open_stack(stack_name: str) -> Iterator[Stack]:
        asked.append(stack_name)
        yield AnsweringStack(ANSWERS)

    monkeypatch.setattr(completion, "open_stack", open_stack)
    for verb in ("start", "undeploy", "backfill", "runs"):
        assert completed(verb, "n") == ["nightly"]
    for verb in ("status", "history"):
        assert completed(verb, "k") == ["k1", "k2"]
    assert completed("cancel", "k") == ["k2"]
    assert completed("status", "--stack", "other", "x") == ["x"]
    assert set(asked) == {"batchrelay", "other"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    "name",
    ["k\nplain,rm", "k $(id)", "k`id`", "k:x", "k;id", "k\x1b[2J", "../k", "k/x", "", "-rf", "k\0"],
)
def test_completion_offers_no_invalid_name(
    monkeypatch: pytest.MonkeyPatch, shell: str, name: str
) -> None:
    """The table of a stack may be written by others. What a shell is given is lines of words."""

    answers = {"/pipelines": {"pipelines": [{"pipeline": name}, {"pipeline": "known"}]}}

    @contextmanager
    def open_stack(_stack: str) -> Iterator[Stack]:
        yield AnsweringStack(answers)

    monkeypatch.setattr(completion, "open_stack", open_stack)
    kind = get_completion_class(shell)
    assert kind is not None
    complete = kind(cli, {}, "batchrelay", "_BATCHRELAY_COMPLETE")
    words = complete.get_completions(["start"], "")
    lines = "\n".join(map(complete.format_completion, words)).splitlines()
    assert lines in (["plain,known"], ["plain", "known", "_"], ["plain\tknown"]), lines


def test_without_a_stack_completion_offers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def open_stack(_stack: str) -> None:
        raise UsageProblem("there is no stack")

    monkeypatch.setattr(completion, "open_stack", open_stack)
    assert completed("status", "k") == []
