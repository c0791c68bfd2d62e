"""Lists that only a run would know, made up: so many items, with the fields that patterns name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from batchrelay.domain.pipeline import ListFile, ListFormat, Pipeline, Step
from batchrelay.domain.templates import ITEM_TOKEN
from batchrelay_cli.client.estimate import ANY_STEP
from batchrelay_cli.simulate.scenario import is_listed

BUCKET = "simulated"


def with_made_items(
    pipeline: Pipeline, items: Mapping[str, int]
) -> tuple[Pipeline, dict[str, bytes]]:
    """The pipeline with made lists in the place of files and listings, and these as objects.

    A made item is in no group, for conditions of groups are about what only real items have.
    """
    paths = sorted(set(_paths(pipeline)))
    objects: dict[str, bytes] = {}
    steps: list[Step] = []
    for step in pipeline.steps:
        if is_listed(step):
            uri = f"s3://{BUCKET}/made/{step.name}.jsonl"
            count = items.get(step.name, items.get(ANY_STEP, 0))
            objects[uri] = "".join(_line(paths, number) for number in range(count)).encode()
            made = ListFile(file=uri, format=ListFormat.JSONL)
            steps.append(replace(step, for_each=made, groups=()))
        else:
            steps.append(step)
    return replace(pipeline, steps=tuple(steps)), objects


def _paths(pipeline: Pipeline) -> Iterator[str]:
    """What stands behind `item.` in the patterns of a pipeline."""
    for step in pipeline.steps:
        for pattern in (step.output, step.skip_existing):
            for match in ITEM_TOKEN.finditer(pattern or ""):
                yield match[1].removeprefix("item").removeprefix(".")


def _line(paths: list[str], number: int) -> str:
    """One item; each of its fields differs from those of the others."""
    item: dict[str, Any] = {"number": number}
    for path in filter(None, paths):
        inner = item
        *folders, name = path.split(".")
        for folder in folders:
            below = inner.get(folder)
            inner[folder] = below if isinstance(below, dict) else {}
            inner = inner[folder]
        inner.setdefault(name, str(number))
    return json.dumps(item) + "\n"
