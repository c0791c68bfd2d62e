"""What the worker reads of its command line, and what is the program's."""

from __future__ import annotations

import pytest

from batchrelay_worker.main import _parser


@pytest.mark.parametrize(
    "program",
    [["tool", "--in", "a", "--", "b"], ["-x", "--"], ["run", "--attempts", "4"], ["-h"]],
    ids=" ".join,
)
def test_what_stands_after_the_first_dashes_is_the_programs(program: list[str]) -> None:
    options = _parser().parse_args(["run", "--attempts", "3", "--", *program])
    assert (options.attempts, options.program) == (3, program)


@pytest.mark.parametrize("words", [["run", "--"], ["run", "--attempts", "0", "--", "tool"]])
def test_a_run_without_a_program_or_an_attempt_is_a_usage_error(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        _parser().parse_args(words)
    assert "usage: batchrelay-worker run" in capsys.readouterr().err
