"""The report of a million children: its size and the memory that it takes.

`python -m verification.report.large [CHILDREN]` prints them, and fails if one is over its limit.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from batchrelay.report.document import report_document
from batchrelay.report.facts import ChildFact, ChildState, Evidence
from batchrelay.report.page import page
from verification.peak_memory import peak_bytes
from verification.report.synthetic import CAUSES, T0, variant_calls

CHILDREN = 1_000_000
FAILED_EVERY = 100
BYTES_MAX = 1_000_000
MEMORY_MIB_MAX = 256
"""Of the whole process. The functions have 512 MiB."""


def facts(children: int) -> Iterator[ChildFact]:
    """One after the other: no list of them is ever there."""
    for number in range(children):
        is_failed = number % FAILED_EVERY == 0
        cause = CAUSES[number // FAILED_EVERY % len(CAUSES)]
        started_at = T0 + timedelta(seconds=number % 997)
        yield ChildFact(
            step="align",
            number=number,
            state=ChildState.FAILED if is_failed else ChildState.SUCCEEDED,
            created_at=T0,
            started_at=started_at,
            stopped_at=started_at + timedelta(seconds=60 + number % 89),
            exit_code=cause[0] if is_failed else 0,
            reason=cause[1] if is_failed else "",
            peak_mib=number % 4_096,
            cpu_s=float(number % 77),
            log_stream=f"align/default/{number:032x}",
            item=f"s3://genomes-in/2026-11/sample-{number:07}.fastq.gz",
        )


def evidence(children: int) -> Evidence:
    return replace(variant_calls(40).evidence(), failures=None, children=facts(children))


def main(children: int = CHILDREN) -> int:
    document = report_document(evidence(children))
    document_bytes, page_bytes = len(json.dumps(document)), len(page(document).encode())
    memory_mib = peak_bytes() // 2**20
    measured = next(step for step in document["steps"] if step["step"] == "align")["measured"]
    print(
        f"{measured['count']:,} children, {measured['states']['FAILED']:,} failed: page "
        f"{page_bytes:,} bytes, document {document_bytes:,} bytes, process {memory_mib} MiB"
    )
    is_small = max(document_bytes, page_bytes) < BYTES_MAX and memory_mib < MEMORY_MIB_MAX
    return 0 if is_small and measured["count"] == children else 1


if __name__ == "__main__":
    raise SystemExit(main(*map(int, sys.argv[1:])))
