"""What a tool answers: data, with limits; what others wrote in it cannot pose as anything else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click
from mcp.server.mcpserver.exceptions import ToolError

from batchrelay.domain.errors import InputError
from batchrelay.domain.values import printable
from batchrelay_cli.pipeline_file.problems import PipelineFileError

TEXT_CHARS_MAX = 1_000
"""Characters of one text: a reason, an item, a line of a log."""

LOG_CHARS_MAX = 40_000
"""Characters of the lines of a log: about 10,000 tokens of a language model."""

ANSWER_CHARS_MAX = 100_000
"""Characters of an answer as JSON: more would fill a language model's context with one call."""

ERROR_CHARS_MAX = 10_000
"""Characters of an error: a pipeline file may have hundreds of mistakes."""


def data(document: Any) -> Any:
    """A document whose texts are cut, and whose control characters are escapes.

    Raises: ToolError: it is too long all the same.
    """
    answer = _data(document)
    size = len(json.dumps(answer, ensure_ascii=False))
    if size > ANSWER_CHARS_MAX:
        raise ToolError(
            f"the answer has {size:,} characters, more than {ANSWER_CHARS_MAX:,}: ask for less, "
            "such as one step or a smaller limit"
        )
    return answer


def _data(value: Any) -> Any:
    match value:
        case str():
            return _cut(value, TEXT_CHARS_MAX)
        case dict():
            return {_cut(str(key), TEXT_CHARS_MAX): _data(entry) for key, entry in value.items()}
        case list() | tuple():
            return [_data(entry) for entry in value]
        case _:
            return value


def _cut(text: str, chars_max: int) -> str:
    excess = len(text) - chars_max
    start = printable(text[:chars_max], keep="\t\n")
    return start if excess <= 0 else f"{start}… ({excess:,} more characters)"


def last_lines(lines: Sequence[str]) -> list[str]:
    """As many of the last lines as an answer has, each as far as it is shown."""
    kept: list[str] = []
    left = LOG_CHARS_MAX
    for line in reversed(lines):
        shown = _cut(line.rstrip("\r\n"), TEXT_CHARS_MAX)
        left -= len(shown)
        if left < 0:
            break
        kept.append(shown)
    return kept[::-1]


@contextmanager
def refusals() -> Iterator[None]:
    """What the caller can fix is an error with the command line's sentence."""
    try:
        yield
    except click.ClickException as error:
        raise ToolError(_cut(error.message, ERROR_CHARS_MAX)) from None
    except (InputError, PipelineFileError) as error:
        raise ToolError(_cut(str(error), ERROR_CHARS_MAX)) from None
