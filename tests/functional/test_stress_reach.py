"""The fault that `python -m verification.stress.reach` shows is gone."""

from __future__ import annotations

import pytest

from verification.stress import reach


def test_a_caller_reaches_no_more_than_the_stacks_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert reach.main() == 0, capsys.readouterr().out
