"""Changes values of a step in the text of a pipeline file; everything else stays as it is.

PyYAML says where each value begins and ends, so a value is replaced there, and a key that is not
there is written into its mapping. A library that keeps comments would write the whole file anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import yaml

from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.pipeline_file.document import parse_nodes
from batchrelay_cli.pipeline_file.problems import PipelineFileError
from batchrelay_cli.pipeline_file.read import read

_BY_HAND = "write the values by hand"


class Edit:
    """The text of a file, and one step of it."""

    def __init__(self, path: Path, step: str) -> None:
        self._path = path
        self._step = step
        self._is_json = path.suffix == ".json"
        self._before = path.read_bytes()
        self.text = self._before.decode("utf-8")
        self._newline = "\r\n" if "\r\n" in self.text else "\n"

    def set_chunk(self, chunk: int) -> None:
        """`flow.chunk` of the step, where it is a number, or where there is none."""
        flow = _value(self._node(), "flow")
        if flow is None:
            return
        node = _value(self._inside(flow, self._node()), "chunk")
        if node is None:
            self._add_key(flow, "chunk", str(chunk))
        elif isinstance(node, yaml.ScalarNode) and node.value != "auto":
            self._replace(node, flow, str(chunk))

    def set_requirements(self, amounts: Mapping[str, str]) -> None:
        """`containerOverrides.resourceRequirements` of the step, by type."""
        overrides = _value(self._node(), "containerOverrides")
        if overrides is None:
            rest = f"{self._key('resourceRequirements')}: {self._entries(amounts)}"
            self._add_key(self._node(), "containerOverrides", "{" + rest + "}")
            return
        if any(_value(overrides, old) is not None for old in ("vcpus", "memory")):
            raise self._problem("vcpus and memory are deprecated: use resourceRequirements")
        entries = _value(self._inside(overrides, self._node()), "resourceRequirements")
        if entries is None:
            self._add_key(overrides, "resourceRequirements", self._entries(amounts))
            return
        for kind, amount in amounts.items():
            self._set_requirement(kind, amount)

    def save(self) -> bool:
        """Write the file, if it has changed and is right. Raises: UsageProblem."""
        after = self.text.encode()
        if after == self._before:
            return False
        self._path.write_bytes(after)
        try:
            read(self._path)
        except PipelineFileError as error:
            self._path.write_bytes(self._before)
            raise self._problem(f"it would be wrong then: {error}") from None
        return True

    # --- places

    def _node(self) -> yaml.MappingNode:
        """The step, as the text has it now."""
        steps = _value(parse_nodes(self.text, is_json=self._is_json), "steps")
        for node in steps.value if isinstance(steps, yaml.SequenceNode) else ():
            name = _value(node, "jobName")
            is_named = name is not None and name.value == self._step
            if isinstance(node, yaml.MappingNode) and is_named:
                return node
        raise self._problem("the file has no such step")

    def _set_requirement(self, kind: str, amount: str) -> None:
        overrides = _value(self._node(), "containerOverrides")
        assert overrides is not None, kind
        entries = self._inside(_value(overrides, "resourceRequirements"), overrides)
        for entry in entries.value if isinstance(entries, yaml.SequenceNode) else ():
            of = _value(entry, "type")
            value = _value(entry, "value")
            if of is not None and value is not None and of.value == kind:
                self._replace(value, self._inside(entry, entries), json.dumps(amount))
                return
        entry_text = self._entry(kind, amount)
        if _is_flow(entries) or not entries.value:
            self._insert(entries.start_mark.index + 1, entry_text + (", " * bool(entries.value)))
        else:
            indent = " " * entries.start_mark.column
            self._insert(entries.start_mark.index, f"- {entry_text}{self._newline}{indent}")

    def _inside(self, node: yaml.Node | None, parent: yaml.Node) -> yaml.Node:
        """A node that stands in its parent: what an alias names stands elsewhere, for others."""
        if node is None or not parent.start_mark.index <= node.start_mark.index < (
            parent.end_mark.index
        ):
            raise self._problem("it shares them with other steps by an alias")
        return node

    def _replace(self, node: yaml.Node, parent: yaml.Node, text: str) -> None:
        self._inside(node, parent)
        start, end = node.start_mark.index, node.end_mark.index
        self.text = self.text[:start] + text + self.text[end:]

    def _add_key(self, node: yaml.Node, key: str, text: str) -> None:
        member = f"{self._key(key)}: {text}"
        if _is_flow(node) or not node.value:
            self._insert(node.start_mark.index + 1, member + (", " * bool(node.value)))
            return
        indent = " " * node.start_mark.column
        first = node.value[0][1]
        end = self.text.find("\n", first.end_mark.index)
        if isinstance(first, yaml.ScalarNode) and first.style not in ("|", ">") and end >= 0:
            self._insert(end + 1, f"{indent}{member}{self._newline}")
        else:
            self._insert(node.start_mark.index, f"{member}{self._newline}{indent}")

    def _insert(self, index: int, text: str) -> None:
        self.text = self.text[:index] + text + self.text[index:]

    # --- texts

    def _key(self, key: str) -> str:
        return json.dumps(key) if self._is_json else key

    def _entry(self, kind: str, amount: str) -> str:
        kind_text = json.dumps(kind) if self._is_json else kind
        return f"{{{self._key('type')}: {kind_text}, {self._key('value')}: {json.dumps(amount)}}}"

    def _entries(self, amounts: Mapping[str, str]) -> str:
        return "[" + ", ".join(self._entry(*amount) for amount in amounts.items()) + "]"

    def _problem(self, what: str) -> UsageProblem:
        return UsageProblem(f"{self._path}: step {self._step}: {what}; {_BY_HAND}")


def _is_flow(node: yaml.Node) -> bool:
    """Whether it is written in brackets or braces."""
    return isinstance(node, yaml.CollectionNode) and bool(node.flow_style)


def _value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            if key_node.value == key:
                found: yaml.Node = value_node
                return found
    return None
