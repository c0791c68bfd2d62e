"""Who does the work: a bare spawn loop, batchrelay, and its peers, each in its ordinary form."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.peers.batchrelay.pipeline import write_pipeline
from benchmarks.peers.work import Kind, Work, python

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
ENVIRONMENTS = ROOT / ".tools/peers"
STATE_FOLDERS = ("state/prefect", "state/dagster", "state/metaflow", "tmp")
"""Made in the folder of every run."""
SPAWN_LOOP, OURS, OURS_CHUNKED = "spawn loop", "batchrelay", "batchrelay, chunk 25"

Command = Callable[[Work, Path], list[str]]
"""The command of a work, to be run in a folder."""


@dataclass(frozen=True, kw_only=True)
class Runner:
    """Something that starts the processes of a work, two at a time."""

    name: str
    form: str
    """What it was given to do it with, for the page."""
    command: Command
    lock: str = ""
    """Of a peer: its lock file in locks/peers, and its environment."""
    package: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables beside those that all have; `{folder}` is the folder of the run."""
    first_use: tuple[str, ...] = ()
    """A command of its environment, for what only the very first use makes: not measured."""
    files: tuple[Path, ...] = ()
    """Put into the folder, at the path below the peer's own."""
    kinds: tuple[Kind, ...] = tuple(Kind)


def bin_of(lock: str) -> Path:
    """The programs of a peer's environment."""
    return ENVIRONMENTS / lock / "bin"


def first_use_of(lock: str) -> Path:
    """The folder in which a peer was used before."""
    return ENVIRONMENTS / lock / "first-use"


def _snake(work: Work) -> str:
    return work.kind.replace("-", "_")


def _camel(work: Work) -> str:
    return work.kind.title().replace("-", "")


def _spawn_loop(work: Work, _: Path) -> list[str]:
    return [python(), "-I", "-S", str(HERE / "spawn_loop.py"), work.kind, str(work.size)]


def _batchrelay(chunk: int) -> Command:
    def command(work: Work, folder: Path) -> list[str]:
        file = write_pipeline(work, folder, chunk)
        return [sys.executable, "-m", "batchrelay_cli", "run", str(file)]

    return command


def _doit(work: Work, folder: Path) -> list[str]:
    places = ["-f", str(HERE / "doit/dodo.py"), "-d", str(folder), "--db-file", "state/doit.db"]
    return [str(bin_of("doit") / "doit"), "run", *places, "-n", "2", _snake(work)]


def _luigi(work: Work, _: Path) -> list[str]:
    task = ["--module", "workflow", _camel(work), "--count", str(work.size)]
    return [str(bin_of("luigi") / "luigi"), *task, "--local-scheduler", "--workers", "2"]


def _redun(work: Work, _: Path) -> list[str]:
    task = [str(HERE / "redun/workflow.py"), _snake(work), "--count", str(work.size)]
    return [str(bin_of("redun") / "redun"), "run", *task]


def _snakemake(work: Work, folder: Path) -> list[str]:
    places = ["-s", str(HERE / "snakemake/Snakefile"), "-d", str(folder)]
    return [str(bin_of("snakemake") / "snakemake"), *places, "--cores", "2", _snake(work)]


def _prefect(*_: object) -> list[str]:
    return [str(bin_of("prefect") / "python"), str(HERE / "prefect/workflow.py")]


def _dagster(work: Work, _: Path) -> list[str]:
    workflow = ["-f", str(HERE / "dagster/workflow.py"), "-a", _snake(work)]
    return [str(bin_of("dagster") / "dagster"), "job", "execute", *workflow]


def _metaflow(work: Work, _: Path) -> list[str]:
    flow = str(HERE / "metaflow" / f"{_snake(work)}.py")
    limits = ["--max-workers", "2", "--max-num-splits", "20000"]
    return [str(bin_of("metaflow") / "python"), flow, "--quiet", "run", *limits]


RUNNERS = (
    Runner(
        name=SPAWN_LOOP,
        form="Python's posix_spawn and wait, two at a time; keeps nothing",
        command=_spawn_loop,
    ),
    Runner(
        name=OURS,
        form="`batchrelay run`: starts the local cloud, deploys the stack, runs one array job "
        "(a job for each step of the chain) and stops the cloud. Word count: the list goes to S3, "
        "`batchrelay-worker run` in a child for each text",
        command=_batchrelay(1),
    ),
    Runner(
        name=OURS_CHUNKED,
        form="the same with `chunk: 25`: a child for 25 texts, a process for each",
        command=_batchrelay(25),
        kinds=(Kind.WORD_COUNT,),
    ),
    Runner(
        name="doit",
        form="a task with a target for each process, `-n 2`; its database (dbm)",
        command=_doit,
        lock="doit",
        package="doit",
    ),
    Runner(
        name="Luigi",
        form="a task with a local target for each process, local scheduler, `--workers 2`; "
        "the targets are its state",
        command=_luigi,
        lock="luigi",
        package="luigi",
        environment={"PYTHONPATH": str(HERE / "luigi")},
    ),
    Runner(
        name="redun",
        form="a script task for each process, local executor with a pool of two processes "
        "(the chain: `seq`); SQLite",
        command=_redun,
        lock="redun",
        package="redun",
        environment={"AWS_EC2_METADATA_DISABLED": "true"},  # it looks for credentials
        files=(HERE / "redun/.redun/redun.ini",),
    ),
    Runner(
        name="Snakemake",
        form="a rule's job with an output for each process, `--cores 2`; files and `.snakemake`",
        command=_snakemake,
        lock="snakemake",
        package="snakemake",
    ),
    Runner(
        name="Prefect",
        form="a task with a process in it for each, a task runner of two threads (the chain: "
        "calls one after the other); the temporary server on 127.0.0.1 with SQLite, whose tables "
        "were made before",
        command=_prefect,
        lock="prefect",
        package="prefect",
        first_use=("prefect", "server", "database", "upgrade", "--yes"),
        environment={
            "PREFECT_HOME": "{folder}/state/prefect",
            "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "true",
        },
    ),
    Runner(
        name="Dagster",
        form="an op with a process in it for each, dynamic outputs, `dagster job execute`; "
        "in-process executor, so one at a time; SQLite",
        command=_dagster,
        lock="dagster",
        package="dagster",
        environment={"DAGSTER_HOME": "{folder}/state/dagster", "DAGSTER_DISABLE_TELEMETRY": "yes"},
    ),
    Runner(
        name="Metaflow",
        form="a task with a process in it for each, by `foreach`, `--max-workers 2`; the chain is "
        "a step that goes on to itself; metadata and artifacts in files",
        command=_metaflow,
        lock="metaflow",
        package="metaflow",
        environment={"METAFLOW_HOME": "{folder}/state/metaflow", "USERNAME": "peers"},
    ),
)


def variables(runner: Runner, folder: Path) -> dict[str, str]:
    """The environment of a run without its work: no home of a user, no network."""
    programs = str(bin_of(runner.lock)) if runner.lock else str(Path(sys.executable).parent)
    nowhere = "http://127.0.0.1:9"
    own = {name: value.format(folder=folder) for name, value in runner.environment.items()}
    return {
        "PATH": f"{programs}:{os.environ.get('PATH', os.defpath)}",
        "LANG": "C.UTF-8",
        "HOME": str(folder),
        "TMPDIR": str(folder / "tmp"),
        "DO_NOT_TRACK": "1",
        "HTTP_PROXY": nowhere,
        "HTTPS_PROXY": nowhere,
        "NO_PROXY": "127.0.0.1,localhost",
        **own,
    }
