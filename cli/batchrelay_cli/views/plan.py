"""What a run of a pipeline file would do, as a document for programs."""

from __future__ import annotations

from typing import Any

from batchrelay_cli.pipeline_file.read import PipelineFile
from batchrelay_cli.views.graph import size_of


def plan_document(file: PipelineFile) -> dict[str, Any]:
    """What is ours of a step stands there as the file says it, never as it is stored."""
    flows = {entry["jobName"]: entry.get("flow", {}) for entry in file.document.data["steps"]}
    return {
        "pipeline": file.pipeline.name,
        "params": [
            {"name": p.name, "type": p.type, "default": p.default} for p in file.pipeline.params
        ],
        "steps": [
            {
                "name": step.name,
                "needs": list(step.needs),
                "children": None if step.has_items or step.n_to_n_needs else step.array_size or 1,
                "size": size_of(step),
                "nToN": sorted(step.n_to_n_needs),
                "sequential": step.sequential,
                "finally": step.is_finally,
                "flow": flows[step.name],
            }
            for step in file.pipeline.order
        ],
        "warnings": [warning.message for warning in file.warnings],
    }
