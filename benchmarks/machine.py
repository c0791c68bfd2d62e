"""What the machine is, for the page and the JSON."""

from __future__ import annotations

import os
import platform
import re
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

FSYNCS = 50


def describe() -> dict[str, str]:
    """CPU, cores, memory, Python, system, the load and the disk before, and the date."""
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "cpu": _cpu(Path("/proc/cpuinfo").read_text()),
        "cores": str(os.cpu_count()),
        "memory": f"{int(memory[1]) / 1024**2:.0f} GiB" if memory else "unknown",
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "load": f"{os.getloadavg()[0]:.1f}",
        "fsync": f"{_fsync_ms():.1f} ms",
    }


def _fsync_ms() -> float:
    """The median time until a byte of a temporary file is on the disk: a database waits for it."""
    seconds = []
    with tempfile.TemporaryFile() as file:
        for _ in range(FSYNCS):
            began = time.perf_counter()
            file.write(b"x")
            file.flush()
            os.fsync(file.fileno())
            seconds.append(time.perf_counter() - began)
    return median(seconds) * 1000


def _cpu(cpuinfo: str) -> str:
    """The model, or the machine's architecture where the kernel names no model (arm64)."""
    model = re.search(r"^model name\s*: (.+)$", cpuinfo, re.MULTILINE)
    return model[1] if model else platform.machine()
