"""What one item's job becomes on this machine, and what cannot become anything."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner

from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.main import cli
from batchrelay_cli.spin.command import (
    Command,
    container_command,
    job_variables,
    process_command,
    shell_word,
    user_environment,
)
from batchrelay_cli.spin.definition import Container, container_of, definition_of
from batchrelay_cli.spin.process import run_command
from batchrelay_cli.stack.client import Stack
from tests.builders import step
from tests.handlers import CONTEXT, api, serve
from tests.unit.preparation.collected import LIST, Collected, child

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

ITEM = {
    "jobId": "0f", "index": 4, "size": 10,
    "request": {"jobQueue": "arn:aws:batch:eu-west-1:1:job-queue/Q", "jobDefinition": "d:2"},
}  # fmt: skip


class Definitions:
    """Of the client of AWS Batch, DescribeJobDefinitions."""

    def __init__(self, *definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions

    def get_paginator(self, _name: str) -> Definitions:
        return self

    def paginate(self, **_: str) -> Iterator[dict[str, Any]]:
        return ({"jobDefinitions": [one]} for one in self._definitions)

    def describe_jobs(self, **_: Any) -> dict[str, Any]:
        return {"jobs": []}


def definition(revision: int, status: str = "ACTIVE", **more: Any) -> dict[str, Any]:
    return {
        "jobDefinitionName": "d",
        "revision": revision,
        "status": status,
        "containerProperties": {"image": f"tools:{revision}", "command": ["own"]},
        **more,
    }


def container(**fields: Any) -> Container:
    return Container(
        **{"definition": "d:1", "image": "tools:1", "command": ("sh",), "environment": {}} | fields
    )


def test_a_request_wins_over_its_job_definition() -> None:
    own = {
        "image": "tools:2",
        "command": ["work", "Ref::mode", "Ref::other"],
        "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
        "secrets": [{"name": "TOKEN", "valueFrom": "arn:aws:ssm:x"}],
        "memory": 512,
    }
    tags = {"batchrelay:entrypoint": "python 'a b.py'", "batchrelay:directory": "/srv"}
    one = definition(2, containerProperties=own, tags=tags, parameters={"mode": "slow"})
    request = {
        "jobDefinition": "d:2",
        "parameters": {"mode": "fast"},
        "containerOverrides": {
            "environment": [{"name": "B", "value": "3"}],
            "resourceRequirements": [{"type": "MEMORY", "value": "64"}],
        },
    }
    batch: Any = Definitions(definition(1), one, definition(3))
    assert container_of(definition_of(batch, "d:2"), request) == Container(
        definition="d:2",
        image="tools:2",
        command=("work", "fast", "Ref::other"),
        environment={"A": "1", "B": "3"},
        secrets=("TOKEN",),
        memory_mib=64,
        entrypoint=("python", "a b.py"),
        directory="/srv",
    )


def test_a_revision_that_was_deregistered_serves_and_a_name_means_the_latest_active() -> None:
    batch: Any = Definitions(definition(1), definition(3, "INACTIVE"), definition(2))
    images = [container_of(definition_of(batch, r), {}).image for r in ("d:3", "d")]
    assert images == ["tools:3", "tools:2"]
    with pytest.raises(UsageProblem, match=r"^there is no job definition d:9 any more"):
        definition_of(batch, "d:9")


def test_a_job_has_the_variables_of_its_child() -> None:
    assert job_variables(ITEM, container(environment={"A": "1"})) == {
        "A": "1",
        "AWS_BATCH_JOB_ID": "0f:4",
        "AWS_BATCH_JOB_ATTEMPT": "1",
        "AWS_BATCH_JQ_NAME": "Q",
        "AWS_BATCH_CE_NAME": "spin",
        "AWS_BATCH_JOB_ARRAY_INDEX": "4",
        "AWS_BATCH_JOB_ARRAY_SIZE": "10",
    }
    plain = job_variables({**ITEM, "index": None, "jobId": None}, container())
    assert plain["AWS_BATCH_JOB_ID"] == "spin"
    assert "AWS_BATCH_JOB_ARRAY_INDEX" not in plain


def test_variables_of_another_job_do_not_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCHRELAY_RESULTS", "s3://b/r/")
    monkeypatch.setenv("AWS_BATCH_JOB_ARRAY_INDEX", "1")
    monkeypatch.setenv("AWS_PROFILE", "mine")
    user = user_environment()
    assert "BATCHRELAY_RESULTS" not in user
    assert "AWS_BATCH_JOB_ARRAY_INDEX" not in user
    assert user["AWS_PROFILE"] == "mine"


def test_a_command_that_cannot_run_here_says_what_can_be_done(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"^job definition d:1 has no command: its image has"):
        process_command(container(command=()), {}, entrypoint=None, directory=None)
    with pytest.raises(UsageProblem, match=r"^no-such is not on this machine: install it"):
        process_command(container(command=("no-such",)), {}, entrypoint=None, directory=None)
    with pytest.raises(UsageProblem, match=r"^\./work is not on this machine"):
        process_command(
            container(command=("./work",)), {}, entrypoint=None, directory=str(tmp_path)
        )
    (tmp_path / "work").touch(mode=0o755)
    here = container(command=("./work",), directory=str(tmp_path))
    assert process_command(here, {}, entrypoint=None, directory=None).directory == str(tmp_path)
    elsewhere = container(directory="/no/such/folder")
    assert process_command(elsewhere, {}, entrypoint=None, directory=None).directory is None


@pytest.mark.parametrize(
    "text", ["plain", "it's", "", "a b\n'\\\t$x", "\x1b]0;title\x07", "\u202eé", "$(rm x)", "\x011"]
)
def test_a_word_survives_the_shell_and_cannot_act_on_the_terminal(text: str) -> None:
    word = shell_word(text)
    assert word.isprintable()
    done = subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, check=True)
    assert done.stdout.decode() == text


def test_a_process_is_measured_and_its_folder_is_removed() -> None:
    lines: list[str] = []
    script = "pwd; printf 'no end'; sleep 15 & kill -9 $$"
    began = time.monotonic()
    ended = run_command(
        Command(argv=("sh", "-c", script), variables={}, directory=None), lines.append
    )
    folder, last = lines
    assert (last, ended.exit_code) == ("no end", 137)
    assert time.monotonic() - began < 10, "what it left running was ended"
    assert 0 < ended.seconds < 10
    assert ended.memory_bytes > 100_000
    assert not Path(folder).exists()


def test_the_memory_is_that_of_the_program_and_not_that_of_batchrelay() -> None:
    held = bytearray(b"x") * (100 << 20)
    commands = ("true",), (sys.executable, "-c", "held = bytearray(b'x') * (60 << 20)")
    small, large = (
        run_command(Command(argv=argv, variables={}, directory=None), print).memory_bytes >> 20
        for argv in commands
    )
    assert len(held) >> 20 == 100
    assert small < 20
    assert 60 <= large < 90


def test_a_program_that_cannot_be_started_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"\x00")
    (tmp_path / "text").chmod(0o755)
    command = Command(argv=("./text",), variables={}, directory=str(tmp_path))
    with pytest.raises(OSError, match="Exec format error"):
        run_command(command, print)


ENGINE = """#!/bin/sh
echo "$@" >> {log}
test "$1" = rm || echo "value $SECRET_VALUE"
exit 5
"""


def test_a_container_is_given_its_variables_by_name_and_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, log = tmp_path / "podman", tmp_path / "log"
    engine.write_text(ENGINE.format(log=log))
    engine.chmod(engine.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr("batchrelay_cli.spin.command.ENGINES", ("podman",))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    one = container(image="tools:1", command=("work", "a b"), memory_mib=64)
    command = container_command(one, {"SECRET_VALUE": "42"})
    lines: list[str] = []
    assert run_command(command, lines.append).exit_code == 5
    assert lines == ["value 42"]
    name = f"batchrelay-spin-{os.getpid()}"
    assert log.read_text().splitlines() == [
        (
            f"run --rm --init --name {name} --network host --memory 64m --env AWS_ENDPOINT_URL "
            "--env AWS_REGION --env SECRET_VALUE tools:1 work a b"
        ),
        f"rm --force {name}",
    ]
    monkeypatch.setattr("batchrelay_cli.spin.command.ENGINES", ("no-such-engine",))
    with pytest.raises(UsageProblem, match=r"^neither docker nor podman is on this machine"):
        container_command(one, {})


class MemoryStack(Stack):
    """The API's function, and the objects of a stack in memory."""

    def invoke(self, function: str, event: Mapping[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = api.handler(dict(event), CONTEXT)
        return answer

    def read(self, uri: str, first: int, last: int) -> bytes:
        try:
            return OBJECTS[uri][first : last + 1]
        except KeyError:
            error: Any = {"Error": {"Code": "NoSuchKey"}, "ResponseMetadata": {}}
            error["ResponseMetadata"]["HTTPStatusCode"] = 404
            raise ClientError(error, "GetObject") from None


OBJECTS: dict[str, bytes] = {}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Collected:
    """A run with a failed item, behind the verbs; its container has a secret."""
    one = Collected(step("a", file=LIST, request={"jobDefinition": "d"}))
    one.end("a", child(2))
    serve(one.cloud, monkeypatch)
    secret = {"name": "TOKEN", "valueFrom": "arn:aws:ssm:x"}
    own = {"image": "i", "command": ["echo", "done"], "secrets": [secret]}
    batch = Definitions(definition(1, containerProperties=own))
    made = MemoryStack(make_client=lambda _: batch, outputs={"AnswerApiName": "api"})
    monkeypatch.setattr("batchrelay_cli.stack.access.find_stack", lambda _: made)
    OBJECTS.clear()
    OBJECTS.update(one.cloud.objects.objects)
    return one


def test_what_is_left_out_and_what_may_be_overwritten_is_shown(run: Collected) -> None:
    objects, before = dict(run.cloud.objects.objects), run.run
    result = CliRunner().invoke(cli, ["spin", "run1/a:2"])
    assert (result.exit_code, result.stdout) == (0, "done\n"), result.output
    facts = result.stderr.splitlines()
    assert facts[0] == 'item 2 of step a of run run1: {"name": "n2"}'
    assert facts[1].endswith(":2 of round 0: AWS Batch no longer knows it")
    assert "  in: an empty folder, which is removed at the end" in facts
    assert "  left out, because only AWS Batch reads its value: TOKEN (set it yourself)" in facts
    assert any("may overwrite what is there" in line for line in facts)
    assert run.run == before
    assert run.cloud.objects.objects == objects


DOCKER_HAS_NO_IMAGE = """Unable to find image 'i:latest' locally
docker: Error response from daemon: pull access denied for i.

Run 'docker run --help' for more information"""

ENDS = [
    (
        "docker",
        125,
        DOCKER_HAS_NO_IMAGE,
        2,
        "container was not started (exit code 125): Error resp",
    ),
    (
        "docker",
        125,
        "denied\nSee 'docker run --help'.",
        2,
        "was not started (exit code 125): denied",
    ),
    ("podman", 125, "", 2, "container was not started (exit code 125): it printed nothing"),
    (
        "docker",
        126,
        "docker: no permission.",
        2,
        "invoked in the image (exit code 126): no permission.",
    ),
    ("podman", 127, "Error: crun: no `a`", 2, "is not in the image (exit code 127): crun: no `a`"),
    (
        "docker",
        127,
        "sh: work: not found",
        127,
        "127 often means a program that is not in the image",
    ),
    ("docker", 126, "own", 126, "exit code 126, "),
    ("docker", 3, "docker: own", 3, "exit code 3, "),
]


@pytest.mark.parametrize(("engine", "code", "text", "exit_code", "sentence"), ENDS)
@pytest.mark.usefixtures("run")
def test_a_container_that_was_not_started_is_no_end_of_the_item(
    engine: str,
    code: int,
    text: str,
    exit_code: int,
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = tmp_path / engine
    program.write_text(f"#!/bin/sh\ntest $1 = rm || cat <<'END'\n{text}\nEND\nexit {code}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr("batchrelay_cli.spin.command.ENGINES", (engine,))
    result = CliRunner().invoke(cli, ["spin", "run1/a:2", "--docker"])
    assert result.exit_code == exit_code, result.output
    assert sentence in result.stderr.splitlines()[-1]


def test_without_its_list_an_item_cannot_run(run: Collected) -> None:
    run.prepare()
    OBJECTS.clear()
    result = CliRunner().invoke(cli, ["spin", "run1/a:2"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("batchrelay: the items of step a are no longer in S3 (s3://")
    assert run.run.state("a").parts, "the run has begun"
