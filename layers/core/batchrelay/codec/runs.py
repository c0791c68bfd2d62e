"""Runs as documents: compact, because a run of 500 steps is one item of DynamoDB."""

from __future__ import annotations

from typing import Any

from batchrelay.codec.heads import encode_head, read_head, written_head
from batchrelay.codec.reader import Reader
from batchrelay.codec.step_states import decode_states, encode_state, member_text
from batchrelay.codec.upgrades import upgraded_run
from batchrelay.domain.copies import replace
from batchrelay.domain.pipeline import Pipeline
from batchrelay.domain.run import Run
from batchrelay.domain.values import Json


def encode_run(run: Run) -> dict[str, Json]:
    """The run as a JSON document, without its definition and without its version."""
    steps = {name: encode_state(state) for name, state in run.steps.items()}
    return encode_head(run) | {"steps": steps}


def run_text(run: Run) -> str:
    """`encode_run` as compact JSON, without writing again what has not changed."""
    steps = ",".join([member_text(name, state) for name, state in run.steps.items()])
    return f'{written_head(run).text},"steps":{{{steps}}}}}'


def run_pipeline(document: Any) -> tuple[str, int]:
    """The name and version of the definition that a run is pinned to."""
    reader = Reader(document, "run")
    reader.check_schema()
    return reader.take("pipeline", str), reader.take("pipelineVersion", int)


def decode_run(document: Any, pipeline: Pipeline, version: int) -> Run:
    """The reverse of `encode_run`. Raises: CodecError, its message starting with a path."""
    reader = Reader(upgraded_run(document), "run")
    reader.check_schema()
    head, steps = read_head(reader), decode_states(reader.inner("steps"))
    return replace(head, pipeline=pipeline, steps=steps, version=version)
