"""A node of a multi-node parallel job: which one is meant, and the variables that it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batchrelay.domain.job_containers import failed_node, node_ids
from batchrelay.domain.values import counted
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.stack.client import Stack

MAIN_ADDRESS = "127.0.0.1"
"""Of the main node, which would be on this machine, too."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """One of the nodes of a job."""

    index: int
    count: int
    main: int

    def id(self, job_id: str) -> str:
        """Of its own job."""
        return f"{job_id}#{self.index}"

    @property
    def others(self) -> str:
        """`the other 3 nodes, with the main node 0`."""
        number = self.count - 1
        main = "" if self.index == self.main else f", with the main node {self.main}"
        return f"the other {counted(number, 'nodes') if number > 1 else 'node'}{main}"

    def variables(self, job_id: str) -> dict[str, str]:
        """Source: Batch User Guide, mnp-env-vars; of the id, aws-parallelcluster."""
        variables = {
            "AWS_BATCH_JOB_ID": self.id(job_id),
            "AWS_BATCH_JOB_NODE_INDEX": str(self.index),
            "AWS_BATCH_JOB_MAIN_NODE_INDEX": str(self.main),
            "AWS_BATCH_JOB_NUM_NODES": str(self.count),
        }
        if self.index != self.main:
            variables["AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS"] = MAIN_ADDRESS
        return variables


def chosen_node(
    stack: Stack, job_id: str | None, *, count: int, main: int, wanted: int | None
) -> Node:
    """The one that is wanted; without it the one that failed, else the main node.

    Raises: UsageProblem: there is no such node.
    """
    if wanted is not None and wanted >= count:
        raise UsageProblem(f"there is no node {wanted}: 0 to {count - 1}")
    if wanted is None and job_id is not None:
        nodes = stack.describe([f"{job_id}#{index}" for index in range(count)])
        wanted = _index(failed_node(nodes))
    return Node(index=main if wanted is None else wanted, count=count, main=main)


def node_of_job(
    stack: Stack, job: Mapping[str, Any], wanted: int | None
) -> tuple[Node | None, Mapping[str, Any]]:
    """The one that is meant, and what AWS Batch says of it; of any other job, the job itself.

    Raises: UsageProblem: there is no such node.
    """
    count = len(node_ids(job))
    if not count:
        no_nodes(wanted)
        return None, job
    main, job_id = int(job["nodeProperties"].get("mainNode", 0)), str(job["jobId"])
    node = chosen_node(stack, job_id, count=count, main=main, wanted=wanted)
    return node, next(iter(stack.describe([node.id(job_id)])), job)


def no_nodes(wanted: int | None) -> None:
    """Of a job that has none. Raises: UsageProblem."""
    if wanted is not None:
        raise UsageProblem("its job has no nodes: leave --node out")


def _index(node: Mapping[str, Any]) -> int | None:
    index = node.get("nodeDetails", {}).get("nodeIndex")
    return None if index is None else int(index)
