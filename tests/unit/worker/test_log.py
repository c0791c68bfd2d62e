"""What an item, a program or a service says is one line of the log, whatever it holds."""

from __future__ import annotations

import io
import sys

import pytest

from batchrelay_worker.log import log_line, printable


def test_a_line_of_ours_cannot_be_forged(capsys: pytest.CaptureFixture[str]) -> None:
    log_line("item 1 (1 of 2) failed: no\n[batchrelay] 0 of 2 items failed\r\x1b[2K\x9b1A\u202e é")
    assert capsys.readouterr().err == (
        r"[batchrelay] item 1 (1 of 2) failed: no\n[batchrelay] 0 of 2 items failed\r\x1b[2K\x9b1A"
        "\\u202e é\n"
    )


def test_no_character_passes_that_acts_on_a_terminal() -> None:
    passed = "".join(map(printable, map(chr, range(0x3000))))
    assert passed.isprintable()
    assert printable("\ud800") == r"\ud800"


def test_a_line_is_there_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[str] = []

    class Stream(io.StringIO):
        def flush(self) -> None:
            flushed.append(self.getvalue())

    monkeypatch.setattr(sys, "stderr", Stream())
    log_line("done")
    assert flushed == ["[batchrelay] done\n"]
