"""A Lambda worker as a fork of a process that has imported what the runtime of AWS brings.

To import boto3 takes most of a worker's start, and a run needs several workers. So Python's fork
server imports it once, while the cloud starts, and each worker begins as a copy. A function that
brings a version of its own begins as a new interpreter, which finds that one first.
"""

from __future__ import annotations

import gc
import os
import runpy
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import aws_lambda_powertools  # noqa: F401  # what functions import, forks have
import boto3
import botocore.session

LAYERS = "_LAMBDA_LAYERS_DIRS"
"""The variable in which MiniStack names the folders of a function's layers."""

READ_BY_EVERY_CLIENT = ("endpoints", "partitions", "sdk-default-configuration", "_retry")

MODELS_OF = "dynamodb"
"""The service that every function of ours calls."""

_MODELS = ("service-2", "endpoint-rule-set-1")


def warm() -> None:
    """Read what clients of boto3 read, and keep it where the forks find it."""
    session = botocore.session.get_session()
    boto3.setup_default_session(botocore_session=session)
    loader = session.get_component("data_loader")
    for name in READ_BY_EVERY_CLIENT:
        loader.load_data(name)
    for kind in _MODELS:
        loader.load_service_model(MODELS_OF, kind)
    gc.freeze()  # 100,000 objects that stay: a look at them takes as long as to make a client


def run(
    program: str, folder: str, variables: Mapping[str, str], pipes: Sequence[Connection]
) -> None:
    """Be a worker, until its standard input ends.

    Args:
        program: MiniStack's, in Python.
        folder: of the function's code.
        pipes: what become standard input, output and error.
    """
    for number, pipe in enumerate(pipes):
        os.dup2(pipe.fileno(), number)
        pipe.close()
    os.chdir(folder)
    if brings_its_own(folder, variables.get(LAYERS, "")):
        os.execve(sys.executable, [sys.executable, program], dict(variables))  # noqa: S606  # no shell
    os.environ.clear()
    os.environ.update(variables)
    time.tzset()
    sys.stdin = os.fdopen(0, closefd=False)  # the fork server has closed its own, but no other
    sys.argv = [program]
    sys.path[0] = str(Path(program).parent)
    runpy.run_path(program, run_name="__main__")


def brings_its_own(folder: str, layers: str) -> bool:
    """Whether a function's code or a layer of it has a module that a fork has imported already."""
    imported = {name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names
    names = (path.stem for place in _places(folder, layers) for path in place.glob("*"))
    return not imported.isdisjoint(names)


def _places(folder: str, layers: str) -> Iterator[Path]:
    """Where MiniStack's program looks for modules before it looks into the runtime."""
    yield Path(folder)
    for layer in map(Path, filter(None, layers.split(os.pathsep))):
        yield layer
        yield layer / "python"
        yield from layer.glob("python/lib/*/site-packages")


if __name__ != "__main__":
    warm()
