"""Pages of what is described or listed: `maxResults` and `nextToken`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from batch_local.errors import ClientException

DESCRIBE_PAGE_MAX = 100
"""Entries of one answer. Source: DescribeJobDefinitions, DescribeJobQueues,
DescribeComputeEnvironments, ListSchedulingPolicies: maxResults."""

Entry = TypeVar("Entry")


def page_of(
    request: dict[str, Any],
    key: str,
    entries: Sequence[Entry],
    view: Callable[[Entry], dict[str, Any]],
) -> dict[str, Any]:
    """One page under a key; the token is where the next one begins. Raises: ClientException."""
    start = position_of(request.get("nextToken"))
    end = start + page_size(request, DESCRIBE_PAGE_MAX)
    answer: dict[str, Any] = {key: [view(entry) for entry in entries[start:end]]}
    if end < len(entries):
        answer["nextToken"] = str(end)
    return answer


def page_size(request: dict[str, Any], page_max: int) -> int:
    """How many a page may have: all that it can, if maxResults is absent or is too large."""
    size: int | None = request.get("maxResults")
    if size is not None and size < 1:
        raise ClientException(f"maxResults must be between 1 and {page_max}, got {size}")
    return page_max if size is None else min(size, page_max)


def position_of(token: str | None) -> int:
    """Where a page begins. Raises: ClientException."""
    if token is None:
        return 0
    if not (token.isascii() and token.isdecimal() and len(token) <= 18):
        raise ClientException(f"nextToken {token[:100]!r} is not one of this AWS Batch")
    return int(token)
