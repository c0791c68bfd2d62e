"""An error response quotes the request; whatever that says, the answer is XML of one message."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from batch_local.http.errors import error_response


@pytest.mark.parametrize(
    ("message", "read"),
    [
        ("plain", "plain"),
        ("</Message><Code>Other</Code>", "</Message><Code>Other</Code>"),
        ("a & <b> ]]>", "a & <b> ]]>"),
        ("a\0\x01\x1bb", "a���b"),
        ("half \ud800", "half �"),
        ("\ufffe\uffff", "��"),
        ("tab\t, \U0001f600", "tab\t, \U0001f600"),
    ],
)
@pytest.mark.parametrize(
    "headers", [{}, {"content-type": "application/x-www-form-urlencoded"}], ids=["s3", "query"]
)
def test_a_hostile_message_is_one_text(message: str, read: str, headers: dict[str, str]) -> None:
    answer = error_response("denied", message, headers, None)
    root = ET.fromstring(answer.body)  # noqa: S314  # our own text
    assert [element.text for element in root.iter("Message")] == [read]
    assert [element.text for element in root.iter("Code")] == ["AccessDenied"]
