"""A notice that SNS has sent, for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from batchrelay.domain.values import printable


def run_id_of(notice: Mapping[str, Any]) -> str | None:
    """Of whose end it is; None of what others published to the topic."""
    attribute = (notice.get("MessageAttributes") or {}).get("batchrelay.runId") or {}
    run_id: str | None = attribute.get("Value")
    return run_id


def notice_lines(notice: Mapping[str, Any]) -> Iterator[str]:
    """Its subject, and its text indented; what would act on the terminal is an escape."""
    yield printable(f"notice: {notice.get('Subject') or ''}").rstrip()
    for line in str(notice["Message"]).split("\n"):
        yield printable(f"  {line}", keep="\t").rstrip()
