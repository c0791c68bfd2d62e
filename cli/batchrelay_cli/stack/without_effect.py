"""What a file says of its jobs that the local AWS Batch takes, and that has no effect here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batch_local.surface import ignored_fields
from batchrelay_cli.pipeline_file.overrides import requests_of
from batchrelay_cli.pipeline_file.read import PipelineFile
from batchrelay_cli.pipeline_file.shapes import request_shape

_EVERYWHERE = "image"
"""Every definition has one, and there is none here: that goes without a word."""


def without_effect(file: PipelineFile) -> str | None:
    """One sentence with the fields, by job definition and step; None if all have their effect."""
    places = [
        *(
            (f"job definition {one['jobDefinitionName']}", "RegisterJobDefinition", one)
            for one in file.definitions
        ),
        *(
            (f"step {step.name}", "SubmitJob", request)
            for step in file.pipeline.steps
            for request in requests_of(step)
        ),
    ]
    fields: dict[str, list[str]] = {}
    for place, operation, document in places:
        fields.setdefault(place, []).extend(_names(operation, document))
    parts = [
        f"{', '.join(dict.fromkeys(names))} of {place}" for place, names in fields.items() if names
    ]
    return f"without effect on this machine: {'; '.join(parts)}" if parts else None


def _names(operation: str, document: Mapping[str, Any]) -> list[str]:
    paths = ignored_fields(request_shape(operation), document, operation)
    names = (path.rpartition(".")[2] for path in paths)
    return [name for name in names if name != _EVERYWHERE]
