"""A notice on the terminal: hostile text in it does nothing, and forges no line."""

from __future__ import annotations

from batchrelay_cli.views.notice import notice_lines, run_id_of


def test_a_notice_is_its_subject_and_its_indented_text() -> None:
    notice = {"Subject": "nightly FAILED", "Message": "nightly FAILED\n\n  a: FAILED"}
    lines = ["notice: nightly FAILED", "  nightly FAILED", "", "    a: FAILED"]
    assert list(notice_lines(notice)) == lines


def test_what_would_act_on_the_terminal_is_an_escape() -> None:
    hostile = {"Subject": "\x1b]0;t\x07\nrun", "Message": "a\u2028export X=1\r\x1b[2Jb\x0bc\n"}
    assert list(notice_lines(hostile)) == [
        r"notice: \x1b]0;t\x07\nrun",
        r"  a\u2028export X=1\r\x1b[2Jb\x0bc",
        "",
    ]


def test_a_notice_without_a_subject_is_shown() -> None:
    assert list(notice_lines({"Message": "m"})) == ["notice:", "  m"]


def test_a_notice_is_of_one_run_and_what_others_publish_is_of_none() -> None:
    attributes = {"batchrelay.runId": {"Type": "String", "Value": "r1"}}
    assert run_id_of({"Message": "m", "MessageAttributes": attributes}) == "r1"
    assert run_id_of({"Message": "m"}) is None
