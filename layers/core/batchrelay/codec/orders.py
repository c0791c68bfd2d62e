"""What starts a run, as a document."""

from __future__ import annotations

from typing import Any

from batchrelay.codec.reader import Reader
from batchrelay.domain.errors import CodecError
from batchrelay.domain.run import StartOrder
from batchrelay.domain.values import RUN_ID


def decode_order(document: Any) -> StartOrder:
    """What starts a run: {"pipeline", "version", "runId", "params"}. Raises: CodecError."""
    reader = Reader(document, "order")
    run_id = reader.take("runId", str)
    if RUN_ID.fullmatch(run_id) is None:
        raise CodecError(f"order.runId: expected 1 to 32 of a-z and 0-9, got {run_id!r}")
    return StartOrder(
        run_id=run_id,
        pipeline=reader.take("pipeline", str),
        version=reader.take("version", int),
        params=reader.strings("params"),
    )
