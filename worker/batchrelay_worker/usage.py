"""What a program used, what its container used at most, and where that ran.

A value that cannot be read is absent, and never 0. Sources: getrusage(2); Linux, "Control Group v2"
and "Memory Resource Controller"; ECS Developer Guide, "Task metadata endpoint version 4".
"""

from __future__ import annotations

import json
import os
import re
import sys
import threading
import time
from http.client import HTTPConnection, HTTPException
from typing import Any, Mapping
from urllib.parse import urlsplit

METADATA = "ECS_CONTAINER_METADATA_URI_V4"
"""Set by ECS in every container, on EC2 and on Fargate."""

METADATA_S = 2.0
"""Seconds until the endpoint is given up. It is asked while the items run, so most often no child
waits for it."""

METADATA_BYTES_MAX = 1024 * 1024
TEXT_CHARS_MAX = 40
"""Of a zone, a region, a launch type: us-gov-east-1a has 14."""

CGROUPS = "/sys/fs/cgroup"
OWN_CGROUP = "/proc/self/cgroup"
KIB = 1024

_LOCAL = re.compile(r"(169\.254|127\.[0-9]{1,3})(\.[0-9]{1,3}){2}")
"""ECS's endpoint is 169.254.170.2; tests have theirs on the loopback interface."""


def program_usage(used: Any) -> dict[str, Any]:
    """What a program used that has ended: `rss`, the KiB of its largest process; `cpu`, seconds.

    The processes that it started and waited for count: into `cpu` all of them, into `rss` the
    largest. `rss` is never less than what the worker itself had, because a process begins as a copy
    of its parent.
    """
    usage: dict[str, Any] = {"cpu": round(used.ru_utime + used.ru_stime, 3)}
    rss = used.ru_maxrss // (KIB if sys.platform == "darwin" else 1)  # bytes on macOS
    if rss > 0:
        usage["rss"] = rss
    return usage


class Container:
    """The counters of this container: cgroup v2, or v1 where there is only that.

    They are read in ECS alone. Elsewhere a job may share its cgroup with others, as on this
    machine, and its figures would be theirs.
    """

    def __init__(
        self, environment: Mapping[str, str], cgroups: str = CGROUPS, own: str = OWN_CGROUP
    ) -> None:
        self._files: dict[str, str] = {}
        if environment.get(METADATA):
            is_v2 = os.path.exists(cgroups + "/cgroup.controllers")  # noqa: PTH110  # pathlib takes 5 ms to import
            self._files = _files_v2(cgroups, own) if is_v2 else _files_v1(cgroups, own)
        self._is_v2 = "memory.peak" in self._files.get("peak", "")

    def usage(self) -> dict[str, Any]:
        """`peak`, KiB with page cache; `oom`, processes killed; `cpu` and `throttled`, seconds."""
        counters = {
            "peak": (self._number("peak"), KIB),
            "oom": (self.oom_kills(), 1),
            "cpu": (self._number("cpu", "usage_usec"), 1e6 if self._is_v2 else 1e9),
            "throttled": (
                self._number("throttled", "throttled_usec" if self._is_v2 else "throttled_time"),
                1e6 if self._is_v2 else 1e9,
            ),
        }
        usage = {}
        for name, (number, unit) in counters.items():
            if number or (number is not None and name in ("oom", "throttled")):
                usage[name] = number // unit if isinstance(unit, int) else round(number / unit, 3)
        return usage

    def oom_kills(self) -> int | None:
        """Processes of this container that were killed because there was no memory left."""
        return self._number("oom", "oom_kill")

    def _number(self, kind: str, word: str = "") -> int | None:
        """The number in a file: its only one, or the one behind a word."""
        try:
            with open(self._files[kind], encoding="ascii") as file:  # noqa: PTH123  # pathlib takes 5 ms to import
                text = file.read()
            for line in text.splitlines():
                words = line.split()
                if len(words) == 1 or (words and words[0] == word):
                    return int(words[-1])
        except (OSError, ValueError, KeyError):
            pass
        return None


def _files_v2(cgroups: str, own: str) -> dict[str, str]:
    folder = _folder(cgroups, own, "")
    names = {
        "peak": "memory.peak", "oom": "memory.events", "cpu": "cpu.stat", "throttled": "cpu.stat"
    }  # fmt: skip
    return {kind: f"{folder}/{name}" for kind, name in names.items()}


def _files_v1(cgroups: str, own: str) -> dict[str, str]:
    memory = _folder(cgroups + "/memory", own, "memory")
    return {
        "peak": memory + "/memory.max_usage_in_bytes",
        "oom": memory + "/memory.oom_control",
        "cpu": _folder(cgroups + "/cpuacct", own, "cpuacct") + "/cpuacct.usage",
        "throttled": _folder(cgroups + "/cpu", own, "cpu") + "/cpu.stat",
    }


def _folder(root: str, own: str, controller: str) -> str:
    """Where this process's cgroup is: most containers see it as the root."""
    try:
        with open(own, encoding="utf-8", errors="replace") as file:  # noqa: PTH123  # pathlib takes 5 ms to import
            lines = file.read().splitlines()
    except OSError:
        return root
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controller in controllers.split(",") and ".." not in path:
            folder = root + path.rstrip("/")
            return folder if os.path.isdir(folder) else root  # noqa: PTH112  # pathlib takes 5 ms to import
    return root


class Usage:
    """What a child used so far, and where it runs."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._container = Container(environment)
        self._place: dict[str, Any] = {}
        self._deadline = 0.0
        self._asking: threading.Thread | None = None
        url = environment.get(METADATA, "")
        if is_metadata_url(url):
            self._deadline = time.monotonic() + METADATA_S
            self._asking = threading.Thread(target=self._ask, args=(url,), daemon=True)
            self._asking.start()

    def so_far(self, *, is_last: bool) -> dict[str, Any]:
        """What is known. The last time the endpoint's answer is waited for, METADATA_S at most."""
        if is_last and self._asking is not None:
            self._asking.join(max(0.0, self._deadline - time.monotonic()))
        return {**self._container.usage(), **self._place}

    def _ask(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            connection = HTTPConnection(parts.netloc, timeout=METADATA_S)  # no proxy, no redirect
            try:
                connection.request("GET", parts.path.rstrip("/") + "/task")
                with connection.getresponse() as answer:
                    if answer.status == 200:
                        self._place = place_of(json.loads(answer.read(METADATA_BYTES_MAX)))
            finally:
                connection.close()
        except (OSError, HTTPException, ValueError, RecursionError):
            pass  # it says nothing that a child needs


def is_metadata_url(url: str) -> bool:
    """Whether it is one that ECS gives: http to a link-local address."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        return parts.scheme == "http" and "@" not in parts.netloc and bool(_LOCAL.fullmatch(host))
    except ValueError:
        return False


def place_of(task: Any) -> dict[str, Any]:
    """`vcpus`, `mib`, `az`, `launch`, `region`, `arch`: of the answer of the endpoint's `/task`."""
    if not isinstance(task, dict):
        return {}
    arn = str(task.get("TaskARN", "")).split(":")  # arn:aws:ecs:REGION:…
    texts = {
        "az": task.get("AvailabilityZone"),
        "launch": task.get("LaunchType"),
        "region": arn[3] if len(arn) > 3 else None,
        "arch": os.uname().machine,
    }
    place: dict[str, Any] = _limits(task)
    place.update(
        (name, text[:TEXT_CHARS_MAX])
        for name, text in texts.items()
        if isinstance(text, str) and text
    )
    return place


def _limits(task: Mapping[str, Any]) -> dict[str, float]:
    """Of the task; where it has none, as on EC2, of its only container, in 1,024ths of a vCPU."""
    limits, unit = task.get("Limits"), 1
    containers = task.get("Containers")
    if not isinstance(limits, dict) and isinstance(containers, list) and len(containers) == 1:
        limits, unit = (containers[0] or {}).get("Limits"), KIB
    if not isinstance(limits, dict):
        return {}
    amounts = {"vcpus": (limits.get("CPU"), unit), "mib": (limits.get("Memory"), 1)}
    return {
        name: amount if divisor == 1 else amount / divisor
        for name, (amount, divisor) in amounts.items()
        if isinstance(amount, (int, float)) and amount > 0
    }
