"""`lint` and `plan`, and what every verb does with bad input."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import click
import pytest
import yaml
from click.testing import CliRunner, Result

from batchrelay_cli.main import cli
from batchrelay_cli.pipeline_file.read import read
from batchrelay_cli.pipeline_file.shapes import request_shape
from batchrelay_cli.stack.local_setup import not_uploaded, upload_params
from tests.stack import ROOT

EXAMPLE = str(ROOT / "examples/word-count/pipeline.yaml")


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


@pytest.fixture
def wrong(tmp_path: Path) -> str:
    file = tmp_path / "wrong.yaml"
    file.write_text("pipeline: p\nsteps: [{jobName: a, jobQueue: q}]\n")
    return str(file)


def verbs(command: click.Command, *path: str) -> Iterator[tuple[str, ...]]:
    """The words of every command that does something."""
    if isinstance(command, click.Group):
        ctx = click.Context(command)
        for name in command.list_commands(ctx):
            inner = command.get_command(ctx, name)
            assert inner is not None
            yield from verbs(inner, *path, name)
    else:
        yield path


@pytest.mark.parametrize("path", [pytest.param(path, id=" ".join(path)) for path in verbs(cli)])
def test_every_verb_has_help_with_an_example(path: tuple[str, ...]) -> None:
    result = call(*path, "--help")
    assert result.exit_code == 0
    assert f"batchrelay {' '.join(path)}" in result.output.partition("Example: ")[2]


def test_the_list_of_verbs_says_what_each_says_of_itself() -> None:
    """In its own words, as far as a line goes; and none is imported for it."""
    listed = dict(re.findall(r"^  (\w+) +(\S.*)\.$", call("--help").output, re.MULTILINE))
    assert listed
    ctx = click.Context(cli)
    for name in cli.list_commands(ctx):
        command = cli.get_command(ctx, name)
        assert command is not None
        assert command.get_short_help_str(limit=1_000).startswith(listed[name])
    program = (
        "import sys; sys.argv = ['batchrelay', '--help']\n"
        "from batchrelay_cli.main import main; main()\n"
        "assert not [m for m in sys.modules if m.startswith('batchrelay_cli.verbs')]\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_a_verb_imports_no_other_and_no_client_of_aws_unless_it_has_one() -> None:
    program = (
        f"import sys; sys.argv = ['batchrelay', 'lint', {EXAMPLE!r}]\n"
        "from batchrelay_cli.main import main; main()\n"
        "print(*sorted({'boto3', 'batchrelay_cli.verbs.run'} & set(sys.modules)), sep=',')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [f"{EXAMPLE}: 3 steps, no errors", ""]


@pytest.mark.parametrize("verb", ["cancel", "history", "logs", "runs", "status"])
def test_a_verb_that_reads_no_file_imports_no_reader(verb: str) -> None:
    """It takes as long to import as a client of AWS."""
    program = (
        f"import sys; sys.argv = ['batchrelay', {verb!r}, '--help']\n"
        "from batchrelay_cli.main import main\n"
        "try: main()\n"
        "finally: print({'yaml', 'batchrelay_cli.pipeline_file.read'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "set()"


@pytest.mark.parametrize("verb", ["lint", "plan", "run"])
def test_a_wrong_file_is_exit_code_2_and_nothing_is_started(verb: str, wrong: str) -> None:
    result = call(verb, wrong)
    assert result.exit_code == 2
    assert result.output == f"{wrong}:2:9: entry 1 of steps needs jobDefinition\n"


@pytest.mark.parametrize("verb", ["lint", "plan"])
def test_the_users_aws_settings_are_nobodys_business(
    verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "absent")
    request_shape.cache_clear()
    assert call(verb, EXAMPLE).exit_code == 0


def test_a_report_has_one_form() -> None:
    result = CliRunner().invoke(cli, ["report", "run1", "--watch", "--json"])
    assert result.exit_code == 2
    assert "--json and --watch exclude each other: write one of them" in result.output


def test_lint_says_that_all_is_well() -> None:
    result = call("lint", EXAMPLE)
    assert (result.exit_code, result.output) == (0, f"{EXAMPLE}: 3 steps, no errors\n")


def test_lint_as_json(wrong: str) -> None:
    result = call("lint", wrong, "--output", "json")
    assert result.exit_code == 2
    assert json.loads(result.output)["problems"] == [
        {
            "line": 2,
            "column": 9,
            "severity": "error",
            "message": "entry 1 of steps needs jobDefinition",
        }
    ]
    assert json.loads(call("lint", EXAMPLE, "--output", "json").output)["problems"] == []


def test_plan_says_what_is_known_and_what_is_decided_later() -> None:
    output = call("plan", EXAMPLE).output
    assert "2. migrate after plan: 1 per item of Items" in output
    assert "decided when it starts: the length of Items of s3://${env.bucket}/" in output
    assert "param source: must be given  (folder of text files)" in output


def test_plan_as_json() -> None:
    document = json.loads(call("plan", EXAMPLE, "--output", "json").output)
    assert [step["children"] for step in document["steps"]] == [1, None, 1]
    written = yaml.safe_load(Path(EXAMPLE).read_text())["steps"]
    flows = {step["jobName"]: step.get("flow", {}) for step in written}
    assert {step["name"]: step["flow"] for step in document["steps"]} == flows, "as the file has it"


def test_plan_draws_mermaid() -> None:
    assert call("plan", EXAMPLE, "--graph").output == (
        "flowchart LR\n"
        '  s0["plan<br>1 job"]\n'
        '  s1["migrate<br>1 per item of Items"]\n'
        '  s2["merge<br>1 job"]\n'
        "  s0 --> s1\n"
        "  s1 --> s2\n"
    )


def test_plan_draws_a_picture(tmp_path: Path) -> None:
    out = tmp_path / "out.svg"
    assert call("plan", EXAMPLE, "--graph", str(out)).exit_code == 0
    root = ET.fromstring(out.read_text())  # noqa: S314  # our own file
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[::2] == ["plan", "migrate", "merge"]
    assert call("plan", EXAMPLE, "--graph", "out.gif").exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "parameter source is missing (folder of text files): give source=VALUE"),
        (("--param", "source"), "--param source: write --param NAME=VALUE"),
        (("--param", "source=a", "--param", "source=b"), "--param source is given twice"),
        (
            ("--param", "source=/dev/zero"),
            "parameter source: '/dev/zero' is neither an S3 URI nor an",
        ),
        (
            ("--param", "source=/no/such"),
            "parameter source: '/no/such' is neither an S3 URI nor an",
        ),
        (
            ("--param", "source=s3://b/", "--param", "absent=1"),
            "unknown parameter absent (this pipeline has: destination, source)",
        ),
    ],
)
def test_a_bad_parameter_is_one_clear_line(arguments: tuple[str, ...], message: str) -> None:
    result = call("run", EXAMPLE, *arguments)
    assert result.exit_code == 2
    assert result.output.startswith(f"batchrelay: {message}")
    assert result.output.count("\n") == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("jobDefinition: word-count-plan", "jobDefinition: other"), "other is not in this file's"),
        (
            ('entrypoint": python', 'entrypoint": pyhton'),
            "runs 'pyhton', which is not",
        ),
    ],
)
def test_a_step_that_cannot_run_here_is_reported_with_its_line(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text(Path(EXAMPLE).read_text().replace(*change, 1))
    result = call("run", str(file), "--param", "source=s3://b/")
    assert result.exit_code == 2
    assert result.output.startswith(f"{file}:7:" if "pyhton" in message else f"{file}:8:")
    assert message in result.output


def test_a_plan_says_which_outputs_must_be_there_before_an_item_is_left_out(tmp_path: Path) -> None:
    text = """
    pipeline: p
    defaults: {jobQueue: q, jobDefinition: d}
    steps:
      - jobName: align
        flow: {forEach: {items: [1]}, output: 's3://b/${item}.bam', skipExisting: 's3://b/${item}.bam'}
      - {jobName: call, dependsOn: [{jobName: align, type: N_TO_N}], flow: {output: 's3://b/${item}.vcf'}}
    """
    file = tmp_path / "pipeline.yaml"
    file.write_text(text)
    result = CliRunner().invoke(cli, ["plan", str(file)])
    wanted = (
        "without the items whose output is there: all of s3://b/${item}.bam, s3://b/${item}.vcf"
    )
    assert result.exit_code == 0, result.output
    assert [line.strip() for line in result.output.splitlines()].count(wanted) == 1


PARAMS = """
pipeline: p
params: {plain: a, word: {type: string, default: a}, source: {type: s3uri, default: "s3://b/k"}}
steps:
  - jobName: a
    jobQueue: q
    jobDefinition: d
    containerOverrides: {command: [echo, "${params.plain}", "${params.word}", "${params.source}"]}
jobDefinitions:
  - jobDefinitionName: d
    type: container
    containerProperties: {image: i, command: ["true"], vcpus: 1, memory: 64}
"""


class Bucket:
    """Takes uploads down."""

    outputs: ClassVar[Mapping[str, str]] = {"BucketName": "bucket"}

    def __init__(self) -> None:
        self.uploaded: list[str] = []

    def upload(self, path: Path, prefix: str) -> Iterator[Path]:
        self.uploaded.append(prefix)
        yield path


def test_only_a_parameter_of_type_s3uri_is_uploaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any other text may have the name of a folder by chance."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "texts").mkdir()
    (tmp_path / "pipeline.yaml").write_text(PARAMS)
    definition = read(tmp_path / "pipeline.yaml").pipeline
    given = dict.fromkeys(("plain", "word", "source"), "texts")
    bucket: Any = Bucket()
    uploaded = {n: value for n, value, _ in upload_params(bucket, definition, given, "r") if value}
    assert uploaded == {
        "plain": "texts",
        "word": "texts",
        "source": "s3://bucket/uploads/r/source/",
    }
    assert bucket.uploaded == ["uploads/r/source/"]
    assert [hint.partition(",")[0] for hint in not_uploaded(definition, given)] == [
        "parameter plain is 'texts'",
        "parameter word is 'texts'",
    ]


def test_run_refuses_what_a_start_would_refuse_before_there_is_a_cloud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.txt").write_text("a")
    flow = '    flow: {forEach: {file: "${params.plain}"}}\njobDefinitions:'
    file = tmp_path / "pipeline.yaml"
    file.write_text(PARAMS.replace("plain: a", "plain: s3://b/l").replace("jobDefinitions:", flow))
    result = call("run", str(file), "--param", "plain=list.txt")
    assert result.exit_code == 2
    assert result.output == (
        "batchrelay: step a: forEach.file: 'list.txt' is not an S3 URI, such as "
        "s3://bucket/list.json; parameter plain is 'list.txt', as it is: only a parameter of "
        "{type: s3uri} is uploaded\n"
    )
    result = call("run", str(file), "--param", "word=" + "x" * 9_000)
    assert result.exit_code == 2
    assert "step a: containerOverrides: 9," in result.output
    assert "above 8,192 AWS Batch accepts the job and then fails it" in result.output
