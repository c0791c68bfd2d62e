"""Adopts a text, and reads what comes of it as `lint` does."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchrelay.domain.pipeline import Pipeline
from batchrelay_cli.adopt.accepted import accepted_text
from batchrelay_cli.adopt.draft import Draft
from batchrelay_cli.adopt.source import Request, drafted
from batchrelay_cli.pipeline_file.document import parse
from batchrelay_cli.pipeline_file.read import read


@dataclass(frozen=True, kw_only=True)
class Adopted:
    """A pipeline file, and what it does not carry."""

    text: str
    steps: list[dict[str, Any]]
    params: Mapping[str, Any]
    timeout: str | None
    notes: list[str]
    """`LINE: WHAT: WHY` of each."""
    pipeline: Pipeline

    def step(self, name: str) -> dict[str, Any]:
        return next(step for step in self.steps if step["jobName"] == name)


def adopted(source: Any, **options: Any) -> Adopted:
    """Of a text, or of a document as JSON. Raises: UsageProblem; PipelineFileError is a bug."""
    text = source if isinstance(source, str) else json.dumps(source, indent=1)
    return checked(drafted(Request(source="in", text=text, name="p", **options)))


def checked(draft: Draft) -> Adopted:
    """The draft as a file that was linted."""
    text = accepted_text(draft)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pipeline.yaml"
        path.write_text(text, encoding="utf-8")
        pipeline = read(path).pipeline
    data = parse(text).data
    notes = [f"{entry.line}: {entry.what}: {entry.why}" for entry in draft.not_carried]
    return Adopted(
        text=text,
        steps=data["steps"],
        params=data.get("params", {}),
        timeout=data.get("timeout"),
        notes=notes,
        pipeline=pipeline,
    )
