"""Which job definition goes to which job queue, and what such a definition has in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from batchrelay_cli.pipeline_file.definition_containers import FORM_OF_KIND
from batchrelay_cli.pipeline_file.document import Place
from batchrelay_cli.pipeline_file.read import PipelineFile
from batchrelay_cli.stack.job_definitions import known_text, queue_places


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A request that a step makes: its queue, and its definition."""

    at_queue: Place
    at_definition: Place
    """In the file, or where the step names it."""
    queue: str
    request: Mapping[str, Any]
    definition: Mapping[str, Any]
    """Empty if only a run will know it."""

    @property
    def name(self) -> str:
        """Of the definition."""
        return str(self.definition.get("jobDefinitionName", ""))


def uses_of(file: PipelineFile, elsewhere: Mapping[str, Mapping[str, Any] | None]) -> Iterator[Use]:
    """Those whose queue is known before a run.

    Args:
        elsewhere: definitions that the account has, by how a step refers to them.
    """
    own = {entry["jobDefinitionName"]: number for number, entry in enumerate(file.definitions)}
    for number, step in enumerate(file.pipeline.steps):
        for place, queue, request in queue_places(file, step):
            name = known_text(file, request.get("jobDefinition", "")) or ""
            at_definition: Place = ("steps", number, "jobDefinition")
            definition = elsewhere.get(name) or {}
            if name in own:
                at_definition = ("jobDefinitions", own[name])
                definition = file.definitions[own[name]]
            yield Use(
                at_queue=("steps", number, *place),
                at_definition=at_definition,
                queue=queue,
                request=request,
                definition=definition,
            )


def members_of(definition: Mapping[str, Any], *names: str) -> Iterator[tuple[Place, Any]]:
    """Those of a definition's containers, tasks and nodes: its parameters may have any name."""
    return members({kind: definition.get(kind) for kind in FORM_OF_KIND}, *names)


_OWN_NAMES = ("metadata", "options")
"""Of a pod's labels and annotations, and of a log driver's options."""


def members(value: Any, *names: str) -> Iterator[tuple[Place, Any]]:
    """Every member of one of these names, with its path; not of what has names of the user's."""
    pairs = value.items() if isinstance(value, Mapping) else ()
    entries = enumerate(value) if isinstance(value, list | tuple) else pairs
    for key, inner in entries:
        if key in names:
            yield (key,), inner
        elif key not in _OWN_NAMES:
            for path, member in members(inner, *names):
                yield (key, *path), member
