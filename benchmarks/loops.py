"""Baselines: the time that is left if everything else takes none."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

SLOTS = 2
ONE_CLIENT = "import boto3; boto3.client('dynamodb', region_name='us-east-1')"
"""A script: what Python does before it can call AWS."""


def spawn_loop(count: int, slots: int = SLOTS) -> float:
    """Seconds to run `true` so many times, so many at a time, by posix_spawn and nothing else."""
    began = time.perf_counter()
    running = 0
    for _ in range(count):
        if running == slots:
            os.wait()
            running -= 1
        os.posix_spawn("/bin/true", ["true"], os.environ)
        running += 1
    for _ in range(running):
        os.wait()
    return time.perf_counter() - began


def seconds_of(command: Sequence[str], environment: Mapping[str, str] | None = None) -> float:
    """Seconds of a whole command."""
    began = time.perf_counter()
    _run(command, environment)
    return time.perf_counter() - began


def cpu_of(command: Sequence[str], environment: Mapping[str, str] | None = None) -> float:
    """Seconds of CPU of a whole command and what it started."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _run(command, environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def cpu_of_python(script: str, environment: Mapping[str, str] | None = None) -> float:
    """Seconds of CPU of a Python that runs a script."""
    return cpu_of([sys.executable, "-c", script], environment)


def _run(command: Sequence[str], environment: Mapping[str, str] | None) -> None:
    done = subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
