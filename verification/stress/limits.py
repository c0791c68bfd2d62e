"""Inputs over a limit, each at the door where it used to pass or to be a traceback.

    python -m verification.stress.limits

Prints one line a case; ends with 1 if one of them is not refused in a sentence.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import boto3
from click.testing import CliRunner
from moto import mock_aws

from batchrelay.adapters.dynamodb import DynamoStore
from batchrelay_cli.main import cli
from batchrelay_cli.pipeline_file.read import read
from tests.builders import T0
from tests.stack import table_request

Json = dict[str, Any]
REGION = "us-east-1"

NEEDS = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]
DEFINITION: Json = {
    "jobDefinitionName": "d",
    "type": "container",
    "containerProperties": {"image": "i", "command": ["true"], "resourceRequirements": NEEDS},
}


def a_file(folder: Path, *steps: Json, **more: Any) -> Path:
    path = folder / "pipeline.json"
    entries = [{"jobName": f"s{n}", "jobQueue": "q", "jobDefinition": "d", **step}
               for n, step in enumerate(steps)]  # fmt: skip
    document = {"pipeline": "p", "steps": entries, "jobDefinitions": [DEFINITION], **more}
    path.write_text(json.dumps(document))
    return path


def verb(name: str, file: Path) -> str:
    """What a verb prints: exit code and the beginning of its sentence, or its traceback's end."""
    result = CliRunner().invoke(cli, [name, str(file)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        return f"TRACEBACK {type(result.exception).__name__}: {str(result.exception)[:60]}"
    output = (result.output.strip().splitlines() or [""])[0]
    return f"exit {result.exit_code}: {output.removeprefix(str(file))[:150]}"


def client(service: Any) -> Any:
    return boto3.client(service, REGION)


def stored(file: Path) -> str:
    """What the store says of a file's pipeline: on moto, which has DynamoDB's own limit."""
    with mock_aws(), contextlib.redirect_stderr(io.StringIO()):
        client("dynamodb").create_table(**table_request("t"))
        try:
            store = DynamoStore(table="t", run_ttl_days=1, make_client=client)
            return f"stored as version {store.register(read(file).pipeline, T0)}"
        except Exception as error:  # noqa: BLE001  # it is what this program shows
            return f"{type(error).__name__}: {str(error)[:110]}"


def letters(count: int) -> Iterator[Json]:
    random = Random(7)
    for _ in range(500):
        text = "".join(random.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=count))
        yield {"containerOverrides": {"command": ["true", text]}}


CASES: tuple[tuple[str, str, Callable[[Path], Path], str], ...] = (
    ("500 steps of 900 bytes", "lint", lambda f: a_file(f, *letters(900)), "exit 0"),
    ("500 steps of 900 bytes", "store", lambda f: a_file(f, *letters(900)), "stored"),
    ("500 steps of 1,400 bytes", "lint", lambda f: a_file(f, *letters(1_400)), "exit 2"),
    ("a command of 300 characters", "run", lambda f: a_file(f, {"containerOverrides": {"command": ["x" * 300]}}), "exit 2"),
    ("a VCPU of 400 digits", "lint", lambda f: a_file(f, {"containerOverrides": {"resourceRequirements": [{"type": "VCPU", "value": "9" * 400}]}}), "exit 2"),
    ("when: n > 1e999999999999", "lint", lambda f: a_file(f, {"flow": {"when": "params.n > 1e999999999999"}}, params={"n": "1"}), "exit 2"),
    ("when: 5,000 parentheses", "lint", lambda f: a_file(f, {"flow": {"when": "(" * 5_000}}), "exit 2"),
    ("a NUL in a command", "lint", lambda f: a_file(f, {"containerOverrides": {"command": ["a\0b"]}}), "exit 2"),
    ("defaults that double 20 times", "lint", lambda f: a_file(f, {}, params={"p0": "x", **{f"p{n}": f"${{params.p{n - 1}}}" * 2 for n in range(1, 21)}}), "warning: a start with the parameters' defaults is refused"),
)  # fmt: skip


def main() -> int:
    """Every case; 1 if one is wrong."""
    wrong = 0
    for name, door, make, wanted in CASES:
        with tempfile.TemporaryDirectory() as folder:
            file = make(Path(folder))
            output = stored(file) if door == "store" else verb(door, file)
        is_right = wanted in output
        wrong += not is_right
        print(f"{'right' if is_right else 'WRONG'}  {name}, {door}: {output}")
    print(f"{wrong} of {len(CASES)} cases are wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
