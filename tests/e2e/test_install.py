"""What a user installs: the built wheels, outside of the repository, with what it declares to need.

Each environment has the wheels and the distributions that its metadata asks for, by links into this
environment: an import that no requirement stands for fails here.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.stack import ROOT

pytestmark = pytest.mark.cloud

UV = ROOT / ".tools/uv/bin/uv"
PACKAGES = ("batch_local", "batchrelay", "batchrelay_cli", "batchrelay_local", "batchrelay_worker")
MODULES_OF_LOCAL = ("aws_lambda_powertools", "ministack", "samtranslator")


def required(dist: Distribution, extras: frozenset[str]) -> Iterator[Requirement]:
    for text in dist.requires or ():
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": e}) for e in extras | {""}):
            yield requirement


def closure(
    requirements: Iterable[Requirement], wheels: Mapping[str, Distribution]
) -> dict[str, Distribution]:
    """The distributions that an installer would add, by name."""
    found: dict[str, Distribution] = {}
    open_requirements = list(requirements)
    while open_requirements:
        requirement = open_requirements.pop()
        if requirement.name not in found:
            dist = wheels.get(requirement.name) or distribution(requirement.name)
            found[requirement.name] = dist
            assert requirement.specifier.contains(dist.version), requirement
            open_requirements += required(dist, frozenset(requirement.extras))
    return found


def link(dist: Distribution, site: Path) -> None:
    tops = {path.parts[0] for path in dist.files or ()} - {"..", "__pycache__"}
    for top in tops:
        if not (site / top).exists():
            (site / top).symlink_to(Path(str(dist.locate_file(top))))


def install(wheels: list[Path], folder: Path, *wanted: str) -> Path:
    """A new environment with what is wanted; its programs."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin/python"
    options = ["-q", "--offline", "--no-index", "--no-deps", "--python", str(python)]
    subprocess.run([UV, "pip", "install", *options, *wheels], check=True)
    infos = list(folder.glob("lib/python*/site-packages/batch*.dist-info"))
    installed = {dist.name: dist for dist in map(Distribution.at, infos)}
    for name, dist in closure(map(Requirement, wanted), installed).items():
        if name not in installed:
            link(dist, infos[0].parent)
    return folder / "bin"


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    built = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(built)]
    for project in (ROOT, ROOT / "batch-local"):
        subprocess.run(command, cwd=project, check=True, capture_output=True)
    return sorted(built.iterdir())


@pytest.fixture(scope="module")
def default_bin(wheels: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of `pip install batchrelay`."""
    return install(wheels, tmp_path_factory.mktemp("default") / "env", "batchrelay")


@pytest.fixture(scope="module")
def local_bin(wheels: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of `pip install batchrelay[local]`, in a folder with a space."""
    folder = tmp_path_factory.mktemp("local") / "a folder with spaces"
    return install(wheels, folder, "batchrelay[local]")


def environment_of(programs: Path, home: Path) -> dict[str, str]:
    """A shell that knows nothing of the repository."""
    aws = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    path = os.pathsep.join([str(programs), os.defpath])
    return {**aws, "PATH": path, "HOME": str(home), "LC_ALL": "C.UTF-8"}


def call(programs: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(programs / arguments[0]), *arguments[1:]],
        cwd=cwd,
        env=environment_of(programs, cwd),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def succeed(programs: Path, cwd: Path, *arguments: str) -> str:
    """What it prints on its standard output."""
    done = call(programs, cwd, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def origins(programs: Path, cwd: Path, *modules: str) -> dict[str, str | None]:
    """Where each module would be imported from; None, if there is none."""
    code = (
        "import importlib.util as u, json, sys; specs = {n: u.find_spec(n) for n in sys.argv[1:]};"
        "print(json.dumps({n: s and s.origin for n, s in specs.items()}))"
    )
    answer: dict[str, str | None] = json.loads(
        succeed(programs, cwd, "python", "-c", code, *modules)
    )
    return answer


@pytest.mark.parametrize("kind", ["default_bin", "local_bin"])
def test_nothing_of_the_repository_is_imported(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    programs: Path = request.getfixturevalue(kind)
    for name, origin in origins(programs, tmp_path, *PACKAGES).items():
        assert origin is not None, name
        assert Path(origin).is_relative_to(programs.parent), origin
        assert not Path(origin).is_relative_to(ROOT), origin


def test_the_default_install_checks_a_pipeline_and_says_what_a_run_needs(
    default_bin: Path, tmp_path: Path
) -> None:
    assert set(origins(default_bin, tmp_path, *MODULES_OF_LOCAL).values()) == {None}
    assert succeed(default_bin, tmp_path, "batchrelay", "--version").startswith("batchrelay, ")
    succeed(default_bin, tmp_path, "batchrelay", "init", "demo")
    linted = succeed(default_bin, tmp_path, "batchrelay", "lint", "demo/pipeline.yaml")
    assert linted == "demo/pipeline.yaml: 3 steps, no errors\n"
    assert "pipeline demo" in succeed(
        default_bin, tmp_path, "batchrelay", "plan", "demo/pipeline.yaml"
    )
    missing = ", ".join(MODULES_OF_LOCAL)
    sentence = (
        f"batchrelay: the local cloud is not installed (missing: {missing}): "
        "pip install 'batchrelay[local]'\n"
    )
    command = ["run", "demo/pipeline.yaml", "--param", "source=demo/texts"]
    for arguments in (command, ["local", "up"]):
        refused = call(default_bin, tmp_path, "batchrelay", *arguments)
        assert (refused.returncode, refused.stdout, refused.stderr) == (2, "", sentence)
    refused = call(default_bin, tmp_path, "batchrelay", "mcp")
    sentence = (
        "batchrelay: the MCP server is not installed (missing: mcp): "
        "pip install 'batchrelay[mcp]'\n"
    )
    assert (refused.returncode, refused.stdout, refused.stderr) == (2, "", sentence)


@pytest.mark.usefixtures("stays")
def test_the_default_install_steers_runs_of_a_stack(default_bin: Path, tmp_path: Path) -> None:
    """Without Powertools: the handlers have it, in AWS, and the command line needs none."""
    succeed(default_bin, tmp_path, "batchrelay", "init", "steered")
    folder = tmp_path / "steered"
    succeed(default_bin, folder, "batchrelay", "deploy", "pipeline.yaml")
    started = succeed(
        default_bin, folder, "batchrelay", "start", "steered", "--param", "source=texts",
        "--output", "json",
    )  # fmt: skip
    run_id = json.loads(started)["runId"]
    watched = succeed(default_bin, folder, "batchrelay", "status", run_id, "--watch")
    assert re.search(r"\bcount\b.*\bSUCCEEDED\b", watched), watched
    logged = succeed(default_bin, folder, "batchrelay", "logs", f"{run_id}/merge")
    assert logged.splitlines()[0].split() == ["the", "5"]


def test_a_folder_of_init_runs_by_its_own_readme(local_bin: Path, tmp_path: Path) -> None:
    printed = succeed(local_bin, tmp_path, "batchrelay", "init", "demo").splitlines()
    commands = re.findall(r"^\$ (.+)$", (tmp_path / "demo/README.md").read_text(), re.MULTILINE)
    assert [line.strip() for line in printed[2:]] == ["cd demo", *commands]
    lint, run = (command.split() for command in commands)
    assert succeed(local_bin, tmp_path / "demo", *lint) == "pipeline.yaml: 3 steps, no errors\n"
    shown = succeed(local_bin, tmp_path / "demo", *run, "--download", "out")
    assert re.search(r"^count +SUCCEEDED +3/3 ", shown, re.MULTILINE), shown
    total = json.loads((tmp_path / "demo/out/merge/total.json").read_text())
    texts = " ".join(path.read_text() for path in (tmp_path / "demo/texts").iterdir()).split()
    assert total == {word: texts.count(word) for word in texts}


def test_local_up_stays_until_it_is_ended(local_bin: Path, tmp_path: Path) -> None:
    with subprocess.Popen(
        [local_bin / "batchrelay", "local", "up", "--output", "json"],
        cwd=tmp_path,
        env=environment_of(local_bin, tmp_path),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            document, _ = json.JSONDecoder().raw_decode(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
    assert document["endpoint"].startswith("http://127.0.0.1:")
    assert "ApiUrl" in document["outputs"]


def test_a_test_of_another_project_has_the_aws_batch_of_its_readme(
    wheels: list[Path], tmp_path: Path
) -> None:
    """batch-local alone, beside pytest: nothing of batchrelay, and no boto3."""
    wheel = [path for path in wheels if path.name.startswith("batch_local-")]
    programs = install(wheel, tmp_path / "env", "batch-local", "pytest")
    absent = ("batchrelay", "batchrelay_local", "boto3")
    places = origins(programs, tmp_path, "batch_local", "pytest", *absent)
    assert [name for name, origin in places.items() if origin is None] == [*absent]
    assert Path(places["batch_local"] or "").is_relative_to(programs.parent)
    readme = (ROOT / "batch-local/README.md").read_text()
    [example] = re.findall(r"^```python\n(def test_.+?)^```", readme, re.MULTILINE | re.DOTALL)
    project = tmp_path / "project"
    project.mkdir()
    (project / "test_array.py").write_text(example)
    assert "1 passed" in succeed(programs, project, "python", "-W", "error", "-m", "pytest")
    assert "up" in succeed(programs, project, "batch-local", "--help")
