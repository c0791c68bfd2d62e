"""The report page in a real browser, from a file: nothing is served."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from batchrelay.report.document import report_document
from batchrelay.report.page import page as page_of
from batchrelay.report.text import duration
from tests.functional.report.opened import PHONE, WIDE, Open, Opened
from tests.unit.report import hostile
from verification.report.synthetic import variant_calls


@pytest.fixture(scope="module")
def ten_thousand() -> str:
    return page_of(report_document(variant_calls().evidence()))


@pytest.fixture(scope="module")
def small() -> dict[str, Any]:
    return report_document(variant_calls(40, fails=0.3).evidence())


def is_drawn(opened: Opened) -> bool:
    """Whether the canvas has more than one colour."""
    colours = opened.page.evaluate(
        """() => {
          const canvas = document.getElementById("cells"), to = canvas.getContext("2d");
          const data = to.getImageData(0, 0, canvas.width, canvas.height).data;
          const colours = new Set();
          for (let n = 0; n < data.length; n += 404) colours.add(data.slice(n, n + 3).join());
          return colours.size;
        }"""
    )
    return bool(colours > 2)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_ten_thousand_children_are_drawn_within_a_second_and_nothing_is_asked_for(
    open_page: Open, ten_thousand: str, viewport: dict[str, int], scheme: str
) -> None:
    opened = open_page(ten_thousand, viewport, color_scheme=scheme)
    assert opened.data("cells") > 10_000
    assert opened.data("drawMs") < 1_000
    assert is_drawn(opened)
    assert opened.messages == []
    assert [url for url in opened.requests if not url.startswith("file:")] == []
    assert len(opened.requests) == 1
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


def test_a_cell_that_is_clicked_shows_its_child(open_page: Open, small: dict[str, Any]) -> None:
    opened = open_page(page_of(small))
    size = 22  # of a cell, if there are few
    opened.page.locator("#cells").click(position={"x": 7.5 * size, "y": 0.5 * size})
    align = small["steps"][2]["columns"]
    assert opened.fact("child") == "7"
    words = {"S": "succeeded", "F": "failed"}
    assert opened.fact("state") == words[align["state"][7]]
    assert opened.fact("peak").startswith(f"{align['peakMiB'][7] / 1024:.1f} GiB of")
    ran_ms = 100 * round((align["stoppedMs"][7] - align["startedMs"][7]) / 100)
    assert opened.fact("CPU") == f"{align['cpuS'][7]:.1f} s"
    assert opened.fact("ran").startswith(f"{duration(ran_ms)} (")
    assert "/align:7" in (opened.page.locator("#facts code").text_content() or "")


def test_everything_can_be_done_by_keyboard(open_page: Open, small: dict[str, Any]) -> None:
    opened = open_page(page_of(small))
    page = opened.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.locator("#cells").focus()
    page.keyboard.press("Home")
    assert opened.fact("child") == "0"
    page.keyboard.press("ArrowRight")
    assert opened.fact("child") == "1"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("f")
    assert opened.fact("state") == "failed"
    page.keyboard.press("End")
    assert opened.fact("child").endswith("of round 1")
    page.locator("input[value=state]").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#legend li").first.text_content() == "≤ 0.5 × the median"
    page.locator("#number").fill("6")
    page.keyboard.press("Enter")
    assert opened.fact("child") == "6"
    page.locator("#step").select_option(label="call (240)")
    assert opened.data("cells") == 240
    page.locator(".next button").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".next button")).not_to_have_text("Copy")  # no text as code: the page's CSP
    assert opened.messages == []


def test_every_control_and_picture_has_a_name(open_page: Open, small: dict[str, Any]) -> None:
    page = open_page(page_of(small)).page
    assert page.locator("main, nav, header, footer").count() == 4
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("svg, canvas, input, select, button, [tabindex]")]
          .filter((e) => !e.closest("[aria-hidden=true], [role=img]") &&
            !(e.matches(".key")) && !e.getAttribute("aria-label") && !e.closest("label") &&
            !e.textContent.trim())
          .map((e) => e.outerHTML.slice(0, 80))"""
    )
    assert nameless == []


def test_no_hostile_text_runs_or_becomes_an_element(open_page: Open, small: dict[str, Any]) -> None:
    document = hostile.planted(small)
    opened = open_page(page_of(document, document))
    page = opened.page
    for key in ("Home", "f", "f", "End"):
        page.locator("#cells").press(key)
    for number in range(page.locator("#step option").count()):
        page.locator("#step").select_option(str(number))
    assert page.evaluate("window.ran") is None
    assert page.locator("script").count() == 2
    assert page.locator("img, iframe, object, embed").count() == 0
    assert "<img src=x" in (page.locator("#facts").text_content() or "")
    words = page.evaluate("document.documentElement.textContent")
    assert not set("\u202e\u2066\x1b\x07") & set(words)
    assert (opened.messages, opened.dialogs, len(opened.requests)) == ([], [], 1)


def test_the_page_is_complete_without_script_but_for_the_cells(
    open_page: Open, small: dict[str, Any]
) -> None:
    page = open_page(page_of(small), java_script_enabled=False).page
    assert page.locator("#map").is_hidden()
    assert page.get_by_text("need JavaScript").is_visible()
    assert page.locator("svg.graph").is_visible()
    assert page.locator(".cause").count() == 4
