"""Why a run failed, in a sentence: which step, which child, which item, and its last words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from batchrelay.domain.failures import WORKER, separated, shown_last
from batchrelay.domain.job_containers import judged_container
from batchrelay.domain.step_state import StepStatus
from batchrelay_cli.stack.client import Stack
from batchrelay_cli.terminal import excerpt
from batchrelay_cli.views.item import item_text
from batchrelay_cli.views.run_table import RunDocument, StepDocument

LOG_LINES = 50
"""The last lines of a log, among which a program's last words are looked for."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """The first step of a run that failed."""

    stack: Stack = field(repr=False)
    run: RunDocument

    def sentence(self) -> str | None:
        """None if no step failed."""
        for step in self.run["steps"]:
            if step["status"] == StepStatus.FAILED:
                return f"step {step['step']} failed: {self._cause(step)}"
        return None

    def _cause(self, step: StepDocument) -> str:
        reason = step["reason"] or ""
        failed_jobs = sum(job["failed"] for job in step["jobs"])
        if step["failures"] is not None and failed_jobs != 1:  # the causes of all
            return excerpt(reason)
        parts = enumerate(step["jobs"])
        number = next((n for n, part in parts if part["failed"] and part["jobId"]), None)
        if number is None:
            return excerpt(reason)
        job_id = str(step["jobs"][number]["jobId"])
        is_array = step["jobs"][number]["children"] > 1
        child_id = self.stack.failed_child(job_id) if is_array else job_id
        jobs = self.stack.describe([child_id]) if child_id is not None else []
        if not jobs:
            return excerpt(reason)
        [job] = jobs
        index = job.get("arrayProperties", {}).get("index")
        container = judged_container(job)
        exit_code = container.get("exitCode")
        why = reason if exit_code is None else f"exit code {exit_code}"
        if exit_code is None and index is not None:
            why = container.get("reason") or job.get("statusReason", why)
        who = self._child(step, number, index)
        return f"{who}{excerpt(why)}" + last_words(self.stack.log_of(job, LOG_LINES).lines)

    def _child(self, step: StepDocument, number: int, index: int | None) -> str:
        """`child 12 of 30 (item sample-12), `: counted as `logs` counts."""
        child = sum(part["children"] for part in step["jobs"][:number]) + (index or 0)
        is_one_of_many = index is not None or len(step["jobs"]) > 1
        who = f"child {child} of {step['children']:,}" if is_one_of_many else ""
        item = self._item(step, child)
        words = [who, f"({item})" if who and item else item]
        return " ".join(filter(None, words)) + ", " if any(words) else ""

    def _item(self, step: StepDocument, child: int) -> str:
        """The child's item, or the first of its items; nothing of workers, which pull theirs."""
        chunk = step["chunk"]
        if step["manifest"] is None or chunk is None:
            return ""
        text = item_text(self.stack, step, child * chunk)
        if not text:
            return ""
        first = child * chunk
        last = min(first + chunk, max(first + 1, step["items"] or 0)) - 1
        if last > first:
            return f"items {first} to {last}, the first {text}"
        return f"item {text}"


def last_words(log: Sequence[str]) -> str:
    """The last line of the program, and the last of the worker that ran it."""
    lines = [line for line in map(_excerpt, separated(log)) if line]
    own = [line for line in lines if not line.startswith(WORKER)]
    workers = [line.removeprefix(WORKER) for line in lines if line.startswith(WORKER)]
    words = own[-1:] + [f"({line})" for line in workers[-1:]]
    return f": {' '.join(words)}" if words else ""


def _excerpt(line: str) -> str:
    return excerpt(shown_last(line.rstrip()))
