"""`batchrelay adopt`: what is written, printed and refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from batchrelay_cli.adopt.source import SOURCE_BYTES_MAX
from batchrelay_cli.main import cli
from batchrelay_cli.pipeline_file.read import read

REQUEST = '{"jobName": "a b", "jobQueue": "q",\n "jobDefinition": "d"}\n'


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("job.json").write_text(REQUEST)


def call(*arguments: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(cli, ("adopt", *arguments), input=stdin)


LEFT = [
    "job.json:1: a b: the step is called a-b",
]
FILE = (
    "# Made by batchrelay adopt from job.json: SubmitJob.\n"
    "pipeline: job\n"
    "\n"
    "steps:\n"
    "# job.json:1: the request\n"
    "- jobName: a-b\n"
    "  jobQueue: q\n"
    "  jobDefinition: d\n"
)


def test_the_file_is_printed_and_what_it_does_not_carry_goes_to_standard_error() -> None:
    result = call("job.json")
    assert (result.exit_code, result.stdout) == (0, FILE)
    assert result.stderr.splitlines() == [*LEFT, "job.json (SubmitJob): 1 step, 1 not as they were"]


def test_the_file_is_written_and_the_next_command_printed() -> None:
    result = call("job.json", "-o", "pipeline.yaml")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.splitlines() == [
        *LEFT,
        "job.json (SubmitJob): 1 step in pipeline.yaml, 1 not as they were",
        "next: batchrelay lint pipeline.yaml",
    ]
    assert Path("pipeline.yaml").read_text() == FILE
    assert read(Path("pipeline.yaml")).pipeline.name == "job"


def test_a_document_for_programs() -> None:
    result = call("job.json", "--output", "json", "-o", "p.yaml", "--name", "mine")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    text = document.pop("text")
    assert Path("p.yaml").read_text() == text
    assert document == {
        "source": "job.json",
        "form": "SubmitJob",
        "file": "p.yaml",
        "pipeline": "mine",
        "steps": [{"step": "a-b", "line": 1, "origin": "the request"}],
        "params": [],
        "notCarried": [{"line": 1, "what": "a b", "why": "the step is called a-b"}],
    }
    assert result.stderr == ""


def test_no_file_of_the_user_is_replaced() -> None:
    Path("pipeline.yaml").write_text("of the user")
    Path("link.yaml").symlink_to("pipeline.yaml")
    for name in ("pipeline.yaml", "link.yaml"):
        result = call("job.json", "-o", name)
        assert result.exit_code == 2
        assert result.output == f"batchrelay: {name} is there already: choose another name\n"
    assert Path("pipeline.yaml").read_text() == "of the user"


def test_standard_input_is_a_file() -> None:
    result = call("-", stdin=REQUEST)
    assert result.exit_code == 0
    assert result.stdout.startswith("# Made by batchrelay adopt from standard input: SubmitJob.\n")
    assert "\npipeline: adopted\n" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "adopt takes a SubmitJob request"),
        (("gone.json",), "gone.json: No such file or directory"),
        (("-", "--name", "a b"), "--name 'a b' is no name of a pipeline"),
        (("--job", "x"), "--job goes with --queue, and without FILE"),
        (("job.json", "--queue", "q", "--job", "x"), "--job goes with --queue, and without FILE"),
        (("job.json", "-o", "gone/p.yaml"), "gone/p.yaml: No such file or directory"),
    ],
)
def test_wrong_use_is_one_clear_line(arguments: tuple[str, ...], sentence: str) -> None:
    result = call(*arguments, stdin="{}")
    assert result.exit_code == 2
    assert sentence in result.output
    assert len(result.output.splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\xff\xfe", "it is not UTF-8"),
        (b" " * (SOURCE_BYTES_MAX + 1), "it is larger than 2,000,000 bytes"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(content: bytes, sentence: str) -> None:
    result = call("-", stdin=content)
    assert (result.exit_code, sentence in result.output) == (2, True)


def test_choices_behind_each_other_without_end_are_no_traceback() -> None:
    states = {
        f"C{n}": {"Type": "Choice", "Choices": [], "Default": f"C{n + 1}"} for n in range(1_500)
    }
    Path("deep.json").write_text(json.dumps({"StartAt": "C0", "States": states}))
    result = call("deep.json")
    assert (result.exit_code, result.output) == (
        2,
        "batchrelay: deep.json: it is nested too deeply\n",
    )


def test_a_name_acts_on_no_terminal() -> None:
    Path("j.json").write_text(json.dumps({"jobName": "\x1b]0;t\x07", "jobQueue": "q"}))
    result = call("j.json")
    assert "\x1b" not in result.output
    assert "\x07" not in result.output


def test_a_file_is_adopted_without_a_client_of_aws() -> None:
    program = (
        "import sys; sys.argv = ['batchrelay', 'adopt', 'job.json', '-o', 'p.yaml']\n"
        "from batchrelay_cli.main import main; main()\n"
        "print('boto3' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
