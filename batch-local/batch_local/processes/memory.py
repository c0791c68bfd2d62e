"""What processes have in memory, each with all that it started. Source: proc(5)."""

from __future__ import annotations

import os
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_STATE, _PARENT, _GROUP = range(3)
"""Fields of /proc/PID/stat, behind the name."""

_SUSPENDED = "D"
"""What a process is while its child of vfork uses its memory."""


@dataclass(frozen=True, slots=True)
class _Process:
    state: str
    parent: int
    group: int


def tree_bytes(roots: AbstractSet[int]) -> dict[int, int]:
    """Bytes of each of these processes with its descendants and its group; none without /proc.

    Memory that processes share is counted once. A process that has left the group, and whose
    parent has ended, belongs to none.
    """
    processes = _processes() if roots else {}
    sizes = dict.fromkeys(roots & processes.keys(), 0)
    for pid in processes:
        root = _root_of(pid, roots, processes)
        if root in sizes:
            sizes[root] += _own_bytes(pid, processes)
    return sizes


def _processes() -> dict[int, _Process]:
    processes = {}
    for entry in _PROC.iterdir() if _PROC.is_dir() else ():
        if not entry.name.isdecimal():
            continue
        try:
            fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        parent, group = int(fields[_PARENT]), int(fields[_GROUP])
        processes[int(entry.name)] = _Process(fields[_STATE], parent, group)
    return processes


def _root_of(pid: int, roots: AbstractSet[int], processes: dict[int, _Process]) -> int | None:
    """The nearest of the roots from which it comes, by its parents or its group."""
    while pid in processes:
        if pid in roots:
            return pid
        if processes[pid].group in roots:
            return processes[pid].group
        pid = processes[pid].parent
    return None


def _own_bytes(pid: int, processes: dict[int, _Process]) -> int:
    """Its share of what it has in memory; 0 of one that still has the memory of its parent."""
    try:
        if _is_in_vfork(pid, processes[pid].parent, processes):
            return 0
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended, or is of another user
        return 0
    return next((int(line.split()[1]) * 1_024 for line in lines if line.startswith("Pss:")), 0)


def _is_in_vfork(pid: int, parent: int, processes: dict[int, _Process]) -> bool:
    """vfork returns in the parent a moment after exec gives the child a memory of its own."""
    is_waiting = parent == os.getpid() or (
        parent in processes and processes[parent].state == _SUSPENDED
    )
    return is_waiting and _words(pid) == _words(parent)


def _words(pid: int) -> bytes:
    return (_PROC / str(pid) / "cmdline").read_bytes()
