"""How runs and pipelines are stored, and how many bytes that takes: one count for every store."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from batchrelay.codec.heads import written_head
from batchrelay.codec.pipelines import encode_pipeline
from batchrelay.codec.reader import check_text, compact_json
from batchrelay.codec.runs import run_text
from batchrelay.domain.errors import InvalidPipeline, RunTooLarge
from batchrelay.domain.limits import PIPELINE_BYTES_MAX, PIPELINE_JSON_BYTES_MAX, RUN_BYTES_MAX
from batchrelay.domain.pipeline import Pipeline
from batchrelay.domain.run import Run

WRITE_UNIT_BYTES = 1_024
"""Bytes of a write unit. Source: DynamoDB Developer Guide, ReadWriteCapacityMode."""

KEYS_BYTES = 200
"""Bytes of the attributes that a store adds: keys, version, token, an index or the time to live;
130 today."""


_ADVICE = (
    "put long commands into the image, long values into a file in S3, long lists into a "
    "forEach.file, or split the pipeline"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """What is written of a run."""

    document: str | bytes
    """A text while it is short, deflated bytes otherwise."""
    beside: Mapping[str, str]
    """Attributes for people and for the index."""
    size: int
    """Bytes of the item: names and values. Source: DynamoDB Developer Guide, CapacityUnits."""


def stored_run(run: Run, bytes_max: int = RUN_BYTES_MAX) -> StoredRun:
    """The run as it is stored.

    Raises: RunTooLarge. It is a bug of ours: see domain/run_size.py.
    """
    head, text = written_head(run), run_text(run).encode()
    document = deflated(text, head.beside_bytes, zlib.Z_BEST_SPEED)
    document_bytes = len(text) if isinstance(document, str) else len(document)
    size = KEYS_BYTES + head.beside_bytes + document_bytes
    if size > bytes_max:
        raise RunTooLarge(f"run {run.id} takes {size:,} bytes, over {bytes_max:,}")
    return StoredRun(document=document, beside=head.beside, size=size)


def pipeline_text(pipeline: Pipeline) -> bytes:
    """The definition as JSON, not deflated yet.

    Raises:
        InvalidPipeline: it is longer than what a function reads at every event, or takes more than
            an item when it is deflated.
        InvalidDocument: half of a character, which no store takes.
    """
    document = encode_pipeline(pipeline)
    check_text(document, "pipeline")
    text = compact_json(document).encode()
    if len(text) > PIPELINE_JSON_BYTES_MAX:
        raise InvalidPipeline(
            f"pipeline {pipeline.name} is {len(text):,} bytes of JSON; a definition has at most "
            f"{PIPELINE_JSON_BYTES_MAX:,}: {_ADVICE}"
        )
    if len(text) <= PIPELINE_BYTES_MAX:
        return text
    size = len(zlib.compress(text))
    if size > PIPELINE_BYTES_MAX:
        raise InvalidPipeline(
            f"pipeline {pipeline.name} is {size:,} bytes, deflated as it is stored; a definition "
            f"takes at most {PIPELINE_BYTES_MAX:,}: {_ADVICE}"
        )
    return text


def deflated(
    document: bytes, beside: int = 0, level: int = zlib.Z_DEFAULT_COMPRESSION
) -> str | bytes:
    """A text while its item is a write unit, deflated bytes otherwise.

    Args:
        beside: bytes of the item's other attributes, but for those that a store adds.
        level: a run is written at every event, and at best speed takes 2 % more bytes.
    """
    if KEYS_BYTES + beside + len(document) <= WRITE_UNIT_BYTES:
        return document.decode()
    return zlib.compress(document, level)
