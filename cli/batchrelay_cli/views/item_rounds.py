"""In which round an item ran last, by the lists of numbers that its jobs name; and beside which
other items of its child."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from batchrelay.domain.failures import ITEM_NUMBERS
from batchrelay.domain.job_containers import variables_of_job
from batchrelay.domain.values import NUMBER_CHARS
from batchrelay_cli.stack.client import Stack
from batchrelay_cli.views.run_table import StepDocument

_LINE_BYTES = NUMBER_CHARS + 1


def latest_child(stack: Stack, step: StepDocument, number: int) -> str | None:
    """The id of the child that had an item last, in a round behind the first.

    None if it ran in the first round only; if AWS Batch or S3 no longer says; and of a work queue,
    from which any child may have received it.
    """
    rounds = sorted({job["round"] for job in step["jobs"]})
    chunk = step["chunk"]
    if chunk is None or len(rounds) < 2:
        return None
    for round_number in reversed(rounds[1:]):
        sizes = {
            job["jobId"]: job["children"]
            for job in step["jobs"]
            if job["round"] == round_number and job["jobId"] is not None
        }
        for detail in stack.describe(list(sizes)):
            environment = variables_of_job(detail)
            job_id: str = detail["jobId"]
            numbers = _numbers(stack, environment, sizes[job_id], chunk)
            if number in numbers:
                index = numbers.index(number) // chunk
                return f"{job_id}:{index}" if sizes[job_id] > 1 else job_id
    return None


def round_of(step: StepDocument, job_id: str) -> int:
    """The round of a job or child of a step."""
    parent_id = job_id.partition(":")[0]
    return next(int(job["round"]) for job in step["jobs"] if job["jobId"] == parent_id)


def items_of_child(step: StepDocument, item: Mapping[str, Any]) -> str:
    """`items 15 to 19 of child 3`, which had an item in the first round; nothing without chunks.

    Of several groups the end of the last child of each is not known: `items 15 and on of child 3`.
    """
    chunk = step["chunk"]
    if chunk is None or chunk == 1 or step["items"] is None:
        return ""
    child = item["number"] // chunk
    first, last = child * chunk, child * chunk + chunk - 1
    if len({job["group"] for job in step["jobs"]}) > 1:
        return f"items {first} and on of child {child}"
    last = min(last, step["items"] - 1)
    return f"items {first} to {last} of child {child}" if first < last else f"child {child}"


def _numbers(stack: Stack, environment: dict[str, str], size: int, chunk: int) -> list[int]:
    """Those of a job's items, in the order of its children; none if they cannot be read."""
    if ITEM_NUMBERS not in environment:
        return []
    offset = int(environment.get("BATCHRELAY_OFFSET", "0"))
    child_bytes = chunk * _LINE_BYTES
    first = (offset - int(environment.get("BATCHRELAY_GROUP_OFFSET", "0"))) * child_bytes
    try:
        lines = stack.read(environment[ITEM_NUMBERS], first, first + size * child_bytes - 1)
        return [int(line) for line in lines.split()]
    except (ClientError, ValueError):
        return []
