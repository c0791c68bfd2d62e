"""Whether what a step runs will be what was meant: warnings, for only the image knows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from batchrelay.domain.containers import containers_of
from batchrelay.domain.variables import FAILURE_LISTS
from batchrelay_cli.pipeline_file.document import Document, Place

WORKER = "batchrelay-worker"
ENTRYPOINT_TAG = "batchrelay:entrypoint"
"""The tag of what the local AWS Batch puts before every command: ENTRYPOINT of an image."""

_ITEM = re.compile(r"\{item(?:\.[^}]*)?\}")

_FAILURE_LIST = re.compile(rf"\$\{{steps\.[^}}]+\.(?:{'|'.join(FAILURE_LISTS)})\}}")


def check_commands(
    document: Document, steps: Any, defaults: Mapping[str, Any], definitions: Any
) -> None:
    """Refuse words that may be empty; warn of `{item.…}` that is not replaced, and of job
    definitions that the file has not."""
    _check_empty_words(document, steps)
    definitions_by_name = {
        entry["jobDefinitionName"]: entry
        for entry in (definitions if isinstance(definitions, list) else [])
        if isinstance(entry, dict) and isinstance(entry.get("jobDefinitionName"), str)
    }
    for number, step in enumerate(steps if isinstance(steps, list) else []):
        if definitions_by_name and isinstance(step, dict):
            for problem in _problems(step, defaults, definitions_by_name):
                place: Place = ("steps", number)
                if "jobDefinition" not in step and problem.startswith("job definition"):
                    place = ("defaults", "jobDefinition")
                document.warn(place, problem)


def _check_empty_words(document: Document, steps: Any) -> None:
    """Refuse a word of a command that is empty in a good run: AWS Batch refuses the job then."""
    for number, step in enumerate(steps if isinstance(steps, list) else []):
        for container in containers_of(step) if isinstance(step, dict) else ():
            command = container.values.get("command")
            for index, word in enumerate(command if isinstance(command, list) else []):
                if isinstance(word, str) and _FAILURE_LIST.fullmatch(word):
                    document.wrong(
                        ("steps", number, *container.path, "command", index),
                        f"{word} is empty if no item failed, and AWS Batch refuses a job with an "
                        f"empty word: write it into {container.variables_key}, or behind a name, "
                        f"such as --list={word}",
                    )


def _problems(
    step: Mapping[str, Any], defaults: Mapping[str, Any], definitions_by_name: Mapping[str, Any]
) -> Iterator[str]:
    reference = step.get("jobDefinition", defaults.get("jobDefinition"))
    if not isinstance(reference, str) or "${" in reference or reference.startswith("arn:"):
        return
    definition = definitions_by_name.get(reference.partition(":")[0])
    if definition is None:
        yield (
            f"job definition {reference} is not in this file's jobDefinitions: a typing mistake, "
            "or one of your account?"
        )
        return
    words = _words(step, defaults, definition)
    wanting = next((word for word in words if _ITEM.search(word)), None)
    if wanting is not None and not any(word.endswith(WORKER) for word in words):
        program = next(iter(words), "")
        yield (f"{wanting} is filled in by {WORKER} only: write [{WORKER}, run, --, {program}, …]")


def _words(
    step: Mapping[str, Any], defaults: Mapping[str, Any], definition: Mapping[str, Any]
) -> list[str]:
    """The command with what stands before it, as far as the file says."""
    tags = definition.get("tags")
    entrypoint = str(tags.get(ENTRYPOINT_TAG, "")).split() if isinstance(tags, dict) else []
    for source, key in ((step, "containerOverrides"), (defaults, "containerOverrides"),
                        (definition, "containerProperties")):  # fmt: skip
        container = source.get(key)
        command = container.get("command") if isinstance(container, dict) else None
        if isinstance(command, list):
            return [*entrypoint, *map(str, command)]
    return entrypoint
