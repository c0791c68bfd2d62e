"""Every mutation of a module, from the operators of mutmut.

mutmut's own runner does not fit this tree. It takes a module's name from its path, so it does not
find a package below layers/core, and it leaves every decorated function out. Its operators are
a table of functions over libcst nodes; they are used as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

CORE = "layers/core/batchrelay"
FOLDERS = {
    "domain": f"{CORE}/domain",
    "engine": f"{CORE}/engine",
    "codec": f"{CORE}/codec",
    "worker": "worker/batchrelay_worker",
}
_UNTOUCHED = (cst.Annotation, cst.Decorator, cst.Import, cst.ImportFrom, cst.Parameters)
"""Decorators and defaults run at import, where no fork can plant a mutant."""

_STATEMENTS = (cst.BaseStatement, cst.MatchCase, cst.ExceptHandler)


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """One change of one module. Its key has no line, so that it outlives a shift of lines."""

    module: str
    """As a user writes it: `domain/run_queue.py`."""
    function: str
    """The outermost function, `Class.method`; `<module>` outside of one."""
    text: str
    """The changed lines, `old -> new`, and `#2` for the second of the same text."""
    statement: int
    """The line where its statement begins."""
    line: int
    source: str
    """The whole module as mutated."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What a judgement and a session know a mutation by."""
        return self.module, self.function, self.text

    def as_record(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def path_of(module: str) -> str:
    """The module's path below the root."""
    folder, _, rest = module.partition("/")
    return f"{FOLDERS[folder]}/{rest}"


def modules(root: Path) -> list[str]:
    """All modules that are mutated, as a user writes them."""
    return [
        f"{name}/{file.relative_to(root / folder)}"
        for name, folder in FOLDERS.items()
        for file in sorted((root / folder).rglob("*.py"))
    ]


def mutations(module: str, source: str) -> Iterator[Mutation]:
    """Every mutation of this source, in the order of the file."""
    wrapper = MetadataWrapper(cst.parse_module(source), unsafe_skip_copy=True)
    sites = _Sites(wrapper.resolve(PositionProvider))
    wrapper.module.visit(sites)
    lines = source.splitlines(keepends=True)
    seen: Counter[tuple[str, str]] = Counter()
    for node, function, statement, span in sites.nodes:
        for replacement in _replacements(node):
            old = "".join(lines[span.start.line - 1 : span.end.line])
            new = _replaced(wrapper.module, lines, span, node, replacement)
            if new is None or new == old:
                continue
            text = f"{' '.join(old.split())} -> {' '.join(new.split())}"
            seen[function, text] += 1
            nth = seen[function, text]
            yield Mutation(
                module=module,
                function=function,
                text=text if nth == 1 else f"{text} #{nth}",
                statement=statement,
                line=span.start.line,
                source="".join([*lines[: span.start.line - 1], new, *lines[span.end.line :]]),
            )


class _Sites(cst.CSTVisitor):
    """The nodes that an operator may change, each with its outermost function."""

    def __init__(self, positions: Mapping[cst.CSTNode, CodeRange]) -> None:
        self._positions = positions
        self._scope: list[tuple[str, bool]] = []
        self.nodes: list[tuple[cst.CSTNode, str, int, CodeRange]] = []
        self._statements: list[int] = [0]

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, _UNTOUCHED):
            return False
        span = self._positions.get(node)
        if span and isinstance(node, _STATEMENTS):
            self._statements.append(span.start.line)
        if span and any(isinstance(node, kind) for kind, _ in mutation_operators):
            self.nodes.append((node, self._function(), self._statements[-1], span))
        if isinstance(node, (cst.FunctionDef, cst.ClassDef)):
            self._scope.append((node.name.value, isinstance(node, cst.FunctionDef)))
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if isinstance(original_node, (cst.FunctionDef, cst.ClassDef)):
            self._scope.pop()
        if isinstance(original_node, _STATEMENTS):
            self._statements.pop()

    def _function(self) -> str:
        names = []
        for name, is_function in self._scope:
            names.append(name)
            if is_function:
                return ".".join(names)
        return "<module>"


def _replacements(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    for kind, operator in mutation_operators:
        if isinstance(node, kind):
            yield from operator(node)


def _replaced(
    module: cst.Module,
    lines: list[str],
    span: CodeRange,
    node: cst.CSTNode,
    replacement: cst.CSTNode,
) -> str | None:
    """The lines of a node with the replacement in its place; None if it is not written there."""
    old = "".join(lines[span.start.line - 1 : span.end.line])
    before = lines[span.start.line - 1][: span.start.column]
    after = lines[span.end.line - 1][span.end.column :]
    if isinstance(node, cst.Match):
        indent = " " * span.start.column
        body = "".join(f"{indent}{line}" for line in _code(module, replacement))
        return f"{body.rstrip()}{after}"
    code, new = ("".join(_code(module, each)) for each in (node, replacement))
    if not old.startswith(before + code.strip()):
        return None
    return f"{before}{new.strip()}{after}"


def _code(module: cst.Module, node: cst.CSTNode) -> list[str]:
    return module.code_for_node(node).splitlines(keepends=True)
