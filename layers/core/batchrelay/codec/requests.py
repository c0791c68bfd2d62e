"""What starts a run, as a document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from batchrelay.codec.reader import Reader, check_text, overlap
from batchrelay.domain.errors import CodecError, InvalidDocument
from batchrelay.domain.idempotency_keys import keyed_run_id
from batchrelay.domain.limits import KEY_CHARS_MAX, VERSION_MAX
from batchrelay.domain.run import StartRequest
from batchrelay.domain.values import RUN_ID


def decode_start_request(document: Any, new_id: Callable[[], str]) -> StartRequest:
    """What starts a run: {"pipeline", "version", "params"}, and "runId", or "key", or neither; for
    what a trigger would have started also "trigger" and "overlap".

    Raises: InvalidDocument.
    """
    try:
        return _order(document, new_id)
    except CodecError as error:
        raise InvalidDocument(str(error)) from None


def _order(document: Any, new_id: Callable[[], str]) -> StartRequest:
    reader = Reader(document, "order")
    check_text(document, "order")
    pipeline, key = reader.take("pipeline", str), reader.maybe("key", str) or ""
    if len(key) > KEY_CHARS_MAX:
        raise InvalidDocument(f"order.key: more than {KEY_CHARS_MAX} characters")
    run_id = keyed_run_id(pipeline, key) if key else reader.maybe("runId", str) or new_id()
    if RUN_ID.fullmatch(run_id) is None:
        raise InvalidDocument(f"order.runId: expected 1 to 32 of a-z and 0-9, got {run_id[:100]!r}")
    return StartRequest(
        run_id=run_id,
        pipeline=pipeline,
        version=_version(reader),
        params=reader.strings("params"),
        key=key,
        trigger=reader.strings("trigger"),
        overlap=overlap(reader),
    )


def _version(reader: Reader) -> int | None:
    version = reader.maybe("version", int)
    if version is not None and not 1 <= version <= VERSION_MAX:
        raise InvalidDocument(
            f"order.version: expected a number from 1 to {VERSION_MAX:,}, got {version}"[:200]
        )
    return version
