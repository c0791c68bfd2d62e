"""Which state changes of a job a rule of the bus could want, without asking the bus."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=1_024)
def may_want(pattern_text: str, status: str, is_child: bool) -> bool:
    """False only where the pattern surely does not match; the bus itself decides the rest."""
    try:
        pattern = json.loads(pattern_text) if pattern_text else {}
    except ValueError:
        return True
    if not pattern_text or not isinstance(pattern, dict):
        return bool(pattern_text)
    detail = pattern.get("detail")
    detail = detail if isinstance(detail, dict) else {}
    array = detail.get("arrayProperties")
    index = array.get("index") if isinstance(array, dict) else None
    if is_child and index == [{"exists": False}]:
        return False
    return (
        _may_be(pattern.get("source"), "aws.batch")
        and _may_be(pattern.get("detail-type"), "Batch Job State Change")
        and _may_be(detail.get("status"), status)
    )


def _may_be(condition: Any, value: str) -> bool:
    """Whether a pattern's list may hold a value: only a list of plain texts rules it out."""
    plain = isinstance(condition, list) and all(isinstance(entry, str) for entry in condition)
    return not plain or value in condition
