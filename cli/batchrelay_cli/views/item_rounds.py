"""In which round an item ran last: its jobs name the list of their items' numbers."""

from __future__ import annotations

from botocore.exceptions import ClientError

from batchrelay.domain.failures import ITEM_NUMBERS
from batchrelay.domain.values import NUMBER_CHARS
from batchrelay_cli.stack.client import Stack
from batchrelay_cli.views.run_table import StepDocument

_LINE_BYTES = NUMBER_CHARS + 1


def latest_child(stack: Stack, step: StepDocument, number: int) -> str | None:
    """The id of the child that an item was last, in a round behind the first.

    None if it ran in the first round only; if AWS Batch or S3 no longer says; and of chunks, whose
    children are counted and not their items.
    """
    rounds = sorted({job["round"] for job in step["jobs"]})
    if step["chunk"] != 1 or len(rounds) < 2:
        return None
    for round_number in reversed(rounds[1:]):
        sizes = {
            job["jobId"]: job["children"]
            for job in step["jobs"]
            if job["round"] == round_number and job["jobId"] is not None
        }
        for detail in stack.describe(list(sizes)):
            entries = detail.get("container", {}).get("environment", ())
            environment = {entry["name"]: entry["value"] for entry in entries}
            job_id: str = detail["jobId"]
            numbers = _numbers(stack, environment, sizes[job_id])
            if number in numbers:
                return f"{job_id}:{numbers.index(number)}" if sizes[job_id] > 1 else job_id
    return None


def _numbers(stack: Stack, environment: dict[str, str], size: int) -> list[int]:
    """Those of a job's items, in the order of its children; none if they cannot be read."""
    if ITEM_NUMBERS not in environment:
        return []
    offset = int(environment.get("BATCHRELAY_OFFSET", "0"))
    first = (offset - int(environment.get("BATCHRELAY_GROUP_OFFSET", "0"))) * _LINE_BYTES
    try:
        lines = stack.read(environment[ITEM_NUMBERS], first, first + size * _LINE_BYTES - 1)
        return [int(line) for line in lines.split()]
    except (ClientError, ValueError):
        return []
