"""The stack that `sam build` made: how large it is, and whether an example runs on it."""

from __future__ import annotations

import io
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from batchrelay_cli.client import FunctionFailedError
from batchrelay_cli.pipeline_file.read import read
from batchrelay_cli.verbs.run import LocalRun
from batchrelay_local.launch import LocalCloud

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / ".aws-sam/build"
EXAMPLE = ROOT / "examples/word-count"

UNZIPPED_BYTES_MAX = 8 * 1024 * 1024
"""Of a function with its layer. AWS Lambda takes 250 MB; a cold start reads every byte of it."""

PLANTED = "this layer is broken on purpose"


def sizes(build: Path) -> dict[str, tuple[int, int]]:
    """Bytes of each function and layer, as they are and zipped; not of nested stacks."""
    folders = (path for path in sorted(build.glob("*/")) if not (path / "template.yaml").exists())
    return {path.name: _size(path) for path in folders}


def bytecode_problems(build: Path) -> list[str]:
    """Bytecode is of the Python that was here, and not of the runtime's."""
    return [str(path.relative_to(build)) for path in sorted(build.rglob("__pycache__"))]


def size_problems(sizes_by_name: dict[str, tuple[int, int]]) -> list[str]:
    """What is larger than it may be."""
    layer = sizes_by_name["CoreLayer"][0]
    return [
        f"{name} with the layer is {size + layer:,} bytes, over {UNZIPPED_BYTES_MAX:,}"
        for name, (size, _) in sizes_by_name.items()
        if name != "CoreLayer" and size + layer > UNZIPPED_BYTES_MAX
    ]


def _size(folder: Path) -> tuple[int, int]:
    body = io.BytesIO()
    files = [path for path in folder.rglob("*") if path.is_file()]
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, path.relative_to(folder).as_posix())
    return sum(path.stat().st_size for path in files), len(body.getvalue())


def run_problems(build: Path) -> list[str]:
    """Run the word-count example on the built stack."""
    with _session(build) as session:
        run = session.play({"source": str(EXAMPLE / "texts")}, reconcile=False)
    is_good = run["status"] == "SUCCEEDED"
    return [] if is_good else [f"the example is {run['status']}: {run['statusReason']}"]


def origin_problems(build: Path) -> list[str]:
    """That it was the built layer which ran: the build with a broken one must fail."""
    try:
        with _session(build, layer=f"raise ImportError({PLANTED!r})\n") as session:
            session.play({"source": str(EXAMPLE / "texts")}, reconcile=False)
    except FunctionFailedError as error:
        return [] if PLANTED in str(error) else [f"it failed of something else: {error}"]
    return ["a build with a broken layer ran: it was not the built layer that ran"]


@contextmanager
def _session(build: Path, layer: str = "") -> Iterator[LocalRun]:
    """With a copy of the build: Python leaves bytecode beside what is zipped.

    Args:
        layer: what stands at the beginning of the layer's package.
    """
    file = read(EXAMPLE / "pipeline.yaml")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "build"
        shutil.copytree(build, copy)
        package = copy / "CoreLayer/python/batchrelay/__init__.py"
        package.write_text(package.read_text() + layer)
        cloud = LocalCloud.start(directory=file.path.parent, built_stack=str(copy))
        try:
            yield LocalRun.prepare(cloud, file, Console(quiet=True))
        finally:
            cloud.stop()
