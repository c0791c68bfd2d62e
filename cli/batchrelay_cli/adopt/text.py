"""Writes the pipeline file. Every value goes through the YAML library: none is pasted.

Comments are the only text that is not a value. They are one line of printable characters each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from batchrelay_cli.adopt.draft import Draft, Step
from batchrelay_cli.terminal import excerpt

_COMMENTS_MAX = 20
"""Comments of one step on what was not carried; all of them are printed."""
_WIDTH = 110
_LIKE_A_NUMBER = re.compile(r"[-+]?[0-9.][0-9.eE+-]*")
"""YAML 1.1 takes 1e3 for a text, and YAML 1.2 and pipeline files for a number."""


class _Dumper(yaml.SafeDumper):
    """Without anchors: the same value twice is written twice."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _text_node(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if _LIKE_A_NUMBER.fullmatch(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


class _Block(dict[str, Any]):
    """A mapping with a line for each key, however short it is."""


def _block_node(dumper: yaml.SafeDumper, block: _Block) -> yaml.MappingNode:
    return dumper.represent_mapping("tag:yaml.org,2002:map", block, flow_style=False)


_Dumper.add_representer(str, _text_node)
_Dumper.add_representer(_Block, _block_node)

_FIRST = ("jobName", "dependsOn", "jobQueue", "jobDefinition")
_LAST = ("flow",)


def text_of(draft: Draft) -> str:
    """The file."""
    return "".join(_parts(draft))


def document_of(draft: Draft) -> dict[str, Any]:
    """What the file says."""
    document: dict[str, Any] = {"pipeline": draft.name}
    if draft.params:
        document["params"] = draft.params
    if draft.timeout is not None:
        document["timeout"] = draft.timeout
    return document | {"steps": [step.entry for step in draft.steps]}


def _parts(draft: Draft) -> Iterator[str]:
    yield _comment(f"Made by batchrelay adopt from {draft.source}: {draft.form}.")
    head = document_of(draft)
    del head["steps"]
    yield _yaml(_Block(head))
    yield "\nsteps:\n"
    for step in draft.steps:
        yield from _step(draft, step)


def _step(draft: Draft, step: Step) -> Iterator[str]:
    yield _comment(f"{draft.source}:{step.line}: {step.origin}")
    own = [entry for entry in draft.not_carried if entry.what.startswith(f"{step.name}: ")]
    for entry in own[:_COMMENTS_MAX]:
        what = entry.what.removeprefix(f"{step.name}: ")
        yield _comment(f"  not as it was (line {entry.line}): {what}: {entry.why}")
    yield _yaml([_Block(_in_order(step.entry))])


def _in_order(entry: dict[str, Any]) -> dict[str, Any]:
    rest = [key for key in entry if key not in (*_FIRST, *_LAST)]
    ordered = {key: entry[key] for key in (*_FIRST, *rest, *_LAST) if key in entry}
    flow = ordered.get("flow")
    return ordered | ({"flow": _Block(flow)} if isinstance(flow, dict) else {})


def _comment(text: str) -> str:
    return f"# {excerpt(text)}\n"


def _yaml(value: Any) -> str:
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, width=_WIDTH, default_flow_style=None
    )
    return text
