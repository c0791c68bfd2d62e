"""N_TO_N and SEQUENTIAL: what one child waits for beside what its parent waited for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from batch_local.model import Job


def n_to_n_dependencies(child: Job, jobs: Mapping[str, Job]) -> Iterator[str]:
    """The ids. A child that the other array does not have (Q2) waits for nothing."""
    for entry in child.spec.depends_on:
        if entry.get("type") == "N_TO_N":
            other = jobs.get(entry["jobId"])
            if other is not None and other.spec.size is None:
                yield other.id
            elif other is None or (child.index or 0) < (other.spec.size or 0):
                yield f"{entry['jobId']}:{child.index}"
        elif entry.get("type") == "SEQUENTIAL" and child.index:
            yield f"{(child.parent or child).id}:{child.index - 1}"
