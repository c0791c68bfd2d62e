"""A Lambda worker begins as a fork that has boto3, and behaves as a process of its own."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from multiprocessing import forkserver, resource_tracker
from pathlib import Path
from typing import Any

import pytest

from batchrelay_local import forked_processes
from batchrelay_local.forked_processes import ForkedProcess
from batchrelay_local.launch import LocalCloud
from tests.conftest import client_of
from tests.functional.local_cloud.processes import is_alive

ECHO = """
import json, os, sys
sys.path.insert(0, os.getcwd())
is_there = "boto3" in sys.modules
import boto3
print(json.dumps({
    "folder": os.getcwd(), "environment": dict(os.environ), "arguments": sys.argv, "path": sys.path,
    "name": __name__, "is_there": is_there, "mine": getattr(boto3, "mine", False),
}), flush=True)
for line in sys.stdin:
    print("read", line.strip(), flush=True)
    print("aside", file=sys.stderr)
"""


BEGIN = "from batchrelay_local import forked_processes; print(forked_processes.begin())"


@pytest.fixture(scope="module", autouse=True)
def fork_server() -> Iterator[None]:
    """Ended with the tests: it would live as long as this process."""
    assert forked_processes.begin()
    yield
    forkserver._forkserver._stop()  # type: ignore[attr-defined]
    resource_tracker._resource_tracker._stop()  # type: ignore[attr-defined]


@pytest.fixture
def begun(tmp_path: Path) -> Iterator[Any]:
    """Begins a program in a folder of its own."""
    processes = []

    def begin(text: str, **variables: str) -> ForkedProcess:
        program = tmp_path / "program.py"
        program.write_text(text)
        (tmp_path / "code").mkdir(exist_ok=True)
        processes.append(ForkedProcess(str(program), str(tmp_path / "code"), variables))
        return processes[-1]

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


def test_a_program_has_its_own_folder_environment_and_pipes(begun: Any, tmp_path: Path) -> None:
    process = begun(ECHO, MINE="é", TZ="Asia/Tokyo")
    shown = json.loads(process.stdout.readline())
    assert shown["folder"] == str(tmp_path / "code")
    assert shown["environment"] == {"MINE": "é", "TZ": "Asia/Tokyo"}
    assert shown["arguments"] == [str(tmp_path / "program.py")]
    assert shown["path"][:2] == [str(tmp_path / "code"), str(tmp_path)]
    assert shown["name"] == "__main__"
    process.stdin.write("one\n")
    process.stdin.flush()
    assert process.stdout.readline() == "read one\n"
    assert process.stderr.readline() == "aside\n"
    assert process.poll() is None
    assert is_alive(process.pid)
    process.stdin.close()
    assert (process.wait(timeout=5), process.poll(), process.returncode) == (0, 0, 0)


def test_what_is_printed_stays_in_its_order(begun: Any) -> None:
    """MiniStack's handlers print to what stderr is, and our mark to what it was at the start."""
    process = begun(
        "import sys\nprint('half', end='', file=sys.stderr)\nprint('END', file=sys.__stderr__)"
    )
    assert process.stderr.readline() == "halfEND\n"


def test_it_begins_with_boto3_imported(begun: Any) -> None:
    shown = json.loads(begun(ECHO).stdout.readline())
    assert (shown["is_there"], shown["mine"]) == (True, False)


@pytest.mark.parametrize(
    "place", ["code", "layer", "layer/python", "layer/python/lib/p/site-packages"]
)
def test_a_function_that_brings_its_own_boto3_has_that_one(
    begun: Any, tmp_path: Path, place: str
) -> None:
    folder = tmp_path / place / "boto3"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("mine = True\n")
    text = ECHO.replace("os.getcwd()", repr(str(folder.parent)), 1)
    shown = json.loads(begun(text, _LAMBDA_LAYERS_DIRS=str(tmp_path / "layer")).stdout.readline())
    assert (shown["is_there"], shown["mine"]) == (False, True)
    assert shown["folder"] == str(tmp_path / "code")
    assert shown["arguments"] == [str(tmp_path / "program.py")]


def test_an_error_is_on_standard_error_and_in_the_exit_code(begun: Any) -> None:
    process = begun("raise RuntimeError('no good')")
    assert process.wait(timeout=5) == 1
    assert "RuntimeError: no good" in process.stderr.read()


@pytest.mark.parametrize("end", ["terminate", "kill"])
def test_it_is_ended_by_a_signal(begun: Any, end: str) -> None:
    process = begun(ECHO)
    process.stdout.readline()
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=0.01)
    getattr(process, end)()
    expected = signal.SIGTERM if end == "terminate" else signal.SIGKILL
    assert process.wait(timeout=5) == -expected
    process.kill()  # in vain, and no error


def test_no_pipe_is_left_open(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(ECHO)
    counts = []
    for _ in range(4):
        process = ForkedProcess(str(program), str(tmp_path), {})
        process.stdout.readline()
        process.kill()
        process.communicate()
        process.communicate()
        counts.append(len(list(Path("/proc/self/fd").iterdir())))
    assert counts[1] == counts[3]


def test_no_fork_server_is_begun_where_its_socket_has_no_place(tmp_path: Path) -> None:
    long = tmp_path / ("long" * 30)
    long.mkdir()
    shown = subprocess.run(
        [sys.executable, "-c", BEGIN],
        env={"TMPDIR": str(long)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == "False\n", shown.stderr


@pytest.mark.cloud
def test_a_cloud_in_a_folder_with_a_long_name_has_workers_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("long" * 30)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    cloud = LocalCloud.start(directory=tmp_path)
    try:
        functions = client_of(cloud, "lambda")
        answer = functions.invoke(FunctionName=cloud.outputs["ReconcileName"], Payload=b"{}")
        assert "FunctionError" not in answer
    finally:
        cloud.stop()


@pytest.mark.cloud
def test_no_other_user_can_ask_the_fork_server_for_a_process(cloud: LocalCloud) -> None:
    """Its sockets lie in the cloud's own folder, and none has a name without a file."""
    folder = Path(cloud.folder)
    sockets = [path for path in folder.rglob("*") if path.is_socket()]
    assert sockets != []
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    listed = Path("/proc/net/unix").read_text().splitlines()
    assert not [line for line in listed if line.rpartition(" ")[2].startswith("@/tmp/batchrelay")]
    assert all(any(line.endswith(str(path)) for line in listed) for path in sockets)
