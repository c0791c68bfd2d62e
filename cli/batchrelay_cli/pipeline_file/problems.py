"""What is wrong with a pipeline file, and where. Imports nothing slow: every verb reports it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from batchrelay.domain.values import printable


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something wrong, or a warning, and where."""

    line: int
    column: int
    message: str
    is_warning: bool = False

    def render(self, path: Path) -> str:
        """As compilers write it, so that editors jump there."""
        kind = "warning: " if self.is_warning else ""
        return printable(f"{path}:{self.line}:{self.column}: {kind}{self.message}")


class PipelineFileError(Exception):
    """The file cannot be used; every problem with its place."""

    def __init__(self, path: Path, problems: list[Problem]) -> None:
        super().__init__("\n".join(problem.render(path) for problem in problems))
        self.problems = problems
