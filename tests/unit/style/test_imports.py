"""The import contracts fail when they should: a copy of the tree gets wrong imports."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grimp
import pytest

from tests.stack import ROOT

PACKAGES = {
    "layers/core": "batchrelay",
    "batch-local": "batch_local",
    "local": "batchrelay_local",
    "cli": "batchrelay_cli",
    "worker": "batchrelay_worker",
    ".": "functions",
}
CORE = "layers/core/batchrelay"
BATCH = "batch-local/batch_local"

PURE = {
    *(
        "__future__",
        "collections",
        "contextlib",
        "dataclasses",
        "datetime",
        "decimal",
        "difflib",
        "itertools",
        "operator",
        "enum",
    ),
    *("graphlib", "hashlib", "json", "math", "re", "typing", "unicodedata"),
}
"""What the domain may import: modules whose answers depend on their arguments only."""


@dataclass(frozen=True, kw_only=True)
class Plant:
    """A wrong import, and the contracts that it breaks."""

    id: str
    file: str
    line: str
    broken: tuple[str, ...]


LAYERS = "the core is built in layers, and every module is in one"
NO_AWS = "the core reads no clock, chance, environment or log, and calls no AWS"
BATCH_LAYERS = "batch-local is built in layers, and every module is in one"
BATCH_IS_PURE = "batch-local decides without clock, chance, process or socket"
NO_STORED_FORM = "the command line reads no stored form and no adapter"
PLANTS = (
    Plant(
        id="the API imports an adapter",
        file=f"{CORE}/api/service.py",
        line="import batchrelay.adapters.dynamodb",
        broken=(LAYERS, NO_AWS),
    ),
    Plant(
        id="a verb imports the stored form",
        file="cli/batchrelay_cli/verbs/plan.py",
        line="import batchrelay.codec",
        broken=(NO_STORED_FORM,),
    ),
    Plant(
        id="a view imports an adapter",
        file="cli/batchrelay_cli/views/failure.py",
        line="import batchrelay.adapters.dynamodb",
        broken=(NO_STORED_FORM,),
    ),
    Plant(
        id="an adapter imports a transition",
        file=f"{CORE}/adapters/sns.py",
        line="import batchrelay.domain.cancellation",
        broken=("no adapter decides",),
    ),
    Plant(
        id="the API imports boto3",
        file=f"{CORE}/api/views.py",
        line="import boto3",
        broken=(NO_AWS, "boto3 is imported where clients are made"),
    ),
    Plant(
        id="a handler imports another",
        file="functions/prepare/app.py",
        line="from functions.reconcile import app",
        broken=("a function is independent of the others",),
    ),
    Plant(
        id="a handler imports another by the name that Lambda gives it",
        file="functions/prepare/app.py",
        line="from reconcile import app",
        broken=("a function imports no other by the name that Lambda gives it",),
    ),
    Plant(
        id="a module is in no layer",
        file=f"{CORE}/notifications.py",
        line="",
        broken=(LAYERS,),
    ),
    Plant(
        id="an adapter imports another",
        file=f"{CORE}/adapters/s3.py",
        line="import batchrelay.adapters.sqs",
        broken=("an adapter is independent of the others",),
    ),
    Plant(
        id="the domain imports a port",
        file=f"{CORE}/domain/run.py",
        line="import batchrelay.ports",
        broken=(LAYERS,),
    ),
    Plant(
        id="the local AWS Batch imports the local cloud",
        file=f"{BATCH}/service.py",
        line="import batchrelay_local.services",
        broken=("batch-local imports nothing of ours",),
    ),
    Plant(
        id="the scheduler of the local AWS Batch imports a process",
        file=f"{BATCH}/scheduling/orders.py",
        line="import batch_local.processes.runner",
        broken=(BATCH_LAYERS, BATCH_IS_PURE),
    ),
    Plant(
        id="the local AWS Batch has a module in no layer",
        file=f"{BATCH}/notes.py",
        line="",
        broken=(BATCH_LAYERS,),
    ),
    Plant(
        id="the local cloud imports a private module of the local AWS Batch",
        file="local/batchrelay_local/services.py",
        line="import batch_local.model",
        broken=("batch-local is used by its public modules",),
    ),
    Plant(
        id="the engine imports the clock",
        file=f"{CORE}/engine/engine.py",
        line="import time",
        broken=(NO_AWS,),
    ),
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages and their contracts, where they can be changed."""
    root = tmp_path_factory.mktemp("tree")
    shutil.copy(ROOT / "pyproject.toml", root)
    for folder, package in PACKAGES.items():
        no_caches = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder / package, root / folder / package, ignore=no_caches)
    return root


@contextmanager
def planted(root: Path, plant: Plant) -> Iterator[None]:
    path = root / plant.file
    text = path.read_text() if path.exists() else None
    path.write_text(f"{text or ''}\n{plant.line}\n")
    try:
        yield
    finally:
        path.unlink() if text is None else path.write_text(text)


def broken_contracts(root: Path) -> tuple[int, set[str]]:
    """What `make check` runs: its exit code, and the names of the contracts that are broken."""
    folders = [str(root / folder) for folder in PACKAGES]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders), "COLUMNS": "200"}
    result = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Contracts: " in result.stdout, result.stdout + result.stderr
    names = re.findall(r"^(.+?) BROKEN", result.stdout, re.MULTILINE)
    return result.returncode, set(names)


def test_the_contracts_are_kept_where_nothing_is_planted(copy: Path) -> None:
    assert broken_contracts(copy) == (0, set())


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.id)
def test_a_planted_import_breaks_its_contract(copy: Path, plant: Plant) -> None:
    with planted(copy, plant):
        assert broken_contracts(copy) == (1, set(plant.broken))


def test_the_domain_imports_pure_modules_only() -> None:
    graph = grimp.build_graph("batchrelay", include_external_packages=True, cache_dir=None)
    domain = {"batchrelay.domain", *graph.find_descendants("batchrelay.domain")}
    assert len(domain) > 20
    imports = {
        name for module in domain for name in graph.find_modules_directly_imported_by(module)
    }
    assert {name for name in imports - domain if not name.startswith("batchrelay.")} <= PURE
    assert {name for name in imports - domain if name.startswith("batchrelay.")} == set()
