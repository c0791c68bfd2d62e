"""Hostile texts in every field of a report, one kind after the other, in a real browser."""

from __future__ import annotations

from typing import Any

import pytest

from batchrelay.domain.values import printable
from batchrelay.report.document import report_document
from batchrelay.report.page import page as page_of
from tests.functional.report.opened import PHONE, Open, Opened
from tests.unit.report import hostile
from verification.report.synthetic import variant_calls

ATTACKS = {
    "the end of the script": "</script><script>window.ran=1</script>",
    "the end of the data": '</script>"}]}<!--<script>',
    "the end of the style": "</style><style>body{background:url(https://evil.example/a)}</style>",
    "elements that load": "<img src=https://evil.example/b onerror=window.ran=1>"
    "<svg onload=window.ran=1><iframe src=https://evil.example/c></iframe>"
    "<link rel=stylesheet href=//evil.example/d>",
    "a form": "<form action=https://evil.example><input name=q autofocus onfocus=window.ran=1>",
    "a base and a refresh": '<base href="https://evil.example/">'
    '<meta http-equiv=refresh content="0;//evil.example">',
    "the end of an attribute": "\"' onmouseover=window.ran=1 autofocus tabindex=0 "
    "onfocus=window.ran=1 x='",
    "an address that is script": "javascript:window.ran=1//",
    "an entity": "&lt;script&gt;&#60;script>&colon;&NewLine;",
    "templates": "${window.ran=1}{{constructor.constructor('window.ran=1')()}}`",
    "a formula": '=HYPERLINK("https://evil.example/","x")+cmd|\' /C calc\'!A0',
    "texts that reverse others": "\u202etxt.exe\u202c\u2066\u2067\u2068\u2069\u200e\u200f\u061c",
    "null bytes and controls": "a\x00b\x08c\x1b]0;title\x07\x1b[2Jd\x7f\x85\ufeff\ufffe",
    "separators of lines": "a\u2028b\u2029c\r\nd",
    "halves of characters": "\ud800\udc00\udfff",
    "a very long word": "W" * 5_000,
    "letters that stack": "Z" + "\u0351\u0489\u035b" * 300,
    "Hebrew and Arabic": "\u05d3\u05d5\u05d2\u05de\u05d4 \u0645\u062b\u0627\u0644 12/3",
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return report_document(variant_calls(40, fails=0.3).evidence())


def everything_is_used(opened: Opened) -> None:
    page = opened.page
    for number in range(page.locator("#step option").count()):
        page.locator("#step").select_option(str(number))
        for key in ("Home", "f", "End"):
            page.locator("#cells").press(key)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    page.evaluate("document.querySelectorAll('summary, button, td').forEach((e) => e.focus())")


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_no_text_runs_loads_hides_or_widens_the_page(
    open_page: Open, document: dict[str, Any], attack: str
) -> None:
    planted = hostile.planted(document, plant=attack)
    opened = open_page(page_of(planted, planted), PHONE)
    page = opened.page
    title = page.title()
    everything_is_used(opened)
    assert page.evaluate("window.ran") is None
    assert (opened.messages, opened.dialogs, len(opened.requests)) == ([], [], 1)
    assert page.locator("script, style").count() == 3
    assert page.locator("img, iframe, object, embed, form, base").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert page.title() == title
    words = page.evaluate("document.documentElement.textContent")
    assert printable(attack, keep="\n\t")[:40] in words.replace("\r", "\\r")


def test_links_lead_to_the_console_whatever_stands_in_an_uri(
    open_page: Open, document: dict[str, Any]
) -> None:
    planted = hostile.planted(document, plant="/../../@evil.example/?a=b#javascript:x")
    page = open_page(page_of(planted)).page
    everything_is_used(Opened(page))
    links = page.evaluate("[...document.links].map((link) => new URL(link.href).host)")
    assert set(links) <= {"", "eu-central-1.console.aws.amazon.com"}
    assert page.evaluate("[...document.links].every((link) => !link.target)")


def test_a_command_is_copied_as_it_stands(open_page: Open, document: dict[str, Any]) -> None:
    """Its words are elements of their own, so that a line does not end within `--class`."""
    page = open_page(page_of(document)).page
    redrive = document["steps"][2]["causes"][0]["redrive"]
    assert " --class " in redrive
    code = page.locator(".cause .command code").filter(has_text="--class").first
    assert redrive in page.locator(".cause .command code").all_text_contents()
    copied = code.evaluate(
        "(e) => (getSelection().selectAllChildren(e), getSelection().toString())"
    )
    assert copied in {cause["redrive"] for cause in document["steps"][2]["causes"]}
