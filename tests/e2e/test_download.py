"""`run --download DIR` as a user calls it, of a job that chose its keys to do harm."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from click.testing import Result

from batchrelay.domain.values import printable
from batchrelay_cli.verbs.run import REFUSED_SHOWN_MAX
from tests.e2e.command_line import batchrelay

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("run_on_cloud")]

KEPT = {
    "plain": b"plain",
    "a b+c%20é": b"spaces",
    "-rf": b"an option",
    "dir/x": b"in a folder",
    "dir/": b"",
    "line\nfeed": b"two lines",
    "\x1b[2J\x1b]0;t\x07": b"a cleared screen",
    "back\\slash": b"a backslash",
    "$(id)": b"a shell",
    "n" * 255: b"as long as a name may be",
}
REFUSED = {
    "../x": "'..' between two slashes is no file name",
    "../../../../tmp/batchrelay-escaped": "'..' between two slashes is no file name",
    "/abs": "'' between two slashes is no file name",
    "/etc/batchrelay-escaped": "'' between two slashes is no file name",
    "a//b": "'' between two slashes is no file name",
    "./here": "'.' between two slashes is no file name",
    "dir/..": "'..' between two slashes is no file name",
    "folder/": "'' between two slashes is no file name",
    "plain/below": "a file has the name of one of its folders",
    "n" * 256: "File name too long",
    "é" * 128: "File name too long",
    "nul\0": "a file name has no NUL character",
}
SCRIPT = """
import json, pathlib, sys
import boto3
s3 = boto3.client("s3")
for key, body in json.loads(pathlib.Path("keys.json").read_text()):
    s3.put_object(Bucket=sys.argv[1], Key="o/" + key, Body=body.encode())
"""


def test_a_download_stays_in_its_folder_and_names_what_it_left(tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "below" / "out"
    home.mkdir()
    bodies = [(key, body.decode()) for key, body in KEPT.items()]
    bodies += [(key, "harm") for key in REFUSED]
    (home / "keys.json").write_text(json.dumps(bodies))
    (home / "harm.py").write_text(SCRIPT)
    done = run(home, out)
    assert done.exit_code == 1, done.stderr
    found = {path.relative_to(out / "a").as_posix(): path for path in out.rglob("*")}
    files = {name: path.read_bytes() for name, path in found.items() if path.is_file()}
    assert files == {name: body for name, body in KEPT.items() if name != "dir/"}
    assert {path.name for path in tmp_path.iterdir()} == {"home", "below"}
    assert {path.name for path in home.iterdir()} == {"keys.json", "harm.py", "pipeline.json"}
    for path in ("/abs", "/etc/batchrelay-escaped", "/tmp/batchrelay-escaped"):  # noqa: S108  # not there
        assert not Path(path).exists()
    assert f"{len(REFUSED)} files not downloaded" in done.stdout
    listed = re.findall(r"^not downloaded: s3://[^/]+/o/(.*)$", done.stdout, re.MULTILINE)
    assert len(listed) == min(REFUSED_SHOWN_MAX, len(REFUSED))
    assert set(listed) <= {printable(f"{key}: {reason}") for key, reason in REFUSED.items()}
    assert printable(done.stdout + done.stderr, keep="\n\t") == done.stdout + done.stderr


def run(home: Path, out: Path) -> Result:
    container = {"image": "i", "command": ["true"], "vcpus": 1, "memory": 64}
    definition = {
        "jobDefinitionName": "d",
        "type": "container",
        "containerProperties": container,
    }
    step = {
        "jobName": "a",
        "jobQueue": "q",
        "jobDefinition": "d",
        "containerOverrides": {"command": [sys.executable, "harm.py", "${env.bucket}"]},
        "flow": {"output": "s3://${env.bucket}/o/"},
    }
    file = home / "pipeline.json"
    file.write_text(json.dumps({"pipeline": "p", "steps": [step], "jobDefinitions": [definition]}))
    return batchrelay("run", str(file), "--download", str(out))
